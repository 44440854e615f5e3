"""A photograph turned on a filled canvas is found by its outline; what is no turned photograph is left alone."""

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from evals.data.synthesis.picture_changes import tilted
from faceagent.faces.content import content_of
from faceagent.faces.turned_photograph import turned_photograph

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize("degrees", [-30, -15, -4, 3, 20, 40])
@pytest.mark.parametrize("fill", [(0, 0, 0), (255, 255, 255), (120, 90, 60)])
def test_its_angle_and_size_are_found(astronaut: Pixels, degrees: int, fill: tuple[int, int, int]) -> None:
    upright = Image.fromarray(astronaut[:400])
    turned = upright.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)
    found = turned_photograph(np.asarray(turned))
    assert found is not None
    assert found.degrees == pytest.approx(degrees, abs=0.2)
    assert (found.width, found.height) == pytest.approx((512, 400), abs=4)
    assert found.centre == pytest.approx(((turned.width - 1) / 2, (turned.height - 1) / 2), abs=1)


@pytest.mark.parametrize("quality", [60, 90])
def test_compression_hides_no_outline(astronaut: Pixels, quality: int) -> None:
    stored = cv2.imencode(".jpg", tilted(astronaut, 20), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    found = turned_photograph(np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8))
    assert found is not None and found.degrees == pytest.approx(20, abs=0.7)


def oval() -> Pixels:
    picture = np.full((300, 240, 3), 255, np.uint8)
    cv2.ellipse(picture, (120, 150), (110, 140), 0, 0, 360, (90, 60, 40), -1)
    return picture


def person_on_white() -> Pixels:
    picture = np.full((300, 240, 3), 255, np.uint8)
    cv2.circle(picture, (120, 110), 60, (190, 140, 120), -1)
    cv2.ellipse(picture, (120, 290), (80, 110), 15, 0, 360, (40, 60, 90), -1)
    return picture


@pytest.mark.parametrize("picture", [oval(), person_on_white(), np.zeros((80, 80, 3), np.uint8)])
def test_other_shapes_are_no_turned_photograph(picture: Pixels) -> None:
    assert turned_photograph(picture) is None


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_photographs_as_they_are_are_not_turned(name: str) -> None:
    assert turned_photograph(getattr(skimage.data, name)()) is None


def test_a_framed_photograph_that_stands_is_not_turned(astronaut: Pixels) -> None:
    assert (
        turned_photograph(cv2.copyMakeBorder(astronaut, 60, 60, 60, 60, cv2.BORDER_CONSTANT).astype(np.uint8)) is None
    )


def dark(pixels: Pixels, corner: str) -> Pixels:
    """Black towards one corner, as photographs taken at night are."""
    height, width = pixels.shape[:2]
    down, across = np.linspace(0, 1, height)[:, np.newaxis], np.linspace(0, 1, width)[np.newaxis]
    far = (down if "lower" in corner else 1 - down) + (across if "right" in corner else 1 - across)
    light = np.clip((1.7 - far) * 4, 0, 1)[..., np.newaxis]
    return np.asarray(pixels * light, np.uint8)


@pytest.mark.parametrize("degrees", [-30, -20, 12, 20])
@pytest.mark.parametrize("corner", ["upper left", "upper right", "lower left", "lower right"])
def test_a_dark_corner_on_black_hides_no_outline(astronaut: Pixels, degrees: int, corner: str) -> None:
    turned = tilted(dark(astronaut, corner), degrees)
    x0, y0, x1, y1 = content_of(turned)
    height, width = turned.shape[:2]
    found = turned_photograph(np.ascontiguousarray(turned[y0:y1, x0:x1]), canvas=(-x0, -y0, width - x0, height - y0))
    assert found is not None and found.degrees == pytest.approx(degrees, abs=0.3)
    assert (found.width, found.height) == pytest.approx((512, 512), abs=4)


@pytest.mark.parametrize("picture", [oval(), person_on_white()])
def test_shapes_that_touch_the_picture_are_no_turned_photograph(picture: Pixels) -> None:
    found = np.argwhere((picture != picture[0, 0]).any(axis=2))
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0) + 1
    assert turned_photograph(np.ascontiguousarray(picture[top:bottom, left:right])) is None
