"""What the explaining adapters learn from: made from any labelled folder, the same for a seed, true to its evidence."""

import csv
import json
from collections import Counter
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceagent.explain import explanation_prompt
from faceagent.explain.vlm_explainer import LABELS
from faceagent.settings import Settings
from faceagent.vlm.label import CHOICES
from finetune.data.samples import TrainingSample, read_samples
from finetune.vlm.embedded import __main__ as door
from finetune.vlm.embedded import stages

PEOPLE = ("Ada", "Bea", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hal", "Ida", "Jan")

FEW = {"expression": 6, "forgery": 6, "identity": 4}


@pytest.fixture(scope="module")
def data(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture under the names of ten people, with a label each."""
    folder = tmp_path_factory.mktemp("data") / "muxspace_expressions"
    folder.mkdir()
    rows = [{"file": f"{name}_1.png", "emotion": ("happiness", "anger")[n % 2]} for n, name in enumerate(PEOPLE)]
    for row in rows:
        Image.fromarray(astronaut).save(folder / row["file"])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["file", "emotion"])
        table.writeheader()
        table.writerows(rows)
    return folder.parent


@pytest.fixture(scope="module")
def made(data: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with few samples of every kind."""
    work = stages.WorkFolders(data, tmp_path_factory.mktemp("work"), data / "weights")
    assert stages.run_samples(work, FEW) == {"expression": 18, "forgery": 12, "identity": 4}
    return work.folder / stages.SAMPLES


def samples(folder: Path, topic: str) -> list[TrainingSample]:
    return list(read_samples(folder / f"{topic}.jsonl"))


@pytest.mark.parametrize("topic", stages.EACH)
def test_every_answer_is_one_that_the_product_would_take(made: Path, topic: str) -> None:
    kinds = Counter(str(one.meta["engine"]) for one in samples(made, topic))
    assert kinds["terse"] and set(kinds) <= {"terse", "label", "beside"}
    for one in samples(made, topic):
        assert (made / one.images[0].path).is_file()
        if one.meta["engine"] != "terse":
            assert one.answer in CHOICES[one.question] and ("[expression]" in one.prompt) == (
                one.meta["engine"] == "beside"
            )
            continue
        said = json.loads(one.answer)
        lines = {line[1 : line.index("]")]: line.partition("] ")[2] for line in one.prompt.splitlines()[1:]}
        step = {"type": "object", "properties": {"cites": {"items": {"enum": list(lines)}}}, "required": ["text"]}
        jsonschema.validate(said, {"additionalProperties": {"type": "array", "items": step}})
        assert list(said) == list(explanation_prompt.SECTIONS[one.question])
        cited = {cite for steps in said.values() for found in steps for cite in found["cites"]}
        assert cited == set(lines), "every line of the prompt is told"
        assert lines["V"].removeprefix("verdict: ") in said["Conclusion"][0]["text"]
        assert lines["V"].removeprefix("verdict: ") in LABELS[one.question]


def test_no_path_of_a_machine_is_in_a_sample(made: Path, data: Path) -> None:
    for topic in stages.EACH:
        assert str(data) not in (made / f"{topic}.jsonl").read_text(encoding="utf-8")
        assert "tmp" not in (made / f"{topic}.jsonl").read_text(encoding="utf-8")


def test_the_same_samples_come_again_also_over_old_ones(made: Path, data: Path, tmp_path: Path) -> None:
    again = stages.WorkFolders(data, tmp_path, data / "weights")
    for _ in range(2):
        stages.run_samples(again, FEW)
        for file in sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file()):
            assert (again.folder / stages.SAMPLES / file).read_bytes() == (made / file).read_bytes()


def test_the_command_says_how_many(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stages, "EACH", {"identity": 2})
    door.main(["samples", "--data", str(data), "--work", str(tmp_path)])
    assert (tmp_path / "samples" / "identity.jsonl").is_file()
    with pytest.raises(SystemExit):
        door.main(["adapter", "--data", str(data), "--work", str(tmp_path)])
    assert "adapter needs a name" in capsys.readouterr().err
