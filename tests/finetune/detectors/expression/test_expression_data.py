"""Copies of labelled faces: which pictures are read, as what, and that what was computed is read again."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.encoder.tower import CLIP, load_tower
from faceagent.settings import Settings
from finetune.detectors.expression.data import NAMES, SMALL_COPY, WHOLE_COPY, copies, extract


def table(folder: Path, rows: list[dict[str, str]]) -> None:
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    emotions = ("happiness", "disgust", "contempt")
    table(tmp_path / "muxspace_expressions", [{"file": f"{e}/Ann_{e}_0001.png", "emotion": e} for e in emotions])
    people = [{"file": f"smiling_front/{number:03}.png", "set": "smiling_front"} for number in (1, 3)]
    table(tmp_path / "frll_london", people)
    return tmp_path


def test_every_face_is_read_once_and_test_people_never(data: Path) -> None:
    found = copies(data)
    assert {(one.path.name, one.label) for one in found} == {
        ("Ann_happiness_0001.png", "happy"),
        ("Ann_contempt_0001.png", "other"),
        ("001.png", "happy"),
    }
    assert len(found) == 3 and {one.kind for one in found} <= {WHOLE_COPY, SMALL_COPY}
    assert copies(data) == found


def test_what_was_computed_is_read_again(
    data: Path, astronaut: NDArray[np.uint8], settings: Settings, tmp_path: Path
) -> None:
    (found,) = [one for one in copies(data) if one.path.name == "001.png"]
    wanted = [found._replace(kind=kind) for kind in (WHOLE_COPY, SMALL_COPY)]
    wanted[0].path.parent.mkdir()
    cv2.imwrite(str(wanted[0].path), astronaut[:300, 100:350, ::-1])
    tower, cache = load_tower(settings, CLIP), tmp_path / "cache"
    rows = extract(wanted, tower, 1, settings, cache)
    assert rows.features.shape == (2, len(NAMES), tower.width)
    np.testing.assert_allclose(np.linalg.norm(rows.features.astype(np.float32), axis=2), 1, atol=1e-2)
    assert not np.array_equal(*rows.features)
    wanted[0].path.unlink()
    again = extract(wanted, tower, 1, settings, cache)
    for before, after in zip(rows, again, strict=True):
        np.testing.assert_array_equal(before, after)
