"""Which rectangle of a picture holds the photograph: margins, letterbox bars, frames and collage borders are not it.

A line of pixels is a margin's when nearly all of it has one colour from edge to edge. Margins are cut from the outside
in, one colour after the other; inside, flat gutters from edge to edge separate the photographs of a collage. A plain
studio background that reaches from edge to edge is cut as well: it cannot be told from a margin, and with a margin
around it the same rectangle remains. Knows no face but the box it is given.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels

Rectangle = tuple[int, int, int, int]
"""x0, y0, x1, y1 in px, the last two exclusive."""

ALIKE = 6
"""Grey levels by which the pixels of a margin may differ from its colour; compression stays below it in flat areas."""
SHARE = 0.99
"""Share of a line's pixels that must be alike."""
RINGING, RINGING_SHARE, RINGING_LINES = 28, 0.9, 16
"""The same two figures, and px, for the lines between a flat margin and the photograph: there JPEG blocks mix both."""
LEAST = 24
"""px: a smaller rectangle holds no photograph, and the picture is left whole."""
GUTTER = 0.004
"""Least width of a gutter, as a share of the picture's longer side; at least ``GUTTER_PX`` px."""
GUTTER_PX = 3
CORNER = 0.015
"""Least length of a filled corner along both edges, as a share of the shorter side."""
SAMPLES = 48
"""Pixels per line that are looked at before the whole line is."""


def content_of(pixels: Pixels) -> Rectangle:
    """The rectangle of an H×W×3 picture that is left without its margins; the whole picture where there are none."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = 0, 0, width, height
    while True:
        part = pixels[y0:y1, x0:x1]
        top, bottom = _margin(part), _margin(part[::-1])
        left, right = _margin(part.transpose(1, 0, 2)), _margin(part[:, ::-1].transpose(1, 0, 2))
        # A picture of one colour is all margin.
        if min(y1 - y0 - top - bottom, x1 - x0 - left - right) < LEAST:
            return (x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= LEAST else (0, 0, width, height)
        if top + bottom + left + right == 0:
            return x0, y0, x1, y1
        # Rows first: where a bar on top ends, columns that it covered become a margin's in the next round.
        if top + bottom:
            y0, y1 = y0 + top, y1 - bottom
        else:
            x0, x1 = x0 + left, x1 - right


def has_gutter(pixels: Pixels) -> bool:
    """Whether any flat stretch of lines reaches from edge to edge of the content: a quick no for most pictures."""
    least = _least_gutter(pixels)
    return any(last - first >= least for part in (pixels, pixels.transpose(1, 0, 2)) for first, last in _runs(part))


def tile_around(pixels: Pixels, box: tuple[float, float, float, float]) -> Rectangle:
    """The photograph of a collage that the face box lies in: cut at gutters and at its own margins until none is left.

    ``pixels`` are the picture's content; the whole of it where there is no gutter.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = 0, 0, width, height
    least = _least_gutter(pixels)
    while True:
        part = pixels[y0:y1, x0:x1]
        top, bottom = _between_gutters(part, box[1] - y0, box[3] - y0, least)
        left, right = _between_gutters(part.transpose(1, 0, 2), box[0] - x0, box[2] - x0, least)
        tile = (x0 + left, y0 + top, x0 + right, y0 + bottom)
        inner = content_of(pixels[tile[1] : tile[3], tile[0] : tile[2]])
        tile = (tile[0] + inner[0], tile[1] + inner[1], tile[0] + inner[2], tile[1] + inner[3])
        if min(tile[2] - tile[0], tile[3] - tile[1]) < LEAST or tile == (x0, y0, x1, y1):
            return x0, y0, x1, y1
        x0, y0, x1, y1 = tile


def _colour(line: Pixels) -> NDArray[np.float64]:
    return np.asarray(np.median(line, axis=0), dtype=np.float64)


def _share(line: Pixels, colour: NDArray[np.float64], tolerance: float) -> float:
    return float((np.abs(line - colour) <= tolerance).all(axis=1).mean())


def _flat(line: Pixels) -> bool:
    return _share(line, _colour(line), ALIKE) >= SHARE


def _margin(part: Pixels) -> int:
    """Lines at the start of H×W×3 pixels that belong to a margin."""
    count = 0
    while count < len(part) and _flat(part[count]):
        count += 1
    if count == 0 or count == len(part):
        return count
    colour = _colour(part[count - 1])
    for extra in range(RINGING_LINES):
        if count + extra >= len(part) or _share(part[count + extra], colour, RINGING) < RINGING_SHARE:
            return count + extra
    return count + RINGING_LINES


def _between_gutters(part: Pixels, low: float, high: float, least: int) -> tuple[int, int]:
    """First and last (exclusive) line of what lies between the gutters next to the lines ``low`` to ``high``."""
    start, end = 0, len(part)
    for first, last in _runs(part):
        if last - first < least:
            continue
        if last <= low:
            start = last
        elif first >= high and end == len(part):
            end = first
    return start, end


def _least_gutter(pixels: Pixels) -> int:
    longer: int = max(pixels.shape[:2])
    return max(GUTTER_PX, round(GUTTER * longer))


def _runs(part: Pixels) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) index of every stretch of lines that are of one colour each."""
    samples = part[:, :: max(1, part.shape[1] // SAMPLES)].astype(np.int16)
    # Most lines are ruled out by a few of their pixels.
    spread = np.abs(samples - np.median(samples, axis=1, keepdims=True)).max(axis=2)
    likely = (spread <= ALIKE).mean(axis=1) >= SHARE - 0.02
    start: int | None = None
    for index, flag in enumerate([*likely.tolist(), False]):
        if flag and _flat(part[index]):
            start = index if start is None else start
        elif start is not None:
            yield start, index
            start = None


def shaped_mask(pixels: Pixels) -> NDArray[np.uint8] | None:
    """H×W, 1 where a shaped frame or a turned photograph's surroundings are: one colour that fills all four corners.

    None where the corners are not filled alike: rounded, oval and turned photographs leave all four.
    """
    height, width = pixels.shape[:2]
    corners = ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1))
    colours = np.array([pixels[y, x] for x, y in corners], dtype=np.int16)
    if np.abs(colours - colours[0]).max() > 2 * ALIKE:
        return None
    mask = np.zeros((height + 2, width + 2), np.uint8)
    # A copy: OpenCV asks for a writable array, and pixels from the blob store are read-only.
    image = np.array(pixels, order="C")
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
    least = CORNER * min(height, width)
    for x, y in corners:
        if not mask[y + 1, x + 1]:
            cv2.floodFill(image, mask, (x, y), 0, (ALIKE,) * 3, (ALIKE,) * 3, flags)
    filled = mask[1:-1, 1:-1]
    for x, y in corners:
        across, down = filled[y, :: 1 if x == 0 else -1], filled[:: 1 if y == 0 else -1, x]
        if min(_first_zero(across), _first_zero(down)) < least:
            return None
    return np.ascontiguousarray(filled)


def _first_zero(line: NDArray[np.uint8]) -> int:
    empty = np.flatnonzero(line == 0)
    return int(empty[0]) if len(empty) else len(line)


def clear_rectangle(
    blocked: NDArray[np.uint8], keep: tuple[float, float, float, float], allowed: float = 0.01
) -> Rectangle:
    """The rectangle around the box ``keep`` whose edges have at most a share ``allowed`` of blocked (1) pixels.

    From the whole H×W mask, the edge with the most blocked pixels moves in, a hundredth of the side at a time, and
    never into ``keep``.
    """
    height, width = blocked.shape
    x0, y0, x1, y1 = 0, 0, width, height
    inner = (
        min(max(0, int(keep[0])), width - 1),
        min(max(0, int(keep[1])), height - 1),
        max(1, min(width, int(keep[2]) + 1)),
        max(1, min(height, int(keep[3]) + 1)),
    )
    step = max(1, min(height, width) // 100)
    while True:
        sides = {
            "left": float(blocked[y0:y1, x0].mean()) if x0 + step <= inner[0] else -1.0,
            "top": float(blocked[y0, x0:x1].mean()) if y0 + step <= inner[1] else -1.0,
            "right": float(blocked[y0:y1, x1 - 1].mean()) if x1 - step >= inner[2] else -1.0,
            "bottom": float(blocked[y1 - 1, x0:x1].mean()) if y1 - step >= inner[3] else -1.0,
        }
        worst = max(sides, key=lambda side: sides[side])
        if sides[worst] <= allowed:
            return x0, y0, x1, y1
        if worst == "left":
            x0 += step
        elif worst == "top":
            y0 += step
        elif worst == "right":
            x1 -= step
        else:
            y1 -= step
