"""Sets that may not be trained on are refused, and only the pictures of the side that is wanted are looked at."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.held_out import is_held_out, source_of
from faceagent.errors import InputError
from faceagent.settings import Settings
from finetune.data.sources import faces_of


def test_sets_for_evaluation_only_are_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(InputError, match="utkface"):
        faces_of("utkface_1k", {"utkface_1k": tmp_path}, tmp_path, settings)


def test_one_side_of_the_split(astronaut: NDArray[np.uint8], tmp_path: Path, settings: Settings) -> None:
    name, folder = "us_portraits", tmp_path / "us_portraits"
    folder.mkdir()
    names = [f"{number}.png" for number in range(40)]
    held = [one for one in names if is_held_out(source_of(name, one))]
    assert 0 < len(held) < 10
    (folder / "labels.csv").write_text("\n".join(["file", *names]), encoding="utf-8")
    for one in held:
        # Pictures of the other side are not even there.
        cv2.imwrite(str(folder / one), astronaut[:256, 100:356, ::-1])
    found = faces_of(name, {name: folder}, tmp_path / "cache", settings, held_out=True)
    assert [Path(one.path).name for one in found] == held
    assert all(one.held_out for one in found)
    one = faces_of(name, {name: folder}, tmp_path / "cache", settings, 1, held_out=True)
    assert len(one) == 1
