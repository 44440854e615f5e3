"""Differential morph detection: rises with unlikeness, keeps out of what it cannot know."""

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.morph import CALIBRATION, STRANGER, MorphDifferential, dissimilarity, shape_distance
from faceagent.types import Face, Picture, Quality

QUALITY = Quality(unified=80, sharpness=80, illumination=80, exposure=80, resolution=80, pose=80, visibility=80)
POINTS = np.array([(195.0, 115.0), (238.0, 113.0), (216.0, 140.0), (200.0, 163.0), (235.0, 161.0)])
MESH = np.random.default_rng(0).uniform(180, 260, (478, 2))


def _face(mesh: NDArray[np.float64] = MESH, name: str = "P1") -> Face:
    return Face(
        id=f"{name}F1",
        picture=name,
        box=(170.0, 70.0, 265.0, 205.0),
        confidence=0.9,
        points5=tuple((float(x), float(y)) for x, y in POINTS),
        landmarks=tuple((float(x), float(y)) for x, y in mesh),
        quality=QUALITY,
    )


def _view(pixels: NDArray[np.uint8], name: str = "P1", references: tuple[View, ...] = ()) -> View:
    height, width = pixels.shape[:2]
    sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
    picture = Picture(
        id=name, sha256=sha256, width=width, height=height, format="PNG", bytes=1, source="x", mode="RGB", orientation=1
    )
    return View(picture, lambda: pixels, lambda: b"", _face(name=name), references)


def _mixed(pixels: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """The picture averaged with its own mirror image, which is somebody else to the network."""
    return np.asarray((1 - share) * pixels + share * pixels[:, ::-1], dtype=np.uint8)


def test_dissimilarity_falls_with_the_cosine_and_stays_finite() -> None:
    values = [dissimilarity(cosine) for cosine in (-1.0, 0.0, 0.5, 0.9, 1.0)]
    assert values == sorted(values, reverse=True) and np.isfinite(values).all()
    assert values[1] == 0.0


def test_shape_distance_sees_shape_and_nothing_else() -> None:
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    assert shape_distance(_face(), _face(MESH @ turn.T * 1.7 + 30)) == pytest.approx(0.0, abs=1e-5)
    wider = (MESH - MESH.mean(axis=0)) * (1.3, 1.0) + 200
    assert shape_distance(_face(), _face(wider)) > 0.05


def test_the_more_of_another_picture_the_higher_the_score(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    tool, reference = MorphDifferential(settings), _view(astronaut, "R1")
    scores = []
    for share in (0.02, 0.2, 0.35):
        ((item,),) = tool.run([_view(_mixed(astronaut, share), references=(reference,))])
        assert item.id == "P1F1:morph_differential" and item.score is not None
        assert item.score.calibration == CALIBRATION and "shape_distance" in item.facts
        scores.append(item.score.value)
    assert scores == sorted(scores) and scores[-1] - scores[0] > 0.5


def test_a_stranger_is_no_morph(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    noise = np.random.default_rng(0).integers(0, 256, astronaut.shape, dtype=np.uint8)
    ((item,),) = MorphDifferential(settings).run([_view(noise, references=(_view(astronaut, "R1"),))])
    assert (item.status, item.reason) == ("not_applicable", "not_measurable")


def test_the_same_file_shows_nothing(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    ((item,),) = MorphDifferential(settings).run([_view(astronaut, references=(_view(astronaut, "R1"),))])
    assert (item.status, item.reason) == ("not_applicable", "same_file")


def test_the_calibration_speaks_for_morphs_when_the_score_rises() -> None:
    fitted = calibration(CALIBRATION)
    assert isinstance(fitted, Platt) and fitted.positive == "morph" and fitted.slope > 0
    assert fitted.operating_points[0].errors["bpcer"] <= 0.101


def test_alone_it_raises_a_doubt_or_clears_but_never_calls_a_morph() -> None:
    fitted = calibration(CALIBRATION)
    assert isinstance(fitted, Platt)
    assert 0.5 < fitted.ratio(dissimilarity(STRANGER)).value < 1.0
    assert fitted.ratio(dissimilarity(0.95)).value < -1.0
