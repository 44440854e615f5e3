"""Simulated recaptures: the same for the same seed, different from the picture, and cropped as asked."""

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.synthesis import recapture


@pytest.mark.parametrize("attack", recapture.ATTACKS)
def test_recapture_is_deterministic_and_changes_the_picture(
    attack: recapture.Attack, astronaut: NDArray[np.uint8]
) -> None:
    small = astronaut[::4, ::4]
    first = recapture.recapture(small, attack, np.random.default_rng(3))
    second = recapture.recapture(small, attack, np.random.default_rng(3))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8 and first.shape[2] == 3
    assert first.shape != small.shape or np.abs(first.astype(int) - small).mean() > 5


def test_around_leaves_the_room_asked_for(astronaut: NDArray[np.uint8]) -> None:
    crop = recapture.around(astronaut, (200.0, 200.0, 300.0, 300.0), 2.0)
    assert crop.shape[0] == pytest.approx(201, abs=1)
    assert recapture.around(astronaut, (0.0, 0.0, 500.0, 500.0), 3.0).shape == astronaut.shape
