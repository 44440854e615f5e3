"""Margins, bars, frames and gutters are cut off; what is a photograph's own stays."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from faceagent.faces.content import clear_rectangle, content_of, has_gutter, shaped_mask, tile_around

Pixels = NDArray[np.uint8]


def padded(pixels: Pixels, top: int, bottom: int, left: int, right: int, colour: tuple[int, int, int]) -> Pixels:
    return np.asarray(cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour), np.uint8)


def compressed(pixels: Pixels, quality: int) -> Pixels:
    stored = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (180, 30, 40), (127, 128, 126)])
@pytest.mark.parametrize("sides", [(128, 128, 128, 128), (90, 90, 0, 0), (0, 0, 77, 31), (0, 200, 0, 0)])
def test_a_margin_of_any_colour_is_cut_to_the_pixel(
    astronaut: Pixels, sides: tuple[int, int, int, int], colour: tuple[int, int, int]
) -> None:
    top, bottom, left, right = sides
    assert content_of(astronaut) == (0, 0, 512, 512)
    assert content_of(padded(astronaut, top, bottom, left, right, colour)) == (left, top, left + 512, top + 512)


def test_margins_of_several_colours_are_cut_one_after_the_other(astronaut: Pixels) -> None:
    matted = padded(astronaut, 30, 120, 30, 30, (250, 248, 240))
    assert content_of(padded(matted, 25, 25, 40, 40, (40, 30, 20))) == (70, 55, 70 + 512, 55 + 512)


@pytest.mark.parametrize("quality", [95, 80, 50])
def test_a_compressed_margin_is_cut_but_for_a_few_pixels(astronaut: Pixels, quality: int) -> None:
    x0, y0, x1, y1 = content_of(compressed(padded(astronaut, 100, 100, 100, 100, (255, 255, 255)), quality))
    assert np.abs(np.array([x0 - 100, y0 - 100, x1 - 612, y1 - 612])).max() <= 12


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_photographs_without_a_margin_stay_whole(name: str) -> None:
    pixels = getattr(skimage.data, name)()
    x0, y0, x1, y1 = content_of(pixels)
    assert (x1 - x0) * (y1 - y0) >= 0.98 * pixels.shape[0] * pixels.shape[1]


def test_pictures_without_a_photograph_stay_whole() -> None:
    assert content_of(np.full((100, 140, 3), 9, np.uint8)) == (0, 0, 140, 100)
    assert content_of(np.zeros((1, 1, 3), np.uint8)) == (0, 0, 1, 1)
    speck = np.zeros((200, 200, 3), np.uint8)
    speck[100:104, 100:104] = 255
    assert content_of(speck) == (0, 0, 200, 200)


def test_a_face_gets_its_own_photograph_of_a_collage(astronaut: Pixels) -> None:
    other = np.asarray(cv2.resize(skimage.data.coffee(), (512, 512)), np.uint8)
    gutter = np.full((512, 14, 3), 255, np.uint8)
    above, below = np.hstack([other, gutter, astronaut]), np.hstack([other, gutter, other])
    collage = np.vstack([above, np.full((14, 1038, 3), 255, np.uint8), below])
    assert has_gutter(collage)
    assert tile_around(collage, (526 + 178, 63, 526 + 268, 176)) == (526, 0, 1038, 512)
    assert not has_gutter(astronaut)
    assert tile_around(astronaut, (178, 63, 268, 176)) == (0, 0, 512, 512)


def rounded(pixels: Pixels, radius: int) -> Pixels:
    mask = np.zeros(pixels.shape[:2], np.uint8)
    height, width = mask.shape
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 1, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 1, -1)
    for x in (radius, width - radius):
        for y in (radius, height - radius):
            cv2.circle(mask, (x, y), radius, 1, -1)
    return np.where(mask[..., np.newaxis] == 1, pixels, 255).astype(np.uint8)


def oval(pixels: Pixels, _: int) -> Pixels:
    mask = np.zeros(pixels.shape[:2], np.uint8)
    height, width = mask.shape
    cv2.ellipse(mask, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 1, -1)
    return np.where(mask[..., np.newaxis] == 1, pixels, 30).astype(np.uint8)


@pytest.mark.parametrize("shape", [rounded, oval])
def test_what_a_shaped_frame_leaves_is_a_rectangle_inside_it(
    astronaut: Pixels, shape: Callable[[Pixels, int], Pixels]
) -> None:
    framed = shape(astronaut, 70)
    mask = shaped_mask(framed)
    assert mask is not None
    x0, y0, x1, y1 = clear_rectangle(mask, (178, 63, 268, 176))
    assert x0 <= 178 and y0 <= 63 and x1 >= 268 and y1 >= 176
    assert mask[y0:y1, x0:x1].mean() < 0.02
    assert shaped_mask(astronaut) is None


def test_pixels_that_may_not_be_written_to_are_read_all_the_same() -> None:
    framed = np.full((120, 100, 3), 255, np.uint8)
    cv2.ellipse(framed, (50, 60), (45, 55), 0, 0, 360, (20, 90, 160), -1)
    framed.flags.writeable = False
    mask = shaped_mask(framed)
    assert mask is not None and mask[0, 0] == 1 and mask[60, 50] == 0
