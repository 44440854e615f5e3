"""Each degradation lowers its own component, step by step, and what a face is good for follows from that."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.faces.quality import COMPONENTS, certainty
from faceagent.faces.quality_score import lost, shipped, unified, weakest
from faceagent.faces.usable import MINIMUM
from faceagent.types import QUESTIONS, Face, Quality

Pixels = NDArray[np.uint8]
Find = Callable[[Pixels], tuple[Face, ...]]


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8) if sigma else pixels


def brighter(pixels: Pixels, factor: float, shift: float = 0.0) -> Pixels:
    return np.clip(pixels.astype(float) * factor + shift, 0, 255).astype(np.uint8)


def shrunk(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def lit_from_the_side(pixels: Pixels, strength: float) -> Pixels:
    """Darker to the picture's right, around the middle of the astronaut's face."""
    x = np.arange(pixels.shape[1])[None, :, None]
    return (pixels * (1 - strength / (1 + np.exp(-(x - 223) / 8.0)))).astype(np.uint8)


def covered(pixels: Pixels, share: float) -> Pixels:
    """A flat grey sheet over the lower ``share`` of the astronaut's face."""
    result = pixels.copy()
    result[round(176 - 113 * share) : 200, 160:290] = 128
    return result


def components(find: Find, pictures: list[Pixels], name: str) -> list[float]:
    values = []
    for pixels in pictures:
        found = find(pixels)
        values.append(float(getattr(found[0].quality, name)) if found else 0.0)
    return values


def falls(values: list[float]) -> bool:
    """Never rises by more than rounding, and ends well below where it began."""
    return all(later <= earlier + 0.5 for earlier, later in zip(values, values[1:], strict=False)) and (
        values[-1] < values[0] - 25
    )


def test_blur_lowers_sharpness(find: Find, astronaut: Pixels) -> None:
    values = components(find, [blurred(astronaut, sigma) for sigma in (0, 1, 2, 4, 6)], "sharpness")
    assert falls(values), values


def test_sharpness_does_not_mind_darkness(find: Find, astronaut: Pixels) -> None:
    values = components(find, [brighter(astronaut, factor) for factor in (1, 0.6, 0.4)], "sharpness")
    assert max(values) - min(values) < 10


@pytest.mark.parametrize("factors", [(1, 0.4, 0.2, 0.1, 0.05), (1, 1.6, 2.5, 4, 6)])
def test_darkness_and_glare_lower_exposure(find: Find, astronaut: Pixels, factors: tuple[float, ...]) -> None:
    values = components(find, [brighter(astronaut, factor) for factor in factors], "exposure")
    assert falls(values), values


def test_light_from_the_side_lowers_illumination(find: Find, astronaut: Pixels) -> None:
    pictures = [lit_from_the_side(astronaut, strength) for strength in (0, 0.3, 0.5, 0.7)]
    values = components(find, pictures, "illumination")
    assert falls(values), values


def test_fewer_pixels_lower_resolution(find: Find, astronaut: Pixels) -> None:
    values = components(find, [shrunk(astronaut, factor) for factor in (1, 0.7, 0.5, 0.33)], "resolution")
    assert falls(values), values


def test_covering_lowers_visibility(find: Find, astronaut: Pixels) -> None:
    values = components(find, [covered(astronaut, share) for share in (0, 0.3, 0.45, 0.6)], "visibility")
    assert falls(values), values


def test_a_face_cut_by_the_edge_is_less_visible(find: Find, astronaut: Pixels) -> None:
    values = components(find, [astronaut, astronaut[:, :250], astronaut[:, :225]], "visibility")
    assert falls(values), values


PERFECT = dict.fromkeys(COMPONENTS, 100.0)


def test_a_perfect_picture_has_100_and_a_hopeless_one_hardly_anything() -> None:
    assert unified(PERFECT) == pytest.approx(100)
    assert unified(dict.fromkeys(COMPONENTS, 0.0)) < 5


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_worse_component_never_raises_the_score(name: str) -> None:
    usual = dict.fromkeys(COMPONENTS, 80.0)
    scores = [unified(usual | {name: value}) for value in (0.0, 3.0, 10.0, 40.0, 80.0, 100.0)]
    assert scores == sorted(scores)
    # What the fit found to cost the tools something is not averaged away.
    if shipped().weights[name] >= 0.1:
        assert unified(PERFECT | {name: 10.0}) < 60


def test_points_lost_are_what_is_missing_and_say_which_component_lowers_the_score() -> None:
    values = PERFECT | {"resolution": 40.0, "pose": 90.0}
    taken = lost(values)
    assert sum(taken.values()) == pytest.approx(100 - unified(values))
    assert list(taken)[:2] == ["resolution", "pose"] and taken["sharpness"] == 0
    assert weakest(values) == "resolution"


def test_detection_is_logarithmic_in_what_is_missing() -> None:
    assert certainty(0.3) == pytest.approx(0, abs=1e-9) and certainty(0.94) == pytest.approx(100)
    assert 45 < certainty(0.8) < 55 and certainty(1.0) == 100


def test_components_are_those_of_the_noun() -> None:
    assert {"unified", *COMPONENTS} == set(Quality.model_fields)
    assert set(shipped().weights) == set(COMPONENTS)


def test_a_report_of_before_has_no_detection() -> None:
    old = Quality.model_validate({name: 50.0 for name in Quality.model_fields if name != "detection"})
    assert old.detection == 100


def test_every_question_has_its_minimum_and_quality_has_none(face: Face) -> None:
    assert set(MINIMUM) == set(QUESTIONS)
    assert set(face.usable_for) | set(face.reasons) == set(QUESTIONS)
    assert MINIMUM["quality"] == MINIMUM["provenance"]


def test_a_dark_face_and_a_blurry_one_say_why(find: Find, astronaut: Pixels) -> None:
    (dark,) = find(brighter(astronaut, 0.04))
    assert "too_dark" in dark.reasons["identity"]
    (blurry,) = find(blurred(astronaut, 9))
    assert "too_blurry" in blurry.reasons["identity"]
    assert "identity" not in blurry.usable_for
