"""Straight seams around a face: where a photograph ends and something else begins, a frame, a cloth, an interface.

``content`` finds margins that have one colour. Here a margin may show anything: a seam is where brightness or colour
changes at one line of pixels, parallel to the picture's edge, from one edge of the photograph to the other. A camera
rarely sees such an edge, since nothing in front of it is that straight and that well aligned; where it does, a door
frame say, what lies beyond is lost to whoever asks. Knows no tool.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels
from faceagent.faces.content import Rectangle

Reals = NDArray[np.float64]

SAMPLES = 24
"""Places along a line that are looked at; each is the mean over its share of the line's length."""
SHARE, FRAMED_SHARE = 0.75, 0.5
"""Least share of the places that must change at the line; the second on the last side of four: parts
of a photograph may have the colour of its margin."""
CONTRAST = 6.0
"""Grey levels in one of the channels; what grain leaves of itself after averaging stays below it."""
REACHES = (0.012, 0.04)
"""Pixels on either side that are averaged, as shares of the face's length: thin lines, and cloth with a pattern."""
LEAST = 2
"""px, the same at least."""
CORE = 0.7
"""Sides of what no seam may cut, over those of the face box: the box of a face that a photograph's edge cuts reaches
beyond that edge."""
LARGEST = 400
"""px, face length from which seams are looked for in a picture averaged down by whole numbers."""
ALIKE = 2
"""px by which the place of a line may differ between its part beside the face and its whole, and along it."""
DRIFT = 0.5
"""px between the mean places of its two halves: the edges of a print or a screen that somebody holds run askew."""


class _Side(NamedTuple):
    """One side of the face: ``pixels`` from the picture's edge inwards, with lines as columns."""

    pixels: Pixels
    reaches: tuple[int, ...]
    lines: tuple[int, ...]
    """First columns inside the seams that pass the face, innermost first, and 0, the picture's own edge."""

    def seam(self, line: int, low: int, high: int, share: float) -> int:
        """The innermost seam from ``line`` outwards that goes on over all of the rows ``low`` to ``high``."""
        if not line:
            return 0
        peaks = [_peaks(self.pixels[low:high], reach) for reach in self.reaches]
        rest = self.lines[self.lines.index(line) : -1]
        return next((place for place in rest if any(_is_straight(one, place, share) for one in peaks)), 0)


def within_seams(pixels: Pixels, box: tuple[float, float, float, float]) -> Rectangle:
    """The part of H×W×3 pixels around the face box (x0, y0, x1, y1) that seams cut off; the whole where none do."""
    height, width = pixels.shape[:2]
    step = max(1, int(max(box[2] - box[0], box[3] - box[1]) // LARGEST))
    if step == 1:
        return _within(pixels, box)
    # What averaging mixes at a seam is left out: up to ``step`` px of the photograph.
    size = (width // step, height // step)
    whole = np.ascontiguousarray(pixels[: size[1] * step, : size[0] * step])
    small = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)
    x0, y0, x1, y1 = _within(small, (box[0] / step, box[1] / step, box[2] / step, box[3] / step))
    left, top = ((place + 1) * step if place else 0 for place in (x0, y0))
    return (
        left,
        top,
        width if x1 == size[0] else (x1 - 1) * step,
        height if y1 == size[1] else (y1 - 1) * step,
    )


def _within(pixels: Pixels, box: tuple[float, float, float, float]) -> Rectangle:
    height, width = pixels.shape[:2]
    x0, x1 = _core(box[0], box[2], width)
    y0, y1 = _core(box[1], box[3], height)
    if x1 - x0 < SAMPLES or y1 - y0 < SAMPLES:
        return 0, 0, width, height
    turned = pixels.transpose(1, 0, 2)
    left, right = _side(pixels[:, :x0], y0, y1), _side(pixels[:, x1:][:, ::-1], y0, y1)
    top, bottom = _side(turned[:, :y0], x0, x1), _side(turned[:, y1:][:, ::-1], x0, x1)
    sides = left, top, right, bottom
    edges = _settled(sides, [side.lines[0] for side in sides], [SHARE] * 4, pixels)
    if sum(edge > 0 for edge in edges) == 3:
        again = [edge or side.lines[0] for edge, side in zip(edges, sides, strict=True)]
        edges = _settled(sides, again, [SHARE if edge else FRAMED_SHARE for edge in edges], pixels)
    return edges[0], edges[1], width - edges[2], height - edges[3]


def _settled(sides: Sequence[_Side], edges: Sequence[int], shares: Sequence[float], pixels: Pixels) -> list[int]:
    """The seams from ``edges`` outwards (left, top, right, bottom) that end where those across them do.

    A seam need not go on in the margin.
    """
    height, width = pixels.shape[:2]
    while True:
        rows, columns = (edges[1], height - edges[3]), (edges[0], width - edges[2])
        found = [
            side.seam(edge, *across, share)
            for side, edge, across, share in zip(sides, edges, (rows, columns, rows, columns), shares, strict=True)
        ]
        if found == list(edges):
            return found
        edges = found


def _core(low: float, high: float, limit: int) -> tuple[int, int]:
    edge = (1 - CORE) / 2 * (high - low)
    return min(max(0, round(low + edge)), limit), min(max(0, round(high - edge)), limit)


def _side(pixels: Pixels, low: int, high: int) -> _Side:
    """Seams beside the rows ``low`` to ``high``; the last of them is 0, the picture's own edge."""
    reaches = tuple({max(LEAST, round(share * (high - low))) for share in REACHES})
    found: set[int] = set()
    for reach in reaches:
        peaks = _peaks(pixels[low:high], reach)
        often = np.flatnonzero(_near(peaks) >= FRAMED_SHARE)
        # The tolerance of a pixel makes a run of columns of one line.
        runs = np.split(often, np.flatnonzero(np.diff(often) > 1) + 1)
        places = [int(run[0] + run[-1] + 1) // 2 for run in runs if len(run)]
        found |= {place for place in places if _is_straight(peaks, place, FRAMED_SHARE)}
    return _Side(pixels, reaches, (*sorted(found, reverse=True), 0))


def _peaks(part: Pixels, reach: int) -> NDArray[np.uint8]:
    """Where L×N×3 pixels change most from column to column: 24×(N+1), 1 for a peak.

    The means over ``reach`` columns on both sides differ most in their neighbourhood there, by at least ``CONTRAST``.
    Column c stands for the line between the columns c - 1 and c.
    """
    columns = part.shape[1]
    peaks = np.zeros((SAMPLES, columns + 1), np.uint8)
    if columns < 2 * reach + 1 or not len(part):
        return peaks
    places = cv2.resize(np.ascontiguousarray(part), (columns, SAMPLES), interpolation=cv2.INTER_AREA).astype(np.float64)
    sums = np.concatenate([np.zeros((SAMPLES, 1, 3)), places.cumsum(axis=1)], axis=1)
    means = (sums[:, reach:] - sums[:, :-reach]) / reach
    change = np.abs(means[:, reach:] - means[:, :-reach]).max(axis=2)
    most = cv2.dilate(change, np.ones((1, 2 * reach + 1)))
    peaks[:, reach : reach + change.shape[1]] = (change >= CONTRAST) & (change >= most)
    return peaks


def _near(peaks: NDArray[np.uint8]) -> Reals:
    """Per column the share of places that have a peak there or next to it."""
    return np.asarray(cv2.dilate(peaks, np.ones((1, 3), np.uint8)).mean(axis=0))


def _is_straight(peaks: NDArray[np.uint8], line: int, share: float) -> bool:
    """Whether enough places change at a line, and it does not run askew."""
    window = peaks[:, max(0, line - ALIKE) : line + ALIKE + 1]
    if window.shape[1] < 3 or _near(window)[1:-1].max() < share:
        return False
    weight = window.sum(axis=1)
    first, second = (
        np.average(np.argmax(window[half], axis=1), weights=weight[half] > 0) if weight[half].any() else np.inf
        for half in (slice(0, SAMPLES // 2), slice(SAMPLES // 2, SAMPLES))
    )
    return bool(abs(first - second) <= DRIFT)
