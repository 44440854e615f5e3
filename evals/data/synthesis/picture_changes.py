"""Changes of a picture that leave its face as it was: turned, tilted, mirrored, without colour, with a margin.

The same face must get the same verdict under all of them. Every change is deterministic, takes and gives H×W×3 uint8
RGB, and knows nothing of where the face is.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

MARGIN = 0.25
"""Width of a margin on every side, over the longer side of the picture."""
TURNS, TILTS = (1, 2), (15, 20, -20, -30)
"""Quarters and degrees, clockwise."""


class PictureChange(NamedTuple):
    """A named change and its family: "turn", "tilt_20", "mirror", "grey" or "margin"."""

    name: str
    family: str
    change: Callable[[Pixels], Pixels]


def tilted(
    pixels: Pixels, degrees: float, border: int = cv2.BORDER_CONSTANT, sampling: int = cv2.INTER_CUBIC
) -> Pixels:
    """The whole picture turned clockwise on a larger canvas; what is left free is black or ``border``."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(np.ceil(height * sine + width * cosine)), int(np.ceil(height * cosine + width * sine))
    matrix[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    return np.asarray(cv2.warpAffine(pixels, matrix, size, flags=sampling, borderMode=border), np.uint8)


def grey(pixels: Pixels) -> Pixels:
    """Without colour, still in three channels."""
    flat = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.repeat(flat[..., np.newaxis], 3, axis=2)


def on_canvas(pixels: Pixels, canvas: Callable[[int, int], Reals], share: float = MARGIN) -> Pixels:
    """The picture in the middle of what ``canvas`` gives for a height and width: H×W×3, 0-255."""
    height, width = pixels.shape[:2]
    edge = max(1, round(share * max(height, width)))
    framed = np.clip(canvas(height + 2 * edge, width + 2 * edge), 0, 255).round().astype(np.uint8)
    framed[edge : edge + height, edge : edge + width] = pixels
    return framed


def plain(colour: tuple[int, int, int]) -> Callable[[int, int], Reals]:
    """A canvas of one colour."""
    return lambda height, width: np.full((height, width, 3), colour, np.float64)


def noisy(height: int, width: int) -> Reals:
    """Grey with the grain of a sensor."""
    return np.asarray(128 + np.random.default_rng(0).normal(0, 12, (height, width, 3)), np.float64)


def gradient(height: int, width: int) -> Reals:
    """From one pastel in the upper left to another in the lower right, as presentation slides have."""
    along = (np.arange(height)[:, np.newaxis] / height + np.arange(width) / width)[..., np.newaxis] / 2
    return np.asarray((1 - along) * (236.0, 214.0, 190.0) + along * (96.0, 132.0, 168.0), np.float64)


def textured(height: int, width: int) -> Reals:
    """A woven cloth."""
    down, across = np.mgrid[:height, :width]
    weave = 18 * np.sin(down / 1.9) + 18 * np.sin(across / 2.3) + 10 * np.sin((down + across) / 23)
    grain = np.random.default_rng(1).normal(0, 6, (height, width))
    return np.asarray((weave + grain)[..., np.newaxis] + (150.0, 120.0, 92.0), np.float64)


def wooden(height: int, width: int) -> Reals:
    """A frame with a bevelled inner edge, and the wall around it."""
    edge = min(height, width) // 8
    wall = np.full((height, width, 3), (205.0, 200.0, 190.0))
    inner = wall[edge:-edge, edge:-edge]
    grain = np.random.default_rng(2).normal(0, 7, (inner.shape[0], 1, 1))
    inner[:] = np.array((104.0, 68.0, 38.0)) + cv2.GaussianBlur(grain, (1, 9), 2).reshape(grain.shape)
    return wall


def letterboxed(pixels: Pixels) -> Pixels:
    """Black bars above and below."""
    edge = round(MARGIN * pixels.shape[0])
    return np.asarray(cv2.copyMakeBorder(pixels, edge, edge, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0)), np.uint8)


def rounded(pixels: Pixels) -> Pixels:
    """With rounded corners, on white."""
    height, width = pixels.shape[:2]
    radius = min(height, width) // 6
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - 1 - radius, height - 1), 255, -1)
    cv2.rectangle(mask, (0, radius), (width - 1, height - 1 - radius), 255, -1)
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    share = mask[..., np.newaxis] / 255.0
    return (share * pixels + (1 - share) * 255).round().astype(np.uint8)


def shadowed(pixels: Pixels) -> Pixels:
    """On white, with a soft shadow to the lower right."""
    edge = max(1, round(MARGIN * max(pixels.shape[:2])))
    offset, blur = max(1, edge // 8), max(1.0, edge / 10)

    def canvas(height: int, width: int) -> Reals:
        shade = np.zeros((height, width))
        shade[edge + offset : height - edge + offset, edge + offset : width - edge + offset] = 150
        soft = np.asarray(cv2.GaussianBlur(shade, (0, 0), blur), np.float64)
        return 255 - np.repeat(soft[..., np.newaxis], 3, axis=2)

    return on_canvas(pixels, canvas)


def _turn(quarters: int) -> PictureChange:
    return PictureChange(
        f"turn_{90 * quarters}", "turn", lambda pixels: np.ascontiguousarray(np.rot90(pixels, -quarters))
    )


def _tilt(degrees: int) -> PictureChange:
    name = f"tilt_{'right' if degrees > 0 else 'left'}_{abs(degrees)}"
    return PictureChange(name, f"tilt_{abs(degrees)}", lambda pixels: tilted(pixels, degrees))


def _margin(name: str, change: Callable[[Pixels], Pixels]) -> PictureChange:
    return PictureChange(f"margin_{name}", "margin", change)


CHANGES: tuple[PictureChange, ...] = (
    *map(_turn, TURNS),
    *map(_tilt, TILTS),
    PictureChange("mirror", "mirror", lambda pixels: np.ascontiguousarray(pixels[:, ::-1])),
    PictureChange("grey", "grey", grey),
    _margin("white", lambda pixels: on_canvas(pixels, plain((255, 255, 255)))),
    _margin("black", lambda pixels: on_canvas(pixels, plain((0, 0, 0)))),
    _margin("noisy", lambda pixels: on_canvas(pixels, noisy)),
    _margin("gradient", lambda pixels: on_canvas(pixels, gradient)),
    _margin("textured", lambda pixels: on_canvas(pixels, textured)),
    _margin("frame", lambda pixels: on_canvas(pixels, wooden)),
    _margin("letterbox", letterboxed),
    _margin("rounded", rounded),
    _margin("shadow", shadowed),
)
