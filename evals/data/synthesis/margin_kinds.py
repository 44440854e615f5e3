"""More margins, frames and interfaces around a photograph, beside those of ``picture_changes``; 26 kinds together.

All are deterministic, take and give H×W×3 uint8 RGB, and leave the photograph's own pixels as they are.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from evals.data.synthesis.picture_changes import CHANGES, Pixels, Reals, on_canvas, plain

Colour = tuple[int, int, int]
Sides = tuple[float, float, float, float]
"""Width of a margin above, below, on the left and on the right, over the longer side of the picture."""


def _bordered(pixels: Pixels, sides: Sides, colour: Colour) -> Pixels:
    above, below, left, right = (round(side * max(pixels.shape[:2])) for side in sides)
    framed = cv2.copyMakeBorder(pixels, above, below, left, right, cv2.BORDER_CONSTANT, value=colour)
    return np.asarray(framed, np.uint8)


def instant_picture(pixels: Pixels) -> Pixels:
    """A card with a broad lower edge, on a table."""
    return _bordered(_bordered(pixels, (0.07, 0.3, 0.07, 0.07), (250, 248, 240)), (0.1, 0.1, 0.1, 0.1), (62, 48, 40))


def blurred_copy(pixels: Pixels) -> Pixels:
    """In the middle of an enlarged, blurred copy of itself, as in upright videos of wide pictures."""
    height, width = pixels.shape[:2]
    canvas = cv2.GaussianBlur(cv2.resize(pixels, (2 * width, 2 * height)), (0, 0), max(2.0, width / 20))
    return on_canvas(pixels, lambda rows, columns: np.asarray(cv2.resize(canvas, (columns, rows)), np.float64))


def mirrored_edge(pixels: Pixels) -> Pixels:
    """Continued by its own mirror image."""
    edge = round(0.2 * min(pixels.shape[:2]))
    return np.asarray(cv2.copyMakeBorder(pixels, edge, edge, edge, edge, cv2.BORDER_REFLECT), np.uint8)


def passe_partout(pixels: Pixels) -> Pixels:
    """A white mat in a dark frame on a wall."""
    mat = _bordered(pixels, (0.12, 0.12, 0.12, 0.12), (244, 242, 236))
    return _bordered(_bordered(mat, (0.04,) * 4, (48, 32, 24)), (0.12,) * 4, (200, 206, 210))


def _lines(canvas: Pixels, rows: range, columns: tuple[int, int], colour: Colour) -> None:
    """Words as an interface shows them, drawn as bars of unequal length."""
    rng = np.random.default_rng(3)
    left, right = columns
    for row in rows:
        end = left + int((right - left) * rng.uniform(0.4, 1.0))
        cv2.rectangle(canvas, (left, row), (max(left + 1, end), row + max(1, rows.step // 3)), colour, -1)


def telephone(pixels: Pixels) -> Pixels:
    """A gallery on a telephone: a status bar above, buttons below, nothing beside."""
    height, width = pixels.shape[:2]
    bar = max(8, round(0.2 * height))
    canvas = _bordered(pixels, (0, 0, 0, 0), (0, 0, 0))
    canvas = np.asarray(
        cv2.copyMakeBorder(canvas, bar, 2 * bar, 0, 0, cv2.BORDER_CONSTANT, value=(18, 18, 22)), np.uint8
    )
    _lines(canvas, range(bar // 3, bar // 2, max(3, bar // 6)), (width // 20, width // 3), (230, 230, 230))
    for index in range(4):
        centre = width * (2 * index + 1) // 8, bar + height + bar
        cv2.circle(canvas, centre, bar // 4, (235, 235, 240), 2, cv2.LINE_AA)
    return canvas


def chat(pixels: Pixels) -> Pixels:
    """A bubble in a conversation, with messages above and below."""
    height, width = pixels.shape[:2]
    edge, rim = max(12, round(0.3 * max(height, width))), max(3, width // 40)
    canvas = np.full((height + 2 * edge, width + 2 * edge, 3), (229, 221, 213), np.uint8)
    cv2.rectangle(canvas, (edge - rim, edge - rim), (edge + width + rim, edge + height + 3 * rim), (220, 248, 198), -1)
    for top in (edge // 6, edge + height + edge // 2):
        cv2.rectangle(canvas, (edge // 4, top), (edge + width // 2, top + edge // 3), (255, 255, 255), -1)
        _lines(
            canvas,
            range(top + edge // 12, top + edge // 3, edge // 6 + 1),
            (edge // 3, edge + width // 3),
            (90, 90, 90),
        )
    canvas[edge : edge + height, edge : edge + width] = pixels
    return canvas


def film(pixels: Pixels) -> Pixels:
    """A frame of film with perforations above and below."""
    height, width = pixels.shape[:2]
    bar = max(8, round(0.18 * height))
    canvas = np.asarray(cv2.copyMakeBorder(pixels, bar, bar, 6, 6, cv2.BORDER_CONSTANT, value=(20, 18, 16)), np.uint8)
    for left in range(bar // 2, width, bar):
        for top in (bar // 4, bar + height + bar // 4):
            cv2.rectangle(canvas, (left, top), (left + bar // 2, top + bar // 2), (238, 236, 228), -1)
    return canvas


def stamp(pixels: Pixels) -> Pixels:
    """White edges with round perforations, on black."""
    card = _bordered(pixels, (0.08,) * 4, (252, 252, 250))
    radius = max(2, card.shape[1] // 50)
    for x in range(0, card.shape[1], 3 * radius):
        for y in (0, card.shape[0] - 1):
            cv2.circle(card, (x, y), radius, (0, 0, 0), -1)
    for y in range(0, card.shape[0], 3 * radius):
        for x in (0, card.shape[1] - 1):
            cv2.circle(card, (x, y), radius, (0, 0, 0), -1)
    return _bordered(card, (0.05,) * 4, (0, 0, 0))


def web_page(pixels: Pixels) -> Pixels:
    """Between a headline and an article, the text on the right."""
    height, width = pixels.shape[:2]
    canvas = _bordered(pixels, (0.25, 0.1, 0.1, 0.8), (255, 255, 255))
    top, left = round(0.25 * max(height, width)), round(0.1 * max(height, width))
    _lines(
        canvas,
        range(top, top + height, max(4, height // 22)),
        (left + width + left // 2, canvas.shape[1] - left),
        (60, 60, 60),
    )
    _lines(canvas, range(top // 4, top // 2, max(6, top // 4)), (left, canvas.shape[1] - left), (20, 20, 20))
    return canvas


def striped(height: int, width: int) -> Reals:
    """Slanted stripes of two colours."""
    down, across = np.mgrid[:height, :width]
    share = ((down + across) // max(4, width // 24) % 2)[..., np.newaxis]
    return np.asarray(share * (240.0, 90.0, 90.0) + (1 - share) * (250.0, 240.0, 230.0), np.float64)


def checkered(height: int, width: int) -> Reals:
    """What editors show for transparency."""
    down, across = np.mgrid[:height, :width]
    share = (down // 8 + across // 8) % 2
    return np.repeat((204.0 + 51.0 * share)[..., np.newaxis], 3, axis=2)


_MORE: Mapping[str, Callable[[Pixels], Pixels]] = {
    "grey": lambda pixels: on_canvas(pixels, plain((128, 128, 128))),
    "skin_coloured": lambda pixels: on_canvas(pixels, plain((206, 168, 148))),
    "narrow_white": lambda pixels: on_canvas(pixels, plain((255, 255, 255)), 0.04),
    "wide_black": lambda pixels: on_canvas(pixels, plain((0, 0, 0)), 0.6),
    "bars_beside": lambda pixels: _bordered(pixels, (0, 0, 0.35, 0.35), (0, 0, 0)),
    "caption_below": lambda pixels: _bordered(pixels, (0, 0.25, 0, 0), (255, 255, 255)),
    "instant_picture": instant_picture,
    "blurred_copy": blurred_copy,
    "mirrored_edge": mirrored_edge,
    "passe_partout": passe_partout,
    "telephone": telephone,
    "chat": chat,
    "film": film,
    "stamp": stamp,
    "web_page": web_page,
    "stripes": lambda pixels: on_canvas(pixels, striped),
    "checkered": lambda pixels: on_canvas(pixels, checkered),
}
MARGINS: Mapping[str, Callable[[Pixels], Pixels]] = {
    **{change.name.removeprefix("margin_"): change.change for change in CHANGES if change.family == "margin"},
    **_MORE,
}
"""Every kind by name."""
