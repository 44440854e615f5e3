"""The fixed degradations that robustness is measured on: recompression, scaling, blur, noise, a screenshot.

Every degradation is deterministic and writes a file, because the product reads files. Random degradation is in
``degradation``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class NamedDegradation(NamedTuple):
    """A named change of pixels (H×W×3 BGR) and the format that the result is stored in."""

    name: str
    change: Callable[[Pixels], Pixels]
    suffix: str = ".png"
    options: tuple[int, ...] = ()

    @property
    def family(self) -> str:
        """The kind of degradation, without its strength."""
        return self.name.partition("_")[0]

    def write(self, rgb: Pixels, folder: Path) -> Path:
        """Change and store RGB pixels; returns the file."""
        path = folder / f"{self.name}{self.suffix}"
        cv2.imwrite(str(path), self.change(np.ascontiguousarray(rgb[..., ::-1])), list(self.options))
        return path


def _same(pixels: Pixels) -> Pixels:
    return pixels


def _jpeg(quality: int) -> NamedDegradation:
    return NamedDegradation(f"jpeg_{quality}", _same, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, quality))


def _resize(divisor: int) -> NamedDegradation:
    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        small = cv2.resize(pixels, (max(1, width // divisor), max(1, height // divisor)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)

    return NamedDegradation(f"resize_{divisor}", change)


def _blur(sigma: float) -> NamedDegradation:
    return NamedDegradation(
        f"blur_{sigma:g}", lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)
    )


def _noise(sigma: float) -> NamedDegradation:
    def change(pixels: Pixels) -> Pixels:
        grain = np.random.default_rng(0).normal(0.0, sigma, pixels.shape)
        return np.clip(pixels + grain, 0, 255).round().astype(np.uint8)

    return NamedDegradation(f"noise_{sigma:g}", change)


def _screenshot(pixels: Pixels) -> Pixels:
    """Scaled as on a screen, sharpened by the viewer, with less contrast, stored without loss."""
    height, width = pixels.shape[:2]
    shown = cv2.resize(
        pixels, (max(1, round(width * 0.72)), max(1, round(height * 0.72))), interpolation=cv2.INTER_AREA
    )
    crisp = cv2.addWeighted(shown, 1.4, cv2.GaussianBlur(shown, (0, 0), 1.0), -0.4, 0)
    return np.clip(crisp.astype(np.float64) * 0.94 + 8, 0, 255).round().astype(np.uint8)


def _half_size(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


SWEEP = (
    *map(_jpeg, (90, 70, 50, 30)),
    *map(_resize, (2, 4)),
    *map(_blur, (1.0, 2.0)),
    *map(_noise, (5.0, 15.0)),
    NamedDegradation("screenshot", _screenshot),
)
DELIVERIES = (
    _jpeg(85),
    _jpeg(50),
    NamedDegradation("webp_75", _same, ".webp", (cv2.IMWRITE_WEBP_QUALITY, 75)),
    NamedDegradation("half_size", _half_size, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 85)),
    NamedDegradation("screenshot", _screenshot),
)
"""What becomes of a picture on its way: saved again, made smaller, shown on a screen."""
