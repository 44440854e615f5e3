"""Face regions on the tower's patch grid, from the 478-point mesh.

Knows which mesh points bound an eye, the nose, the mouth and the face. Knows no picture and no network.
Sides are the subject's own.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.types import Region

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

PARTS: Mapping[Region, tuple[int, ...]] = {
    "left_eye": (342, 445, 444, 443, 442, 441, 413, 446, 261, 448, 449, 450, 451, 452, 453, 464),
    "right_eye": (113, 225, 224, 223, 222, 221, 189, 226, 31, 228, 229, 230, 231, 232, 233, 244),
    "nose": (168, 122, 351, 196, 419, 48, 278, 64, 294, 98, 327, 2, 4),
    "mouth": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
}
"""Mesh points whose convex hull is the part."""

GROWTH: Mapping[Region, float] = {"left_eye": 1.15, "right_eye": 1.15, "nose": 1.15, "mouth": 1.3}
"""The hull, grown about its centre: a forged part takes its surroundings along."""

REGIONS: tuple[Region, ...] = ("left_eye", "right_eye", "nose", "mouth", "skin", "outer_face")


def region_masks(points: NDArray[np.float64], size: int) -> dict[Region, NDArray[np.uint8]]:
    """One size×size mask of 0 and 1 per region; ``points``: 478×2 in crop px.

    Parts do not overlap skin; skin is the face oval without the parts; outer_face is what lies outside it.
    """
    masks: dict[Region, NDArray[np.uint8]] = {}
    taken = np.zeros((size, size), np.uint8)
    for region, indices in PARTS.items():
        masks[region] = hull_mask(points[list(indices)], size, growth=GROWTH[region])
        taken |= masks[region]
    oval = hull_mask(points[list(OVAL)], size)
    masks["skin"] = oval & (1 - taken)
    masks["outer_face"] = (1 - oval) & (1 - taken)
    return masks


def hull_mask(points: NDArray[np.float64], size: int, *, growth: float = 1.0) -> NDArray[np.uint8]:
    """The convex hull of N×2 points, grown about their centre, filled with 1 on a size×size field of 0."""
    centre = points.mean(axis=0)
    hull = cv2.convexHull(np.asarray(centre + growth * (points - centre), dtype=np.float32))
    return cv2.fillConvexPoly(np.zeros((size, size), np.uint8), np.rint(hull).astype(np.int32), 1).astype(np.uint8)


def patch_cover(mask: NDArray[np.uint8] | NDArray[np.float32], grid: int) -> NDArray[np.float32]:
    """Share of every patch that the mask covers: grid×grid, 0-1; the side of the mask is a multiple of grid."""
    patch = mask.shape[0] // grid
    blocks = mask.reshape(grid, patch, grid, patch).astype(np.float32)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
