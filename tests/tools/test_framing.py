"""The place of the eyes: StyleGAN's alignment is recognised at any size, and lost by cropping."""

import numpy as np
import pytest

from evals.views import drawn
from faceagent.tools.base import View
from faceagent.tools.framing import CORNERS, EYES, eye_offset, framing_evidence
from faceagent.types import Face, Quality, ToolStamp

BY = ToolStamp(name="forgery", version="0")


def _mesh(width: int, height: int, move: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """A mesh whose eye corners lie evenly about FFHQ's places, moved by a share of the sides."""
    points = np.zeros((478, 2))
    for pair, (x, y) in zip(CORNERS, EYES, strict=True):
        for index, reach in zip(pair, (-0.04, 0.04), strict=True):
            points[index] = ((x + reach + move[0]) * width, (y + move[1]) * height)
    return points


def _view(points: np.ndarray, width: int, height: int) -> View:
    seen = drawn(np.zeros((height, width, 3), np.uint8))
    face = Face(
        id="F1",
        picture="P1",
        box=(0.0, 0.0, 10.0, 10.0),
        confidence=1.0,
        points5=((1.0, 1.0),) * 5,
        landmarks=tuple((float(x), float(y)) for x, y in points),
        quality=Quality(**{name: 100.0 for name in Quality.model_fields}),
    )
    return View(seen.picture, seen.pixels, seen.original, face)


@pytest.mark.parametrize("side", [128, 1024])
def test_the_place_is_known_at_any_size(side: int) -> None:
    assert eye_offset(_mesh(side, side), side, side) == pytest.approx(0, abs=1e-9)
    (item,) = framing_evidence(BY, _view(_mesh(side, side), side, side))
    assert item.facts["as_stylegan_places_them"] == "yes"
    assert item.score is not None and item.score.calibration is None


def test_a_crop_moves_the_eyes() -> None:
    """Thirty of 300 columns cut off on the left: the right eye goes from .380 to (114 - 30) / 270."""
    points = _mesh(300, 300) - [30, 0]
    assert eye_offset(points, 270, 300) == pytest.approx(0.380 - 84 / 270)
    (item,) = framing_evidence(BY, _view(points, 270, 300))
    assert item.facts["as_stylegan_places_them"] == "no"
    assert "7 %" in item.statement


def test_the_worse_eye_and_axis_count() -> None:
    assert eye_offset(_mesh(200, 100, (0.01, -0.03)), 200, 100) == pytest.approx(0.03)


def test_without_a_mesh_nothing_is_said() -> None:
    view = _view(_mesh(100, 100), 100, 100)
    assert view.face is not None
    bare = View(view.picture, view.pixels, view.original, view.face.model_copy(update={"landmarks": ()}))
    assert framing_evidence(BY, bare) == []
