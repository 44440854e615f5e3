"""The overlay: strong patches are painted where they are, outlines on top, one scale for every map."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from evals.views import drawn, portrait
from faceagent.report.overlay import SCALE_WIDTH, SIDE, colours, overlay
from faceagent.settings import Settings
from faceagent.types import HeatMap


def _map(row: int, column: int) -> HeatMap:
    values = np.zeros((16, 16))
    values[row, column] = 1.0
    return HeatMap(box=(0, 0, 160, 160), values=tuple(map(tuple, values.tolist())))


def test_a_strong_patch_is_painted_at_its_place() -> None:
    grey = np.full((160, 160, 3), 90, np.uint8)
    picture = overlay(grey, _map(2, 12))
    assert picture.shape == (SIDE, SIDE + SCALE_WIDTH, 3)
    strength = picture[:, :SIDE, 1].astype(int)
    row, column = np.unravel_index(strength.argmax(), strength.shape)
    assert row // 20 == 2 and column // 20 == 12


def test_the_scale_is_the_same_for_every_map() -> None:
    grey = np.full((160, 160, 3), 90, np.uint8)
    assert (overlay(grey, _map(0, 0))[:, SIDE:] == overlay(grey, _map(9, 9))[:, SIDE:]).all()


def test_brightness_rises_with_the_value() -> None:
    ramp = colours(np.linspace(0, 1, 64, dtype=np.float32)[np.newaxis])[0] @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(ramp) > -1).all() and ramp[-1] > ramp[0] + 100


def test_the_marked_region_is_outlined_in_red(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    view = portrait(drawn(astronaut), settings)
    assert view is not None and view.face is not None
    heat = HeatMap(box=view.face.box, values=tuple((0.0,) * 16 for _ in range(16)))
    plain, marked = (overlay(astronaut, heat, view.face.landmarks, region) for region in (None, "mouth"))
    red = (marked[:, :SIDE].astype(int) - plain[:, :SIDE])[:, :, 0]
    assert (np.abs(red) > 20).any()
    rows = np.flatnonzero((marked[:, :SIDE] != plain[:, :SIDE]).any(axis=(1, 2)))
    assert rows.min() > SIDE / 2


@pytest.mark.parametrize(
    "values", [(), ((1.2,),), ((-0.1,),), ((float("nan"),),), ((0.1, 0.2), (0.3,)), ((0.0,) * 65,) * 65]
)
def test_a_map_is_a_bounded_square_of_shares(values: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(ValidationError):
        HeatMap(box=(0, 0, 1, 1), values=values)
