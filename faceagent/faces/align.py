"""Geometry of face crops: similarity transforms, warps without aliasing, aligned crops, matrices of square crops.

This module knows templates and pixels. The position of the face is an argument.

Pixel centres lie at whole coordinates. A matrix is 2×3, float64, and maps picture coordinates to crop coordinates.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Points = NDArray[np.float64]

ARCFACE_112: tuple[tuple[float, float], ...] = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where ArcFace and SFace expect the five points in a 112 px crop (Deng et al. 2019), in the order of ``points5``."""

BORDERS = {"replicate": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}


def similarity(source: ArrayLike, target: ArrayLike) -> Matrix:
    """The rotation, uniform scale and shift that best map ``source`` to ``target`` (both N×2, N ≥ 2).

    Least squares, without reflection (Umeyama 1991). Raises ValueError when all source points coincide.
    """
    src, dst = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    centre_src, centre_dst = src.mean(axis=0), dst.mean(axis=0)
    a, b = src - centre_src, dst - centre_dst
    spread = float((a * a).sum())
    if spread <= 0:
        raise ValueError("all source points coincide")
    along = float((a * b).sum()) / spread
    across = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[along, -across], [across, along]])
    return np.column_stack([turn, centre_dst - turn @ centre_src])


def invert(matrix: Matrix) -> Matrix:
    """The matrix that maps crop coordinates back to picture coordinates."""
    inverse: Matrix = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
    return inverse


def apply(matrix: Matrix, points: ArrayLike) -> Points:
    """``points`` (N×2) mapped by ``matrix``."""
    moved: Points = np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved


def scale_of(matrix: Matrix) -> float:
    """Crop pixels per picture pixel."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def warp(pixels: NDArray[np.uint8], matrix: Matrix, size: int | tuple[int, int], border: int | str = 0) -> Pixels:
    """The crop of ``size`` (side, or width and height) that ``matrix`` maps the picture to.

    ``border`` is what lies outside the picture: a grey level 0-255, "replicate" or "reflect". Where the crop is
    less than half as fine as the picture, the picture is averaged down first, so that nothing aliases.
    """
    width, height = (size, size) if isinstance(size, int) else size
    # Whole blocks are averaged; the remaining factor is below two, which bilinear sampling handles well.
    step = int(1.0 / max(scale_of(matrix), 1e-6) + 1e-6)
    if step >= 2:
        pixels, matrix = _shrunk(pixels, matrix, (width, height), step)
    mode, value = (BORDERS[border], 0) if isinstance(border, str) else (cv2.BORDER_CONSTANT, border)
    crop = cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=mode, borderValue=(value, value, value)
    )
    return np.asarray(crop, dtype=np.uint8)


def _shrunk(
    pixels: NDArray[np.uint8], matrix: Matrix, size: tuple[int, int], step: int
) -> tuple[NDArray[np.uint8], Matrix]:
    """The part of the picture the crop needs, averaged over ``step``×``step`` blocks, and the matrix from there."""
    height, width = pixels.shape[:2]
    corners = apply(invert(matrix), [(0, 0), (size[0], 0), (0, size[1]), size])
    low = np.clip(np.floor(corners.min(axis=0)) - 2 * step, 0, (width, height)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 2 * step, 0, (width, height)).astype(int)
    count = (high - low) // step
    if (count < 1).any():
        return pixels, matrix
    part = pixels[low[1] : low[1] + count[1] * step, low[0] : low[0] + count[0] * step]
    small = cv2.resize(part, (int(count[0]), int(count[1])), interpolation=cv2.INTER_AREA)
    offset = low + (step - 1) / 2
    moved = np.column_stack([matrix[:, :2] * step, matrix[:, :2] @ offset + matrix[:, 2]])
    return np.asarray(small, dtype=np.uint8), moved


def aligned(pixels: Pixels, points5: ArrayLike, size: int = 112, border: int | str = 0) -> Pixels:
    """The face with its five points on the ArcFace template, ``size``×``size`` (112 for SFace, 224 for encoders)."""
    target = np.asarray(ARCFACE_112) * (size / 112)
    return warp(pixels, similarity(points5, target), size, border)


def square_matrix(box: Sequence[float], scale: float, size: int, degrees: float = 0.0) -> Matrix:
    """Matrix of the square crop around ``box`` whose side is the box's longer side times ``scale``.

    ``degrees`` turns the crop with the head: a head that is turned clockwise by it comes out upright.
    """
    x0, y0, x1, y1 = box
    factor = size / (max(x1 - x0, y1 - y0) * scale)
    angle = np.deg2rad(degrees)
    turn = factor * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return np.column_stack([turn, np.full(2, size / 2) - turn @ centre])
