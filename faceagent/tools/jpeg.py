"""What JPEG compression leaves behind: tables in the file, an 8×8 grid and rounding in the pixels.

Plain measurements on arrays. This module draws no conclusion and knows no face.
"""

import io
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from faceagent.intake.formats import sniff
from faceagent.intake.walk import read_header

Reals = NDArray[np.float32]
"""Single precision: a hundred thousandth of a grey level is far below what rounding leaves."""

# ITU-T T.81, table K.1: the luminance table that the Independent JPEG Group scales by quality.
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
MODES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1))
"""Low AC frequencies, where there is enough signal for a histogram."""
REACH = 24
"""Histograms run from -REACH to REACH quantisation steps."""
FEWEST = 200
"""Coefficients outside the zero bin that a histogram needs."""
EDGE = 24.0
"""Differences are cut off here, so that the picture's own edges do not pass for a grid."""


class Grid(NamedTuple):
    """The strongest 8×8 grid: how much stronger than the other phases, and where its first line lies."""

    strength: float
    x: int
    y: int


def grid(luminance: Reals) -> Grid:
    """Blocking by cross differences (Chen and Hsu 2011), for each of the eight phases in both directions.

    ``luminance`` is H×W, at least 32×32. Strength 1 means no phase stands out.
    """
    cross = np.abs(luminance[1:, 1:] + luminance[:-1, :-1] - luminance[1:, :-1] - luminance[:-1, 1:])
    cross = np.minimum(cross, EDGE)
    found = [_phase(cross.mean(axis=axis)) for axis in (0, 1)]
    return Grid(float(np.sqrt(found[0][0] * found[1][0])), found[0][1], found[1][1])


def _phase(profile: Reals) -> tuple[float, int]:
    """Ratio of the strongest phase to the median of the others, and the first grid line, 0 to 7."""
    whole = profile[: len(profile) // 8 * 8].reshape(-1, 8).mean(axis=0)
    best = int(np.argmax(whole))
    rest = float(np.median(np.delete(whole, best)))
    return (float(whole[best]) / rest if rest > 0 else 1.0), (best + 1) % 8


def luminance_table(data: bytes) -> NDArray[np.int64] | None:
    """The 8×8 luminance quantisation table of a JPEG file in natural order, or None for anything else."""
    if sniff(data) != "JPEG":
        return None
    # Only the segments that make the pixels: Pillow's reader of the others warns, and has limits of the whole process.
    with JpegImageFile(io.BytesIO(read_header("JPEG", data).stream)) as image:
        tables = image.quantization
    return np.asarray(tables[0], dtype=np.int64).reshape(8, 8) if tables else None


def quality_of(table: NDArray[np.int64]) -> tuple[int, bool]:
    """The nearest quality of the Independent JPEG Group, 1 to 100, and whether the table is exactly that one."""
    apart = np.abs(_standards() - table).sum(axis=(1, 2))
    # Of equally near ones the highest: 100 down to 1 is the order of the stack.
    best = int(np.argmin(apart))
    return 100 - best, bool(apart[best] == 0)


@cache
def _standards() -> NDArray[np.int64]:
    """100×8×8: the tables of quality 100 down to 1."""
    scales = [5000 // quality if quality < 50 else 200 - 2 * quality for quality in range(100, 0, -1)]
    return np.stack([np.clip((LUMINANCE * scale + 50) // 100, 1, 255) for scale in scales]).astype(np.int64)


def periodicity(luminance: Reals, table: NDArray[np.int64]) -> float | None:
    """How periodic the histograms of the quantised DCT coefficients are; None when there is too little signal.

    A first compression with coarser steps leaves bins that fill and empty in turn (Popescu and Farid 2004). The
    value is the strongest line in a histogram's spectrum as a share of its mass, the mean of the modes. The
    picture must start at a block corner. A first compression with *finer* steps leaves nothing to see.
    """
    shares = []
    for (row, column), coefficients in zip(MODES, _coefficients(luminance - 128), strict=True):
        steps = np.rint(coefficients / table[row, column]).astype(np.int64)
        histogram = np.bincount(steps[np.abs(steps) <= REACH] + REACH, minlength=2 * REACH + 1).astype(np.float64)
        histogram[REACH] = (histogram[REACH - 1] + histogram[REACH + 1]) / 2
        if histogram.sum() >= FEWEST:
            shares.append(_strongest_line(histogram))
    return float(np.mean(shares)) if shares else None


def _strongest_line(histogram: NDArray[np.float64]) -> float:
    # Only the ripple is of interest: the smooth bell is taken off with a moving average.
    smooth = np.convolve(histogram, np.array([0.5, 1, 1, 1, 0.5]) / 4, mode="same")
    spectrum = np.abs(np.fft.rfft(histogram - smooth))
    return float(spectrum[len(spectrum) // 6 :].max() / histogram.sum())


def _coefficients(luminance: Reals) -> Reals:
    """DCT coefficients of ``MODES`` (rows) over the whole blocks (columns), orthonormal as in JPEG."""
    height, width = (side // 8 * 8 for side in luminance.shape)
    tiles = luminance[:height, :width].reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 64)
    return np.asarray(_BASIS @ tiles.T)


def _basis() -> Reals:
    """One row of 64 per mode: the outer product of its two cosines."""
    frequency, place = np.arange(8)[:, np.newaxis], np.arange(8)[np.newaxis]
    matrix = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return np.stack([np.outer(matrix[row], matrix[column]).ravel() for row, column in MODES]).astype(np.float32)


_BASIS = _basis()
