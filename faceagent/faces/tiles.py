"""The parts of a large picture that are searched one by one, at which scales, and how many pixels that may be.

Small faces are found only at full size, which is done in tiles. A picture whose tiles would exceed ``PER_SEARCH`` is
searched at the largest scale at which they do not. Knows no network; ``detect`` runs it on the tiles.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from faceagent.faces.align import Pixels
from faceagent.faces.yunet import Rows, shrink

TILE = 1280
"""px, longer side of the largest tile: a bound on memory."""
OVERLAP = 160
"""px by which tiles overlap: twice the largest face that only the full-size pass detects well."""
PER_SEARCH = 34_000_000
"""Pixels of all tiles of one search: those that a picture of 24 megapixels has, about 2.5 s of one processor."""
IN_ALL = 2 * PER_SEARCH
"""Pixels of all tiles of one picture: of the picture as it lies and of the same one turned by quarters."""
SMALLEST = 24.0
"""px: a smaller face is not found at any scale."""


@dataclass
class Allowance:
    """The pixels that may still be searched in tiles of one picture, and what is missed for want of them."""

    left: int = IN_ALL
    incomplete_below: float | None = None
    """px, shorter side: smaller faces may have been missed; None where everything was searched at full size."""

    def take(self, height: int, width: int, whole: int) -> tuple[float, ...]:
        """The scales of one search of a picture or of a part of it, see ``scales``; their pixels are taken off."""
        steps = scales(height, width, whole, min(PER_SEARCH, self.left))
        self.left = max(0, self.left - sum(pixels_at(step, height, width) for step in steps))
        finest = max(steps, default=min(1.0, 1.25 * whole / max(height, width)))
        if finest < 1:
            self.incomplete_below = max(self.incomplete_below or 0.0, SMALLEST / finest)
        return steps


@dataclass(frozen=True)
class Tile:
    """A part of the picture at ``scale``; ``x`` and ``y`` are its place in the picture at that scale, px."""

    pixels: Pixels
    x: int
    y: int
    scale: float


def scales(height: int, width: int, whole: int, most: int) -> tuple[float, ...]:
    """Scales of the searches in tiles that follow the look at the picture reduced to ``whole`` px, coarse to fine.

    None where the finest would be no more than 1.25 × ``whole`` px long, for the whole shows 24 px about as well. One
    more where it is longer than 8 × ``whole``: the sizes of faces seen in the whole and in tiles would not meet.

    Args:
        height: px of the picture.
        width: px of the picture.
        whole: px, long side of the first look.
        most: pixels that the tiles of all scales may have.
    """
    long, finest = max(height, width), 1.0
    steps = _steps(long, finest, whole)
    while steps and sum(pixels_at(step, height, width) for step in steps) > most:
        finest *= 0.98
        steps = _steps(long, finest, whole)
    return steps


def _steps(long: int, finest: float, whole: int) -> tuple[float, ...]:
    if long * finest <= 1.25 * whole:
        return ()
    return (finest,) if long * finest <= 8 * whole else (math.sqrt(whole * finest / long), finest)


def pixels_at(scale: float, height: int, width: int) -> int:
    """Pixels of all tiles of a picture at ``scale``; those that two tiles have in common count twice."""
    return _covered(round(height * scale)) * _covered(round(width * scale))


def tiles_at(bgr: Pixels, scale: float, sure: Rows) -> Iterator[Tile]:
    """Tiles of the picture at ``scale``; none that is featureless or lies inside one of the faces in ``sure``."""
    picture = bgr if scale == 1 else shrink(bgr, scale)
    height, width = picture.shape[:2]
    for y0, y1 in _spans(height):
        for x0, x1 in _spans(width):
            inside = any(
                row[0] * scale <= x0
                and row[1] * scale <= y0
                and (row[0] + row[2]) * scale >= x1
                and (row[1] + row[3]) * scale >= y1
                for row in sure
            )
            tile = picture[y0:y1, x0:x1]
            if not inside and not _featureless(tile):
                yield Tile(tile, x0, y0, scale)


def _covered(length: int) -> int:
    """The px of all stretches of ``length`` together."""
    return sum(end - start for start, end in _spans(length))


def _spans(length: int) -> list[tuple[int, int]]:
    """Evenly sized, overlapping stretches of at most ``TILE`` px that cover ``length``."""
    if length <= TILE:
        return [(0, length)]
    count = math.ceil((length - OVERLAP) / (TILE - OVERLAP))
    size = math.ceil((length + (count - 1) * OVERLAP) / count)
    starts = [round(index * (length - size) / (count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]


def _featureless(tile: Pixels) -> bool:
    """Whether no 24 px face can be in it: eyes and mouth, averaged over 4×4 px, would give a contrast of 16 levels."""
    grey = np.asarray(cv2.cvtColor(tile, cv2.COLOR_BGR2GRAY), np.uint8)
    contrast = cv2.morphologyEx(shrink(grey, 0.25), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    return int(contrast.max()) < 16
