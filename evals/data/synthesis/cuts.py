"""Pictures that end within the face: cut at borders, corners and slants, to circles, strips and pieces.

Where the cut is no rectangle, what lies beyond it is filled with one colour, as editors and avatars do. Shares are
those of the extent of the mesh. Knows which pixels still show the photograph.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.parts import filled, outline
from faceagent.types import PARTS, FacePart

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]
Mask = NDArray[np.uint8]

RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)
CENTRES = (4, 33, 263, 61, 10, 152, 50, 280)
"""Mesh points around which a piece is kept: nose, eyes, mouth, forehead, chin, cheeks."""


@dataclass(frozen=True)
class Cut:
    """The picture left (H×W×3 RGB), the mesh in its px, and 1 where it shows the photograph (H×W)."""

    pixels: Pixels
    points: Points
    shown: Mask

    def shares(self) -> dict[FacePart, float]:
        """How much of every part is still shown, 0-1."""
        height, width = self.shown.shape
        found = {}
        for part in PARTS:
            shape = outline(self.points, part)
            low, high = np.floor(shape.min(axis=0)).astype(int) - 1, np.ceil(shape.max(axis=0)).astype(int) + 2
            whole = filled(shape - low, (int(high[0] - low[0]), int(high[1] - low[1])))
            (x0, y0), (x1, y1) = np.maximum(low, 0), np.minimum(high, (width, height))
            seen = 0
            if x0 < x1 and y0 < y1:
                left = whole[y0 - low[1] : y1 - low[1], x0 - low[0] : x1 - low[0]]
                seen = int((left * self.shown[y0:y1, x0:x1]).sum())
            found[part] = seen / max(1, int(whole.sum()))
        return found


def cut(pixels: Pixels, points: Points, kind: str, rng: np.random.Generator) -> Cut:
    """An H×W×3 RGB picture cut within the face whose 478 mesh points (px) are given; ``kind`` of ``CUTS``."""
    return CUTS[kind](pixels, np.asarray(points, np.float64), rng)


def _kept(pixels: Pixels, points: Points, low: Points, high: Points) -> Cut:
    """The rectangle between two corners, at least 2 px wide."""
    size = np.array([pixels.shape[1], pixels.shape[0]])
    x0, y0 = (int(value) for value in np.clip(np.rint(low), 0, size - 2))
    x1, y1 = (int(value) for value in np.clip(np.rint(high), (x0 + 2, y0 + 2), size))
    return Cut(np.ascontiguousarray(pixels[y0:y1, x0:x1]), points - (x0, y0), np.ones((y1 - y0, x1 - x0), np.uint8))


def _filled(pixels: Pixels, points: Points, shown: NDArray[np.bool_], rng: np.random.Generator) -> Cut:
    """The picture with one colour where it is no longer shown: black, white, or any."""
    colour = (np.zeros(3), np.full(3, 255), rng.integers(0, 256, 3))[int(rng.integers(3))]
    left = pixels.copy()
    left[~shown] = colour.astype(np.uint8)
    return Cut(left, points, shown.astype(np.uint8))


def _border(edge: str) -> Callable[[Pixels, Points, np.random.Generator], Cut]:
    def make(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
        start, end = points.min(axis=0), points.max(axis=0)
        taken = rng.uniform(0.2, 0.7) * (end - start)
        low, high = np.zeros(2), np.array([pixels.shape[1], pixels.shape[0]], np.float64)
        axis = 0 if edge in ("left", "right") else 1
        if edge in ("left", "top"):
            low[axis] = start[axis] + taken[axis]
        else:
            high[axis] = end[axis] - taken[axis]
        return _kept(pixels, points, low, high)

    return make


BORDERS = ("top", "bottom", "left", "right")


def _corner(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
    """Two borders at once."""
    start, end = points.min(axis=0), points.max(axis=0)
    taken, first = rng.uniform(0.1, 0.5, 2) * (end - start), rng.integers(0, 2, 2) > 0
    size = np.array([pixels.shape[1], pixels.shape[0]])
    return _kept(pixels, points, np.where(first, start + taken, 0), np.where(first, size, end - taken))


def _strip(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
    """A band across the face: only the forehead, the eyes, the nose, the mouth or the chin."""
    middle, unit = _eyes(points)
    at, half = middle[1] + rng.uniform(-0.6, 1.9) * unit, rng.uniform(0.35, 0.8) * unit
    return _kept(pixels, points, np.array([0, at - half]), np.array([pixels.shape[1], at + half]))


def _piece(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
    """A square around one part."""
    at, half = points[int(rng.choice(CENTRES))], rng.uniform(0.45, 1.0) * _eyes(points)[1]
    return _kept(pixels, points, at - half, at + half)


def _slant(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
    """A straight line at any angle, one colour beyond it."""
    angle = rng.uniform(0, 2 * np.pi)
    normal = np.array([np.cos(angle), np.sin(angle)])
    along = points @ normal
    line = along.max() - rng.uniform(0.2, 0.7) * np.ptp(along)
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    return _filled(pixels, points, x * normal[0] + y * normal[1] < line, rng)


def _round(power: float, least: float, most: float) -> Callable[[Pixels, Points, np.random.Generator], Cut]:
    """A superellipse near the face, one colour around it: an avatar's circle (2) or rounded square (4 and more)."""

    def make(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
        start, end = points.min(axis=0), points.max(axis=0)
        size = end - start
        centre, radii = (start + end) / 2 + rng.normal(0, 0.2, 2) * size, rng.uniform(least, most, 2) * size
        y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        shown = np.abs((x - centre[0]) / radii[0]) ** power + np.abs((y - centre[1]) / radii[1]) ** power < 1
        made = _filled(pixels, points, shown, rng)
        rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
        if not len(rows):
            return _kept(pixels, points, centre, centre)
        part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        return Cut(np.ascontiguousarray(made.pixels[part]), points - (columns[0], rows[0]), made.shown[part])

    return make


def _inset(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
    """A cut picture on a page or a screen of another colour."""
    made = cut(pixels, points, str(rng.choice(BORDERS)), rng)
    top, bottom, left, right = (int(value) for value in rng.integers(30, 150, 4))
    colour = [int(value) for value in rng.integers(0, 256, 3)]
    page = cv2.copyMakeBorder(made.pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)
    shown = cv2.copyMakeBorder(made.shown, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)
    return Cut(np.asarray(page, np.uint8), made.points + (left, top), np.asarray(shown, np.uint8))


def _turned(pixels: Pixels, points: Points, rng: np.random.Generator) -> Cut:
    """Turned by up to 35° about the eyes, black beyond the picture, then cut at a border."""
    middle, _ = _eyes(points)
    matrix = np.asarray(cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), rng.uniform(-35, 35), 1.0))
    size = (pixels.shape[1], pixels.shape[0])
    turned = np.asarray(cv2.warpAffine(pixels, matrix, size), np.uint8)
    shown = cv2.warpAffine(np.ones(pixels.shape[:2], np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    made = cut(turned, points @ matrix[:, :2].T + matrix[:, 2], str(rng.choice(BORDERS)), rng)
    # The black beyond the turned picture is cut at the same border as the picture.
    height, width = made.shown.shape
    offset = np.rint(points[0] @ matrix[:, :2].T + matrix[:, 2] - made.points[0]).astype(int)
    left = np.asarray(shown, np.uint8)[offset[1] : offset[1] + height, offset[0] : offset[0] + width]
    return Cut(made.pixels, made.points, left)


def _eyes(points: Points) -> tuple[Points, float]:
    """The middle between the eyes, and their distance, px."""
    right, left = points[list(RIGHT_EYE)].mean(axis=0), points[list(LEFT_EYE)].mean(axis=0)
    return (right + left) / 2, float(np.hypot(*(left - right)))


CUTS: Mapping[str, Callable[[Pixels, Points, np.random.Generator], Cut]] = {
    **{edge: _border(edge) for edge in BORDERS},
    "corner": _corner,
    "strip": _strip,
    "piece": _piece,
    "slant": _slant,
    "circle": _round(2.0, 0.35, 0.55),
    "rounded": _round(5.0, 0.3, 0.5),
    "inset": _inset,
    "turned": _turned,
}
"""Kinds of cuts."""
