"""Crops that are scored again as their pictures are after being saved again."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.tools.resaved import COPIES, Pixels, scores_resaved


@pytest.fixture(scope="module")
def crop(astronaut: NDArray[np.uint8]) -> Pixels:
    return np.ascontiguousarray(astronaut[40:264, 110:334])


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_shows_the_same_face_in_the_same_colours_and_other_pixels(crop: Pixels, name: str) -> None:
    copy = COPIES[name](crop)
    assert copy.shape == crop.shape and copy.dtype == np.uint8
    assert 0 < np.abs(copy.astype(float) - crop).mean() < 12
    # Red stays red: the codecs' order of channels is undone.
    assert np.allclose(copy.mean(axis=(0, 1)), crop.mean(axis=(0, 1)), atol=6)
    assert (COPIES[name](crop) == copy).all()


def test_only_scores_that_could_matter_are_measured_again(crop: Pixels) -> None:
    asked: list[int] = []

    def score(crops: Sequence[Pixels]) -> NDArray[np.float64]:
        asked.append(len(crops))
        return np.arange(len(crops), dtype=np.float64)

    low, high = scores_resaved(score, [crop, crop], np.array([-3.0, 2.0]), least=-1.5)
    assert asked == [len(COPIES)]
    assert low == (-3.0, -3.0, -3.0)
    assert (high.low, high.high) == (0.0, 3.0)
    assert high.mean == pytest.approx((2.0 + 0 + 1 + 2 + 3) / 5)
    assert scores_resaved(score, [], np.zeros(0), least=0.0) == [] and len(asked) == 1
