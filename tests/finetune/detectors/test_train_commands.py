"""The commands that make shipped heads, from a data folder to an adapter that loads: on a few made-up pictures."""

import csv
import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.encoder.branch import load_branch
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.tower import CLIP, load_tower
from faceagent.judge.calibrate import _ADAPTER
from faceagent.settings import Settings
from faceagent.tools.attributes import CENTRES, FULL, MALE
from finetune.detectors.attributes import train as attributes_branch
from finetune.detectors.generated import train as generated_branch

SIDE = 192
GENERATORS = ("FLUX1_dev", "SDXL", "DALLE3")


@pytest.fixture(scope="module")
def data(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five training sets, of one face each time in another light, place and size; generated ones are smoothed."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    # Every band once with each gender: a table of ages needs all of them.
    people = [
        {"file": f"{number}.png", "age": band, "gender": gender}
        for number, (band, gender) in enumerate(itertools.product(CENTRES, ("Male", "Female")))
    ]
    generated = [{"file": f"{number}.png", "generator": GENERATORS[number % 3]} for number in range(18)]
    sets = {
        "fairface_train_4k": people,
        "muxspace_expressions": [{"file": f"Person_{number:02}_0001.png"} for number in range(12)],
        "frll_london": [{"file": f"{3 * number + 1:03}.png", "set": "neutral_front"} for number in range(12)],
        "sfhq_tiles": [{"file": f"{number}.png"} for number in range(12)],
        "sfhq_t2i_tiles": generated,
    }
    for name, rows in sets.items():
        (folder / name).mkdir()
        with (folder / name / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        for row in rows:
            cv2.imwrite(str(folder / name / row["file"]), _picture(astronaut, rng, smooth="sfhq" in name)[:, :, ::-1])
    return folder


def _picture(astronaut: NDArray[np.uint8], rng: np.random.Generator, *, smooth: bool) -> NDArray[np.uint8]:
    left, top, side = (int(value) for value in rng.uniform((100, 0, 210), (130, 20, 250)))
    face = cv2.resize(astronaut[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lit = np.clip(face * rng.uniform(0.8, 1.1, 3) + rng.normal(0, 3, face.shape), 0, 255).astype(np.uint8)
    return cv2.bilateralFilter(lit, 5, 40, 5).astype(np.uint8) if smooth else lit


def test_attributes_from_pictures_to_an_adapter(
    data: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A shallow block and two penalties, so that the walk and the search are short.
    monkeypatch.setattr(attributes_branch, "READS", {FULL.branch: (CLIP, (2,))})
    monkeypatch.setattr(attributes_branch, "STRENGTHS", (0.03, 0.1))
    adapter, out = tmp_path / "attributes", tmp_path / "calibration"
    order = ["--data", str(data), "--runs", str(tmp_path / "runs"), "--adapter", str(adapter), "--out", str(out)]
    assert attributes_branch.main(order) == 0
    tower = load_tower(settings, CLIP)
    branch = load_branch(adapter, tower)
    assert branch.config.labels == (*CENTRES, MALE)
    assert {path.name for path in out.iterdir()} == {"age-averaged-2.json", "gender-averaged-2.json"}
    # What was computed once is read the second time: the same adapter comes out.
    before = branch.config.files
    monkeypatch.setattr("finetune.detectors.attributes.data.extract_rows", None)
    assert attributes_branch.main(order) == 0
    assert load_branch(adapter, tower).config.files == before


def test_generated_from_pictures_to_an_adapter(
    data: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One shallow block, so that the walk is short and the axes are found at once.
    monkeypatch.setattr("finetune.detectors.generated.data.DEPTHS", (2,))
    monkeypatch.setattr(generated_branch, "DEPTHS", (2,))
    monkeypatch.setattr(generated_branch, "CHOICES", ((2,),))
    adapter, out = tmp_path / "forgery_generated", tmp_path / "calibration"
    order = ["--data", str(data), "--runs", str(tmp_path / "runs"), "--adapter", str(adapter), "--out", str(out)]
    assert generated_branch.main(order) == 0
    tower = load_tower(settings)
    branch = load_branch(adapter, tower)
    assert (branch.config.taps, branch.config.labels) == ((2,), generated_branch.LABELS)
    crop = np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    logits = Encoder(tower, [branch]).run([crop])["forgery_generated"].logits
    assert logits.shape == (1, len(generated_branch.LABELS)) and np.isfinite(logits).all()
    for path in out.iterdir():
        _ADAPTER.validate_python(json.loads(path.read_text(encoding="utf-8")))
    assert len(list(out.iterdir())) == 3
