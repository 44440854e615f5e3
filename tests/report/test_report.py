"""Reports: whole files, inside the folder, valid against the published schema, and safe to open."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent import Analyst, OutputError, Report, Settings, report
from faceagent.intake import MemoryBlobs
from faceagent.types import Problem

ROOT = Path(__file__).resolve().parents[2]
EVIL = '"><script>alert(1)</script><img src=http://evil.example/x.png onerror=alert(2)>'


class Page(HTMLParser):
    """Collects what could run or load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]


@pytest.fixture(scope="module")
def made(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Report, Path]]:
    folder = tmp_path_factory.mktemp("made")
    with Analyst(Settings()) as analyst:
        yield analyst.analyze(astronaut, out=folder), folder


def blobs_for(made: Report, pixels: NDArray[np.uint8]) -> MemoryBlobs:
    blobs = MemoryBlobs()
    if made.picture is not None:
        blobs.put_pixels(made.picture.sha256, pixels)
    return blobs


def test_the_written_json_is_valid_against_the_published_schema(made: tuple[Report, Path]) -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads((made[1] / "report.json").read_text(encoding="utf-8")), schema)


def test_the_page_runs_nothing_and_loads_nothing(made: tuple[Report, Path]) -> None:
    page = Page((made[1] / "report.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert page.handlers == []
    assert all(link.startswith(("data:image/jpeg;base64,", "#F")) for link in page.links)


def test_the_page_forbids_what_it_does_not_need(made: tuple[Report, Path]) -> None:
    text = (made[1] / "report.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]


def test_hostile_names_and_values_stay_text(made: tuple[Report, Path], astronaut: NDArray[np.uint8]) -> None:
    original = made[0]
    assert original.picture is not None
    item = original.evidence[0].model_copy(update={"statement": EVIL, "facts": {"name": EVIL}})
    evil = original.model_copy(
        update={
            "source": EVIL,
            "picture": original.picture.model_copy(update={"source": EVIL, "notes": (EVIL,)}),
            "evidence": (item, *original.evidence[1:]),
            "limitations": (EVIL,),
        }
    )
    page = Page(report.render(evil, blobs_for(evil, astronaut)))
    assert "script" not in page.tags
    assert page.handlers == []
    assert not any("evil.example" in link for link in page.links)


def test_a_report_about_an_unreadable_picture_says_why(made: tuple[Report, Path], tmp_path: Path) -> None:
    problem = Problem(reason="corrupt_picture", message="It is cut short.", remedy="Get it again.")
    broken = made[0].model_copy(
        update={"problem": problem, "picture": None, "faces": (), "evidence": (), "verdicts": (), "explanations": ()}
    )
    report.write(broken, tmp_path, MemoryBlobs())
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "It is cut short. Get it again." in text
    assert "corrupt_picture" in text


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "a/b\\c:d*?.jpg", "", ".", "con\x00.jpg", "ünïcödé 照片.png", "x" * 500, "-rf"]
)
def test_folder_names_are_harmless(made: tuple[Report, Path], name: str) -> None:
    folder = report.folder_name(made[0].model_copy(update={"source": name}))
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,80}", folder)


def test_nothing_half_written_is_left_behind(
    made: tuple[Report, Path], astronaut: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        report.write(made[0], tmp_path, blobs_for(made[0], astronaut))
    assert list(tmp_path.iterdir()) == []


def test_a_crowd_keeps_its_page_small(made: tuple[Report, Path], astronaut: NDArray[np.uint8]) -> None:
    face = made[0].faces[0]
    crowd = made[0].model_copy(update={"faces": tuple(face.model_copy(update={"id": f"F{n}"}) for n in range(1, 40))})
    text = report.render(crowd, blobs_for(crowd, astronaut))
    assert 'class="dots"' not in text
    assert len(text) < 2_000_000
