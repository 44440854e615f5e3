"""Pixels and points move into the upright part and back, exactly, for all quarter turns."""

import numpy as np
import pytest

from faceagent.types import FaceFrame
from faceagent.upright import box_into, box_out, cut_out, points_into, points_out

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("quarters", range(4))
def test_a_point_keeps_its_pixel(quarters: int) -> None:
    pixels = RNG.integers(0, 255, (40, 60, 3), dtype=np.uint8)
    frame = FaceFrame(content=(7, 5, 47, 38), quarters=quarters, box=(0, 0, 1, 1))
    part = cut_out(pixels, frame)
    points = np.stack([RNG.integers(7, 47, 50), RNG.integers(5, 38, 50)], axis=1)
    moved = points_into(frame, points)
    assert np.array_equal(part[moved[:, 1].astype(int), moved[:, 0].astype(int)], pixels[points[:, 1], points[:, 0]])
    assert np.array_equal(points_out(frame, moved), points)


@pytest.mark.parametrize("quarters", range(4))
def test_a_box_covers_the_same_pixels(quarters: int) -> None:
    pixels = RNG.integers(0, 255, (40, 60, 3), dtype=np.uint8)
    frame = FaceFrame(content=(7, 5, 47, 38), quarters=quarters, box=(0, 0, 1, 1))
    x0, y0, x1, y1 = (int(value) for value in box_into(frame, (10, 9, 20, 30)))
    part = cut_out(pixels, frame)[y0:y1, x0:x1]
    assert np.array_equal(np.rot90(part, -quarters), pixels[9:30, 10:20])
    assert box_out(frame, (x0, y0, x1, y1)) == (10, 9, 20, 30)


def test_a_clockwise_quarter_is_undone() -> None:
    pixels = RNG.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    turned = np.rot90(pixels, -1)
    frame = FaceFrame(content=(0, 0, 20, 30), quarters=1, box=(0, 0, 1, 1))
    assert np.array_equal(cut_out(turned, frame), pixels)
