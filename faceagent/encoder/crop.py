"""The square face crop that every branch and every vision-language model looks at.

Knows how a face becomes the tower's input square, and back: margins cut off, turned upright. Knows no detector and no
network.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.types import Face
from faceagent.upright import cut_out, frame_of, matrix_into

SCALE = 1.0
"""Side of the crop over the longer side of the face box.

Detectors commonly take 1.3, but tight portraits have no such margin: what is mirrored in its place would tell the
training sets apart, and with them real from synthetic.
"""
FINEST = 4
"""Most times finer than the crop that a turned face is resampled before it is averaged down."""
ROOM = 1.45
"""Side of the square that a turned crop is taken from, over its own: the diagonal, and the reach of the filter."""


@dataclass(frozen=True)
class Crop:
    """``pixels``: size×size×3 uint8 RGB. ``matrix``: 2×3, maps picture px to crop px.

    ``inside``: size×size uint8, 1 where a pixel shows the photograph, 0 where it shows its mirrored edge.
    """

    pixels: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    inside: NDArray[np.uint8]

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """N×2 points in picture px, placed in crop px."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]


def crop_face(pixels: NDArray[np.uint8], face: Face, *, size: int = 224, scale: float = SCALE) -> Crop:
    """The square of side ``scale`` times the longer side of the face's box, upright, from the photograph it is in.

    A face without a frame gives ``face_crop`` of its box. A picture turned by quarters gives the very same pixels.
    """
    height, width = pixels.shape[:2]
    frame = frame_of(face, width, height)
    part = pixels if face.frame is None else cut_out(pixels, frame)
    if frame.degrees:
        crop = turned_crop(part, frame.box, frame.degrees, size=size, scale=scale)
    else:
        crop = face_crop(part, frame.box, size=size, scale=scale)
    if face.frame is None:
        return crop
    into = matrix_into(frame)
    turn = crop.matrix[:, :2]
    matrix = np.column_stack([turn @ into[:, :2], turn @ into[:, 2] + crop.matrix[:, 2]])
    return Crop(crop.pixels, matrix, crop.inside)


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
    square = _window(pixels, left, top, side)
    resized = _resized(square, size)
    zoom = size / side
    matrix = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]], dtype=np.float64)
    return Crop(resized, matrix, _inside(matrix, size, pixels))


def turned_crop(
    pixels: NDArray[np.uint8],
    box: tuple[float, float, float, float],
    degrees: float,
    *,
    size: int = 224,
    scale: float = SCALE,
) -> Crop:
    """``face_crop`` of a face turned by ``degrees`` clockwise about the centre of ``box``, at any fraction of px.

    This is what detectors read of nearly every face: ``faceagent.faces.mesh_box`` gives box and degrees.
    """
    x0, y0, x1, y1 = box
    side = max(2.0, scale * max(x1 - x0, y1 - y0))
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    wide = round(ROOM * side) + 4
    left, top = round(centre[0] - wide / 2), round(centre[1] - wide / 2)
    window = _window(pixels, left, top, wide)
    # A very large face is averaged down before it is turned, which costs less and loses nothing at this size.
    step = int(side // (FINEST * size))
    if step >= 2:
        wide = -(-wide // step) * step
        window = _window(pixels, left, top, wide)
        window = np.asarray(cv2.resize(window, (wide // step, wide // step), interpolation=cv2.INTER_AREA), np.uint8)
    step = max(1, step)
    # Where the face is larger than the crop it is turned at its own resolution, so that nothing aliases.
    fine = max(size, round(side / step))
    matrix = _turning(centre, degrees, fine / side, fine)
    # From window px to turned px, both at pixel centres.
    local = matrix.copy()
    offset = np.array([left, top]) + (step - 1) / 2
    local[:, 2] += matrix[:, :2] @ offset
    local[:, :2] *= step
    turned = cv2.warpAffine(window, local, (fine, fine), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    whole = _turning(centre, degrees, size / side, size)
    return Crop(_resized(np.asarray(turned, np.uint8), size), whole, _inside(whole, size, pixels))


def _turning(centre: NDArray[np.float64], degrees: float, zoom: float, size: int) -> NDArray[np.float64]:
    """2×3, picture to crop px, both at pixel centres; ``centre`` is at pixel edges and goes to the crop's middle."""
    angle = np.deg2rad(degrees)
    turn = zoom * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, np.full(2, size / 2 - 0.5) - turn @ (centre - 0.5)])


def _resized(square: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if square.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (size, size), interpolation=method), dtype=np.uint8)


def _window(pixels: NDArray[np.uint8], left: int, top: int, side: int) -> NDArray[np.uint8]:
    """A square of the picture, mirrored past its edges."""
    height, width = pixels.shape[:2]
    # Mirroring by index instead of padding first: a huge box in a small picture must not cost its area in memory.
    columns, rows = _mirrored(left, side, width), _mirrored(top, side, height)
    return np.ascontiguousarray(pixels[rows][:, columns])


def _inside(matrix: NDArray[np.float64], size: int, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where a crop shows the picture; size×size."""
    height, width = pixels.shape[:2]
    back = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
    across, down = np.meshgrid(np.arange(size), np.arange(size))
    x = back[0, 0] * across + back[0, 1] * down + back[0, 2]
    y = back[1, 0] * across + back[1, 1] * down + back[1, 2]
    return np.asarray((x >= 0) & (x < width) & (y >= 0) & (y < height), dtype=np.uint8)


def _mirrored(start: int, count: int, limit: int) -> NDArray[np.int64]:
    """Indices start … start+count-1, reflected into 0 … limit-1 without repeating the edge."""
    if limit == 1:
        return np.zeros(count, dtype=np.int64)
    period = 2 * (limit - 1)
    folded = np.arange(start, start + count, dtype=np.int64) % period
    return np.where(folded < limit, folded, period - folded)
