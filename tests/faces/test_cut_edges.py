"""Where a photograph ends: circles, slants and borders are edges; the inside of a drawing is no background."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.faces.cut_edges import beyond_mask, edge_of

Pixels = NDArray[np.uint8]


def _noise(height: int = 200, width: int = 160) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_a_photograph_that_fills_the_picture_has_nothing_beyond() -> None:
    assert beyond_mask(_noise()) is None


@pytest.mark.parametrize("colour", [0, 255, 90])
def test_around_a_circle_lies_nothing_of_the_photograph(colour: int) -> None:
    shown = cv2.circle(np.zeros((200, 160), np.uint8), (80, 100), 70, 1, -1)
    pixels = np.where(shown[..., None] > 0, _noise(), np.uint8(colour))
    mask = beyond_mask(pixels)
    assert mask is not None
    assert (mask[shown > 0]).mean() < 0.02
    assert (mask[shown == 0]).mean() > 0.95


def test_a_slant_is_found_from_the_corner_that_it_cuts_off() -> None:
    y, x = np.mgrid[:200, :160]
    pixels = np.where(((x + y) < 150)[..., None], np.uint8(255), _noise())
    mask = beyond_mask(pixels)
    assert mask is not None
    assert mask[:60, :60].all()
    assert not mask[150:, 100:].any()


def test_one_colour_does_not_grow_through_the_gaps_of_a_drawing() -> None:
    """White paper, and a face whose outline has a gap of four pixels: its inside is no background."""
    pixels = np.full((300, 300, 3), 255, np.uint8)
    cv2.ellipse(pixels, (150, 150), (80, 110), 0, 1, 359, (0, 0, 0), 3)
    mask = beyond_mask(pixels)
    assert mask is not None
    assert mask[10, 10] and not mask[150, 150]


def test_large_pictures_are_looked_at_small() -> None:
    pixels = np.zeros((1500, 3000, 3), np.uint8)
    pixels[:, 1000:] = _noise(1500, 2000)
    mask = beyond_mask(pixels)
    assert mask is not None
    assert mask.shape == (240, 480)
    assert mask[:, :155].all() and not mask[:, 165:].any()


def test_distances_are_those_to_the_nearest_edge() -> None:
    points = np.array([(30.0, 100.0), (80.0, 10.0), (80.0, 195.0), (170.0, 100.0)])
    assert np.allclose(edge_of(_noise()).distances(points), [30.5, 10.5, 4.5, -10.5])
    pixels = _noise()
    pixels[:, :50] = 0
    found = edge_of(pixels).distances(np.array([(30.0, 100.0), (60.0, 100.0), (80.0, 100.0)]))
    assert found[0] < -15
    assert found[1:] == pytest.approx([10, 30], abs=3)
