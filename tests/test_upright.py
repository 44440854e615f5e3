"""Pixels and points move into the upright part and back, exactly, for all quarter turns."""

import numpy as np
import pytest

from evals.data.synthesis.picture_changes import tilted
from faceagent.types import FaceFrame, TurnedPhotograph
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


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_photograph_is_turned_back(quarters: int, astronaut: np.ndarray) -> None:
    turned = tilted(astronaut, 20)
    height, width = turned.shape[:2]
    photograph = TurnedPhotograph(degrees=20, width=512, height=512, centre=((width - 1) / 2, (height - 1) / 2))
    frame = FaceFrame(content=(0, 0, width, height), photograph=photograph, quarters=quarters, box=(0, 0, 1, 1))
    part = cut_out(turned, frame)
    difference = np.abs(np.rot90(part, -quarters).astype(int) - astronaut)[4:-4, 4:-4]
    assert difference.mean() < 1, "bicubic samples differ by 1.07"
    points = RNG.uniform(100, 400, (20, 2))
    assert np.allclose(points_out(frame, points_into(frame, points)), points, atol=1e-5)
    x0, y0, x1, y1 = box_out(frame, (200, 150, 300, 290))
    middle = points_out(frame, [(249.5, 219.5)])[0]
    assert ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2) == pytest.approx(tuple(middle))
    assert min(x1 - x0, y1 - y0) > 100 and max(x1 - x0, y1 - y0) < 150
