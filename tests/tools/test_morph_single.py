"""The single-image morph detector with the shipped adapter: scores, order, and what it is never sure of."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.views import drawn, portrait
from faceagent import judge
from faceagent.encoder.branch import shipped_configs
from faceagent.encoder.tower import load_tower
from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings
from faceagent.tools.base import View, measure
from faceagent.tools.morph import BRANCH, SINGLE, Morph


@pytest.fixture(scope="module")
def view(astronaut: NDArray[np.uint8], settings: Settings) -> View:
    found = portrait(drawn(astronaut), settings)
    assert found is not None
    return found


def test_a_photograph_is_not_called_a_morph(view: View, settings: Settings) -> None:
    ((item, distance),) = measure(Morph(settings), [view])
    assert distance.id == "F1:morph_distance" and distance.cites == ("F1:morph",)
    fitted = calibration(SINGLE)
    assert isinstance(fitted, Platt) and item.score is not None
    assert item.id == "F1:morph" and item.score.calibration == SINGLE
    assert item.score.value < fitted.operating_points[0].threshold
    assert f"{item.score.value:.2f}" in item.statement


def test_averaging_two_faces_raises_the_score(view: View, settings: Settings) -> None:
    """The face averaged with its mirror image, a little moved: two textures where there was one."""
    assert view.face is not None
    x0, y0, x1, y1 = (round(value) for value in view.face.box)
    pixels = view.pixels().copy()
    face = pixels[y0:y1, x0:x1].astype(np.float64)
    pixels[y0:y1, x0:x1] = ((face + np.roll(face[:, ::-1], 2, axis=1)) / 2).astype(np.uint8)
    mixed = View(view.picture, lambda: pixels, view.original, view.face)
    before, after = (group[0].score for group in Morph(settings).run([view, mixed]))
    assert before is not None and after is not None
    assert after.value > before.value + 0.1


def test_the_calibration_is_capped_by_hand_and_speaks_for_morphs() -> None:
    fitted = calibration(SINGLE)
    assert isinstance(fitted, Platt)
    assert (fitted.positive, fitted.negative) == ("morph", "bona_fide") and fitted.slope > 0
    assert fitted.cap_log10 <= 1.3
    assert all(one.errors["bpcer"] <= 0.06 for one in fitted.operating_points)


def test_the_card_reads_frozen_blocks_alone(settings: Settings) -> None:
    (card,) = [one for one in shipped_configs(load_tower(settings)) if one.name == BRANCH]
    assert card.tuning == "none" and card.labels == ("morph",) and card.taps


@pytest.mark.parametrize("kind", ["negative", "watercolour"])
def test_what_is_no_photograph_leaves_the_question_open(
    astronaut: NDArray[np.uint8], settings: Settings, kind: str
) -> None:
    painted = 255 - astronaut if kind == "negative" else cv2.stylization(astronaut, sigma_s=60, sigma_r=0.5)
    view = portrait(drawn(np.asarray(painted, np.uint8)), settings)
    assert view is not None and view.face is not None
    verdict = judge.weigh("morph", view.face, measure(Morph(settings), [view])[0])
    assert (verdict.label, verdict.reason) == ("inconclusive", "open_set")
