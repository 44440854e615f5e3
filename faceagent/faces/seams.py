"""Straight seams around a face: where a photograph ends and something else begins, a frame, a cloth, an interface.

``content`` finds margins that have one colour. Here a margin may show anything: a seam is where brightness or colour
changes at one line of pixels, parallel to the picture's edge, from one edge of the photograph to the other. A camera
rarely sees such an edge, since nothing in front of it is that straight and that well aligned; where it does, a door
frame say, what lies beyond is lost to whoever asks. The raster of a print, the pixel rows of a screen and stripes of
interlaced video are such lines too, but cross the face as well: they are no seams, since what is on both sides is the
same medium. Knows no tool.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels
from faceagent.faces.content import Rectangle

Reals = NDArray[np.float64]
Contrasts = Mapping[int, float]
"""Grey levels by which a seam changes at least, by the px on either side that are averaged."""

SAMPLES = 24
"""Places along a line that are looked at; each is the mean over its share of the line's length."""
SHARE, FRAMED_SHARE = 0.75, 0.5
"""Least share of the places that must change at the line; the second on the last side of four: parts
of a photograph may have the colour of its margin."""
CONTRAST = 6.0
"""Least grey levels in one of the channels; what grain leaves of itself after averaging stays below it."""
RASTER = 5.0
"""Grey levels from line to line across the face itself from which it has a raster: FairFace's and muxspace's faces have
at most 2.7 and a large sharp portrait 3.0, drawn prints with lines 8 to 14."""
BEYOND_RASTER = 1.3
"""Least contrast of a seam then, over that of the clearest line across the face."""
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
    contrasts: Contrasts
    lines: tuple[int, ...]
    """First columns inside the seams that pass the face, innermost first, and 0, the picture's own edge."""

    def seam(self, line: int, low: int, high: int, share: float) -> int:
        """The innermost seam from ``line`` outwards that goes on over all of the rows ``low`` to ``high``."""
        if not line:
            return 0
        part = self.pixels[low:high]
        peaks = [_peaks(part, reach, contrast) for reach, contrast in self.contrasts.items()]
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
    across, down = _contrasts(pixels[y0:y1, x0:x1]), _contrasts(turned[x0:x1, y0:y1])
    left, right = _side(pixels[:, :x0], y0, y1, across), _side(pixels[:, x1:][:, ::-1], y0, y1, across)
    top, bottom = _side(turned[:, :y0], x0, x1, down), _side(turned[:, y1:][:, ::-1], x0, x1, down)
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


def _contrasts(face: Pixels) -> Contrasts:
    """What a seam must reach beside L×N×3 pixels of the face, with the lines in question as columns."""
    reaches = sorted({max(LEAST, round(share * len(face))) for share in REACHES})
    change = _changes(face, 1)
    # Shading goes on from line to line, a raster alternates; features of a face run along no line of pixels.
    alternating = np.abs(change - cv2.blur(change, (5, 1))) if change.size else change
    if not change.size or np.median(_common(alternating)) < RASTER:
        return dict.fromkeys(reaches, CONTRAST)
    lines = {reach: _common(_changes(face, reach)).max(initial=0.0) for reach in reaches}
    return {reach: max(CONTRAST, BEYOND_RASTER * float(line)) for reach, line in lines.items()}


def _common(change: Reals) -> Reals:
    """Per line the change that most of its places reach; ``change`` as from ``_changes``."""
    return np.asarray(np.quantile(np.abs(change).max(axis=2), 1 - SHARE, axis=0))


def _side(pixels: Pixels, low: int, high: int, contrasts: Contrasts) -> _Side:
    """Seams beside the rows ``low`` to ``high``; the last of them is 0, the picture's own edge."""
    found: set[int] = set()
    for reach, contrast in contrasts.items():
        peaks = _peaks(pixels[low:high], reach, contrast)
        often = np.flatnonzero(_near(peaks) >= FRAMED_SHARE)
        # The tolerance of a pixel makes a run of columns of one line.
        runs = np.split(often, np.flatnonzero(np.diff(often) > 1) + 1)
        places = [int(run[0] + run[-1] + 1) // 2 for run in runs if len(run)]
        found |= {place for place in places if _is_straight(peaks, place, FRAMED_SHARE)}
    return _Side(pixels, contrasts, (*sorted(found, reverse=True), 0))


def _changes(part: Pixels, reach: int) -> Reals:
    """24×(N+1-2·reach)×3: by how much the means over ``reach`` columns after a line exceed those before it, L×N×3."""
    columns = part.shape[1]
    if columns < 2 * reach + 1 or not len(part):
        return np.zeros((SAMPLES, 0, 3))
    places = cv2.resize(np.ascontiguousarray(part), (columns, SAMPLES), interpolation=cv2.INTER_AREA).astype(np.float64)
    sums = np.concatenate([np.zeros((SAMPLES, 1, 3)), places.cumsum(axis=1)], axis=1)
    means = (sums[:, reach:] - sums[:, :-reach]) / reach
    return np.asarray(means[:, reach:] - means[:, :-reach])


def _peaks(part: Pixels, reach: int, contrast: float) -> NDArray[np.uint8]:
    """Where L×N×3 pixels change most from column to column: 24×(N+1), 1 for a peak.

    The means over ``reach`` columns on both sides differ most in their neighbourhood there, by at least ``contrast``.
    Column c stands for the line between the columns c - 1 and c.
    """
    peaks = np.zeros((SAMPLES, part.shape[1] + 1), np.uint8)
    change = np.abs(_changes(part, reach)).max(axis=2)
    if change.size:
        most = cv2.dilate(change, np.ones((1, 2 * reach + 1)))
        peaks[:, reach : reach + change.shape[1]] = (change >= contrast) & (change >= most)
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
