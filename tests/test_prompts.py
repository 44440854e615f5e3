from pathlib import Path

import pytest

from faceagent import prompts
from faceagent.errors import InputError

EVERY = sorted(path.relative_to(prompts.folder()).with_suffix("").as_posix() for path in prompts.folder().rglob("*.md"))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prompts, "folder", lambda: tmp_path)
    prompts.prompt.cache_clear()
    return tmp_path


def test_there_are_prompts() -> None:
    assert "expression/ledger" in EVERY


@pytest.mark.parametrize("identifier", EVERY)
def test_every_shipped_prompt_loads_under_its_own_id(identifier: str) -> None:
    found = prompts.prompt(identifier)
    assert found.id == identifier
    assert len(found.sha256) == 64


def test_variables_must_be_exactly_the_declared_ones(shelf: Path) -> None:
    (shelf / "a.md").write_text("---\nid: a\nversion: 2\nvariables: [x]\n---\nIt is {{ x }}.", encoding="utf-8")
    assert prompts.prompt("a").render({"x": 3}) == "It is 3."
    assert prompts.prompt("a").name == "a@2"
    for wrong in ({}, {"x": 1, "y": 2}, {"y": 2}):
        with pytest.raises(InputError, match="exactly these variables"):
            prompts.prompt("a").render(wrong)


def test_templates_cannot_reach_into_python(shelf: Path) -> None:
    (shelf / "b.md").write_text(
        "---\nid: b\nversion: 1\nvariables: [x]\n---\n{{ x.__class__.__mro__ }}", encoding="utf-8"
    )
    with pytest.raises(InputError, match="cannot be rendered"):
        prompts.prompt("b").render({"x": "text"})


@pytest.mark.parametrize(
    "text",
    ["no front matter", "---\nid: c\n---\n", "---\nid: other\nversion: 1\nvariables: []\n---\n", "---\n[\n---\n"],
)
def test_a_prompt_with_bad_front_matter_is_refused(shelf: Path, text: str) -> None:
    prompts.prompt.cache_clear()
    (shelf / "c.md").write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        prompts.prompt("c")
