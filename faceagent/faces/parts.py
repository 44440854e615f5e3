"""The parts of a face on the 478-point mesh: ten polygons, in whose terms visibility is told and needs are declared.

Knows which mesh points bound a part. Knows no picture and no network. Sides are the subject's own.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.types import PARTS, FacePart

Points = NDArray[np.float64]

OUTLINES: Mapping[FacePart, tuple[int, ...]] = {
    "forehead": (54, 103, 67, 109, 10, 338, 297, 332, 284, 293, 334, 296, 336, 9, 107, 66, 105, 63),
    "right_brow": (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    "left_brow": (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    "right_eye": (113, 225, 224, 223, 222, 221, 189, 226, 31, 228, 229, 230, 231, 232, 233, 244),
    "left_eye": (342, 445, 444, 443, 442, 441, 413, 446, 261, 448, 449, 450, 451, 452, 453, 464),
    "nose": (168, 122, 351, 196, 419, 48, 278, 64, 294, 98, 327, 2, 4),
    "right_cheek": (117, 118, 119, 120, 100, 142, 203, 206, 207, 187, 123, 147, 213, 192),
    "left_cheek": (346, 347, 348, 349, 329, 371, 423, 426, 427, 411, 352, 376, 433, 416),
    "mouth": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
    "chin": (201, 421, 211, 32, 208, 199, 428, 262, 431, 394, 379, 378, 400, 377, 152, 148, 176, 149, 150, 169),
}
"""Mesh points whose convex hull is the part."""

GROWTH: Mapping[FacePart, float] = {"nose": 1.1, "mouth": 1.15, "right_brow": 1.1, "left_brow": 1.1}
"""The hull, grown about its centre, where the points lie on the very edge of what moves."""


def outline(points: Points, part: FacePart) -> Points:
    """K×2: the convex hull of a part, grown where it has to be; ``points`` are 478×2, in the unit of the result."""
    own = points[list(OUTLINES[part])]
    centre = own.mean(axis=0)
    grown = centre + GROWTH.get(part, 1.0) * (own - centre)
    hull = cv2.convexHull(np.asarray(grown, dtype=np.float32))
    return np.asarray(hull, dtype=np.float64).reshape(-1, 2)


def part_masks(points: Points, size: tuple[int, int]) -> dict[FacePart, NDArray[np.uint8]]:
    """A mask of 0 and 1 per part, height×width for ``size`` (width, height); ``points``: 478×2 in its px."""
    return {part: filled(outline(points, part), size) for part in PARTS}


def filled(polygon: Points, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The polygon (K×2 px) filled with 1 on a field of 0, height×width for ``size`` (width, height)."""
    field = np.zeros((size[1], size[0]), np.uint8)
    corners = np.rint(np.clip(polygon, -1e6, 1e6)).astype(np.int32)
    return np.asarray(cv2.fillPoly(field, [corners], 1), dtype=np.uint8)


def inside_share(polygon: Points, width: int, height: int) -> float:
    """Share of a convex polygon's area (K×2, px) that lies inside a picture of width×height px, 0-1."""
    whole = float(cv2.contourArea(np.asarray(polygon, np.float32)))
    if whole <= 0:
        return 0.0
    frame = np.array([(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)], np.float32)
    area, _ = cv2.intersectConvexConvex(np.asarray(polygon, np.float32), frame)
    return float(min(1.0, max(0.0, area / whole)))
