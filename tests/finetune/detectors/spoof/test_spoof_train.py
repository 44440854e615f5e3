"""The spoof branch: takes are the same again and stay what they were, and the command ends in a head that loads."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.encoder.branch import load_branch
from faceagent.encoder.tower import CLIP, load_tower
from faceagent.judge.calibrate import Platt
from faceagent.settings import Settings
from finetune.detectors.spoof import data as takes_of
from finetune.detectors.spoof import train as spoof_branch
from finetune.detectors.spoof.data import COUNTS, delivered, load_or_make, load_or_make_changes
from finetune.detectors.spoof.train import fit_and_write

TAPS = (1, 3)


@pytest.fixture(scope="module")
def folder(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the sets, with two pictures each of one face in other light."""
    made, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name in ("fairface_train_4k", "us_portraits"):
        (made / name).mkdir()
        rows = [{"file": f"{name[0]}{number}.png"} for number in range(2)]
        with (made / name / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        for row in rows:
            lit = np.clip(astronaut[0:320, 70:390] * rng.uniform(0.85, 1.05, 3), 0, 255).astype(np.uint8)
            cv2.imwrite(str(made / name / row["file"]), lit[..., ::-1])
    return made


def test_from_pictures_to_a_head_that_loads(
    folder: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Shallow blocks, so that the walk and the search are short.
    monkeypatch.setattr(takes_of, "TAPS", TAPS)
    monkeypatch.setattr(spoof_branch, "CHOICES", ((1,), TAPS))
    monkeypatch.setattr(takes_of, "COUNTS", {name: 2 for name in COUNTS if (folder / name).is_dir()})
    tower = load_tower(settings, CLIP)
    takes = load_or_make(tmp_path / "takes", folder, tower, settings)
    assert set(takes.kind) == {"live", "print", "replay"} and len(set(takes.source)) == 4
    assert takes.features.shape == (len(takes.kind), len(TAPS) * 3 * tower.width)
    # What is there is not made again: a killed run goes on with the next picture.
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "takes").iterdir()}
    gone = sorted(stamps)[0]
    (tmp_path / "takes" / gone).unlink()
    again = load_or_make(tmp_path / "takes", folder, tower, settings)
    np.testing.assert_array_equal(again.features, takes.features)
    assert {one.name for one in (tmp_path / "takes").iterdir() if one.stat().st_mtime_ns != stamps[one.name]} == {gone}
    monkeypatch.setattr(takes_of, "EVERY", 2)
    changes = load_or_make_changes(tmp_path / "twins", folder, tower, settings)
    assert changes.features.shape == (4, takes.features.shape[1])
    assert np.abs(changes.features).mean() > 0 and np.abs(changes.features).mean() < np.abs(takes.features).mean()
    fit_and_write(takes, changes, tower, tmp_path / "adapter", tmp_path / "records")
    assert load_branch(tmp_path / "adapter", tower).config.labels == ("recaptured",)
    for path in (tmp_path / "records").iterdir():
        Platt.model_validate_json(path.read_text(encoding="utf-8"))


def test_delivery_is_the_same_for_the_same_draw(astronaut: NDArray[np.uint8]) -> None:
    for seed in range(6):
        first, second = (delivered(astronaut, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
