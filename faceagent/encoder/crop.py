"""The square face crop every branch looks at.

Knows how a face box becomes the tower's input square, and back. Knows no detector and no network.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SCALE = 1.0
"""Side of the crop over the longer side of the face box.

Detectors commonly take 1.3, but tight portraits have no such margin: what is mirrored in its place would tell the
training sets apart, and with them real from synthetic.
"""


@dataclass(frozen=True)
class Crop:
    """``pixels``: size×size×3 uint8 RGB. ``matrix``: 2×3, maps picture px to crop px."""

    pixels: NDArray[np.uint8]
    matrix: NDArray[np.float64]

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """N×2 points in picture px, placed in crop px."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]


def face_crop(
    pixels: NDArray[np.uint8], box: tuple[float, float, float, float], *, size: int = 224, scale: float = SCALE
) -> Crop:
    """The square of side ``scale`` times the longer side of ``box`` (x0, y0, x1, y1), resized to ``size``.

    What reaches past the picture's edge is mirrored: a constant border would tell tight pictures from wide
    ones. Shrinking averages areas, enlarging is bicubic.
    """
    x0, y0, x1, y1 = box
    side = max(2, round(scale * max(x1 - x0, y1 - y0)))
    left, top = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    height, width = pixels.shape[:2]
    # Mirroring by index instead of padding first: a huge box in a small picture must not cost its area in memory.
    columns, rows = _mirrored(left, side, width), _mirrored(top, side, height)
    square = np.ascontiguousarray(pixels[rows][:, columns])
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    resized = cv2.resize(square, (size, size), interpolation=method).astype(np.uint8)
    zoom = size / side
    matrix = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]], dtype=np.float64)
    return Crop(resized, matrix)


def inside(crop: Crop, width: int, height: int) -> NDArray[np.uint8]:
    """1 where a crop shows the picture of width×height px, 0 where it shows its mirrored edge; size×size."""
    size = crop.pixels.shape[0]
    x, y = ((np.arange(size) - crop.matrix[axis, 2]) / crop.matrix[axis, axis] for axis in (0, 1))
    return np.outer((y >= 0) & (y < height), (x >= 0) & (x < width)).astype(np.uint8)


def _mirrored(start: int, count: int, limit: int) -> NDArray[np.int64]:
    """Indices start … start+count-1, reflected into 0 … limit-1 without repeating the edge."""
    if limit == 1:
        return np.zeros(count, dtype=np.int64)
    period = 2 * (limit - 1)
    folded = np.arange(start, start + count, dtype=np.int64) % period
    return np.where(folded < limit, folded, period - folded)
