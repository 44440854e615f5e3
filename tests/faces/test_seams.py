"""Where a photograph ends in a margin that has no single colour; natural edges are left alone."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from evals.data.synthesis.picture_changes import gradient, noisy, on_canvas, textured, wooden
from faceagent.faces.seams import LARGEST, within_seams

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

HEAD = (172.0, 66.0, 275.0, 204.0)
"""Box of the astronaut's face."""
SIDE = 512


def wall(height: int, width: int) -> Reals:
    grain = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, (height, width)), (0, 0), 1.5)
    return np.asarray(40 * grain[..., np.newaxis] + np.array((140.0, 100.0, 70.0)), np.float64)


def stripes(height: int, width: int) -> Reals:
    red = (np.arange(width) // 12 % 2)[np.newaxis, :, np.newaxis]
    return np.repeat(red * np.array((200.0, 60.0, 60.0)) + (1 - red) * np.array((240.0, 240.0, 230.0)), height, axis=0)


def interface(pixels: Pixels) -> Pixels:
    """In a telephone's interface: bars with text and buttons above and below."""
    framed = cv2.copyMakeBorder(pixels, 90, 130, 0, 0, cv2.BORDER_CONSTANT, value=(250, 250, 250))
    cv2.putText(framed, "12:41", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20, 20, 20), 1, cv2.LINE_AA)
    for number in range(4):
        cv2.circle(framed, (50 + number * SIDE // 4, SIDE + 150), 15, (60, 60, 70), -1, cv2.LINE_AA)
    return np.asarray(framed, np.uint8)


def before_its_own_blur(pixels: Pixels) -> Pixels:
    """An upright picture made wide, as broadcasters do."""
    large = cv2.GaussianBlur(cv2.resize(pixels, (820, 820)), (0, 0), 20)[154 : 154 + SIDE]
    large[:, 154 : 154 + SIDE] = pixels
    return np.asarray(large, np.uint8)


def compressed(pixels: Pixels) -> Pixels:
    stored = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)


MARGINS: dict[str, tuple[Callable[[Pixels], Pixels], tuple[int, int]]] = {
    "noise": (lambda pixels: on_canvas(pixels, noisy), (128, 128)),
    "gradient": (lambda pixels: on_canvas(pixels, gradient), (128, 128)),
    "cloth": (lambda pixels: on_canvas(pixels, textured), (128, 128)),
    "wooden frame": (lambda pixels: on_canvas(pixels, wooden), (128, 128)),
    "wall": (lambda pixels: on_canvas(pixels, wall), (128, 128)),
    "stripes": (lambda pixels: on_canvas(pixels, stripes), (128, 128)),
    "interface": (interface, (0, 90)),
    "its own blur": (before_its_own_blur, (154, 0)),
    "compressed cloth": (lambda pixels: compressed(on_canvas(pixels, textured)), (128, 128)),
    "compressed interface": (lambda pixels: compressed(interface(pixels)), (0, 90)),
}


@pytest.mark.parametrize("name", MARGINS)
def test_a_margin_of_any_kind_ends_at_the_photograph(astronaut: Pixels, name: str) -> None:
    change, (left, top) = MARGINS[name]
    x0, y0, x1, y1 = HEAD
    found = within_seams(change(astronaut), (x0 + left, y0 + top, x1 + left, y1 + top))
    off = np.abs(np.array(found) - (left, top, left + SIDE, top + SIDE))
    assert off.max() <= (2 if name.startswith("compressed") else 1)


def test_a_photograph_that_cuts_the_face_box_still_ends_at_its_edge(astronaut: Pixels) -> None:
    """The box of a tight portrait reaches beyond its picture."""
    tight = np.ascontiguousarray(astronaut[76:196, 184:262])
    x0, y0, x1, y1 = HEAD
    edge = round(0.25 * 120)
    framed = on_canvas(tight, noisy)
    found = within_seams(framed, (x0 - 184 + edge, y0 - 76 + edge, x1 - 184 + edge, y1 - 76 + edge))
    assert np.abs(np.array(found) - (edge, edge, edge + 78, edge + 120)).max() <= 1


def test_a_large_face_is_looked_at_smaller(astronaut: Pixels) -> None:
    """What is lost of the photograph by that is less than a hundredth of the face."""
    times = 2 * LARGEST // 138 + 1
    large = np.asarray(cv2.resize(astronaut, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC), np.uint8)
    edge = round(0.25 * SIDE * times)
    x0, y0, x1, y1 = (times * value + edge for value in HEAD)
    found = within_seams(on_canvas(large, wall), (x0, y0, x1, y1))
    inside = np.array(
        [found[0] - edge, found[1] - edge, edge + SIDE * times - found[2], edge + SIDE * times - found[3]]
    )
    assert inside.min() >= 0 and inside.max() <= 0.01 * 138 * times


@pytest.mark.parametrize("box", [HEAD, (150.0, 40.0, 300.0, 230.0), (190.0, 90.0, 260.0, 180.0)])
def test_a_photograph_without_a_margin_stays_whole(astronaut: Pixels, box: tuple[float, float, float, float]) -> None:
    assert within_seams(astronaut, box) == (0, 0, SIDE, SIDE)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_edges_of_things_are_no_seams(name: str) -> None:
    """A cup's rim, whiskers and a launch tower cross no photograph from edge to edge."""
    pixels = getattr(skimage.data, name)()
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = within_seams(pixels, (0.4 * width, 0.3 * height, 0.6 * width, 0.6 * height))
    assert (x1 - x0) * (y1 - y0) >= 0.9 * height * width


def test_a_box_that_is_too_small_or_outside_changes_nothing(astronaut: Pixels) -> None:
    for box in ((10.0, 10.0, 20.0, 20.0), (-200.0, -200.0, -100.0, -100.0), (600.0, 600.0, 900.0, 900.0)):
        assert within_seams(astronaut, box) == (0, 0, SIDE, SIDE)


@pytest.mark.parametrize("level", [0.0, 90.0])
@pytest.mark.parametrize("period", [2.5, 3.3, 5.0])
def test_the_raster_of_a_print_or_a_screen_is_no_seam(astronaut: Pixels, period: float, level: float) -> None:
    """Its lines cross the face as well as what is around it: all of it is evidence of the medium."""
    lines = 10 * np.sin(np.arange(SIDE) * 2 * np.pi / period)
    raster = lines[:, np.newaxis, np.newaxis] if level == 0.0 else lines[np.newaxis, :, np.newaxis]
    shown = np.clip(0.72 * astronaut + 52 + raster, 0, 255).round().astype(np.uint8)
    assert within_seams(shown, HEAD) == (0, 0, SIDE, SIDE)


def test_a_photograph_with_a_raster_still_ends_at_a_margin(astronaut: Pixels) -> None:
    lines = 10 * np.sin(np.arange(SIDE) * 1.9)[:, np.newaxis, np.newaxis]
    shown = np.clip(0.72 * astronaut + 52 + lines, 0, 255).round().astype(np.uint8)
    x0, y0, x1, y1 = HEAD
    found = within_seams(on_canvas(shown, wall), (x0 + 128, y0 + 128, x1 + 128, y1 + 128))
    assert np.abs(np.array(found) - (128, 128, 128 + SIDE, 128 + SIDE)).max() <= 1
