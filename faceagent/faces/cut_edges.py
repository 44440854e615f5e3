"""Where the photograph ends within a picture, and how far from there the points of a face are.

What one colour fills from a corner on lies beyond the photograph. Circles and rounded squares of avatars, slanted cuts
and turned pictures end within the picture, where no rectangle can be cut off. A plain background counts as well, which
does no harm: no part of a face lies on it. Knows no face but its points.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels
from faceagent.faces.content import ALIKE
from faceagent.faces.parts import filled, inside_share

SIDE = 480
"""px, the longer side at which the picture is looked at."""
GAP = 7
"""px at that size: a colour does not grow through narrower gaps, as those between the lines of a drawing."""


def beyond_mask(pixels: Pixels) -> NDArray[np.uint8] | None:
    """1 beyond the photograph, at most ``SIDE`` px large, for an H×W×3 RGB picture; None where nothing is."""
    zoom = min(1.0, SIDE / max(pixels.shape[:2]))
    size = tuple(max(2, round(side * zoom)) for side in pixels.shape[1::-1])
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST), np.int16)
    wide, high = size[0] - 1, size[1] - 1
    found = np.zeros(small.shape[:2], np.uint8)
    for x, y in ((0, 0), (wide, 0), (0, high), (wide, high)):
        if not found[y, x]:
            alike = (np.abs(small - small[y, x]).max(axis=2) <= ALIKE).astype(np.uint8)
            found |= _grown(alike, x, y)
    return found if found.any() else None


@dataclass(frozen=True)
class PhotographEdge:
    """Where a photograph of width×height px ends: at the picture's border, and at what lies ``beyond`` within it."""

    width: int
    height: int
    beyond: NDArray[np.uint8] | None
    """``beyond_mask`` of the picture."""

    def distances(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """N: how far N×2 points (px) are from the edge, px; negative beyond it."""
        x, y = points.T
        found = np.min([x + 0.5, self.width - 0.5 - x, y + 0.5, self.height - 0.5 - y], axis=0)
        if self.beyond is not None:
            zoom = self.beyond.shape[1] / self.width
            across, down = (
                np.clip(np.rint(value * zoom).astype(int), 0, side - 1)
                for value, side in zip((x, y), self.beyond.shape[::-1], strict=True)
            )
            inner, outer = (cv2.distanceTransform(mask, cv2.DIST_L2, 5) for mask in (1 - self.beyond, self.beyond))
            found = np.minimum(found, (inner[down, across] - outer[down, across]) / zoom)
        return np.asarray(found, np.float64)

    def share_inside(self, polygon: NDArray[np.float64]) -> float:
        """Share of a convex polygon (K×2, px) that lies on the photograph, 0-1."""
        share = inside_share(polygon, self.width, self.height)
        if self.beyond is None:
            return share
        size = self.beyond.shape[1], self.beyond.shape[0]
        place = filled(polygon * (size[0] / self.width, size[1] / self.height), size).astype(bool)
        return share * (1 - float(self.beyond[place].mean())) if place.any() else share


def edge_of(pixels: Pixels) -> PhotographEdge:
    """The edge of the photograph in an H×W×3 RGB picture."""
    return PhotographEdge(pixels.shape[1], pixels.shape[0], beyond_mask(pixels))


def _grown(alike: NDArray[np.uint8], x: int, y: int) -> NDArray[np.uint8]:
    """The part of a mask that is connected to (x, y) by ways of ``GAP`` px and more."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP, GAP))
    # Beyond the picture everything is alike, so that a corner is not worn away.
    core = cv2.erode(alike, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    _, labels = cv2.connectedComponents(np.asarray(core, np.uint8), connectivity=4)
    if not core[y, x]:
        return np.zeros_like(alike)
    return np.asarray(cv2.dilate((labels == labels[y, x]).astype(np.uint8), kernel), np.uint8)
