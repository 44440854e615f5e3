"""``finetune.add_family`` from pictures to a branch that the encoder runs and a calibration that the judge reads."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.encoder.branch import load_branch
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.tower import DINOV2, load_tower
from faceagent.errors import InputError
from faceagent.judge.calibrate import Platt
from faceagent.settings import Settings
from finetune import add_family

EACH = 4


def _made(folder: Path, astronaut: NDArray[np.uint8], change: float) -> Path:
    """Faces in different light and frames; the fakes are smoothed by a filter that keeps edges."""
    folder.mkdir()
    rng = np.random.default_rng(int(change))
    rows = [{"file": f"{number}.png", "label": ("real", "fake")[number % 2]} for number in range(2 * EACH)]
    for row in rows:
        left, top, side = (int(value) for value in rng.uniform((100, 0, 210), (130, 20, 250)))
        face = cv2.resize(astronaut[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA)
        lit = np.clip(face * rng.uniform(0.8, 1.1, 3), 0, 255).astype(np.uint8)
        pixels = cv2.bilateralFilter(lit, 7, change, 7) if row["label"] == "fake" else lit
        cv2.imwrite(str(folder / row["file"]), pixels[:, :, ::-1])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.mark.e2e
def test_two_families_after_each_other(
    astronaut: NDArray[np.uint8],
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("finetune.detectors.added.data.LEAST", EACH)
    # One shallow block and no CLIP, so that the walk is short.
    monkeypatch.setattr("finetune.detectors.added.data.DEPTHS", (2,))
    monkeypatch.setattr("finetune.detectors.added.fit.CHOICES", ((2,),))
    monkeypatch.setenv("FACEAGENT_DETECTORS", "fast")
    where = ["--adapters", str(tmp_path / "adapters"), "--out", str(tmp_path / "records")]
    order = [*where, "--runs", str(tmp_path / "runs"), "--tower", DINOV2]
    assert add_family.main([str(_made(tmp_path / "smooth", astronaut, 60)), *order]) == 0
    assert add_family.main([str(_made(tmp_path / "wax", astronaut, 120)), *order]) == 0
    _, *families, mean, wrote = [line.split() for line in capsys.readouterr().out.splitlines()[-6:]]
    # The first family is judged again after the second, beside the shipped one.
    assert [line[0] for line in families] == ["spliced", "wax", "smooth"] and wrote[0] == "wrote"
    before, after = ({line[0]: float(line[column]) for line in families} for column in (1, 2))
    assert float(mean[2].rstrip(",")) == pytest.approx(np.mean(list(after.values())), abs=2e-3)
    lost = [before[name] - after[name] for name in ("spliced", "smooth")]
    assert float(mean[4]) == pytest.approx(np.mean(lost), abs=2e-3)
    tower = load_tower(settings, DINOV2)
    branch = load_branch(tmp_path / "adapters" / "added_wax", tower)
    crop = cv2.resize(astronaut[10:240, 110:340], (224, 224))
    assert np.isfinite(Encoder(tower, [branch]).run([crop])["added_wax"].logits).all()
    record = Platt.model_validate_json((tmp_path / "records" / "forgery-added_wax-1.json").read_text())
    assert record.id == "forgery/added_wax-1"


@pytest.mark.parametrize("name", ["spliced", "Wax", "../wax"])
def test_a_name_that_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        add_family.main([str(tmp_path), "--name", name])
