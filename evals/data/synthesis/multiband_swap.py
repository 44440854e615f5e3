"""A face swap for testing only, by other means than training's swaps at every step.

Nothing is warped: the donor's face is moved as a whole. Colours are matched in CIELAB (Reinhard et al., "Color Transfer
between Images", 2001), and the blend has a seam of its own width in every frequency band (Burt and Adelson, "A
Multiresolution Spline With Application to Image Mosaics", 1983).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.records import LabelledCrop, Parameters, Portrait
from faceagent.encoder.regions import OVAL, hull_mask


def multiband_swap(target: Portrait, donor: Portrait, rng: np.random.Generator) -> LabelledCrop:
    """``target`` with the face of ``donor``: moved as a whole, matched in CIELAB, blended in frequency bands.

    Raises ValueError when the crops differ in size.
    """
    if target.pixels.shape != donor.pixels.shape:
        raise ValueError("A swap needs crops of one size.")
    size = target.pixels.shape[0]
    matrix, _ = cv2.estimateAffinePartial2D(donor.points, target.points, method=cv2.LMEDS)
    moved = cv2.warpAffine(
        donor.pixels, np.asarray(matrix, np.float64), (size, size), flags=cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    side = int(rng.integers(112, 176))
    small = cv2.bilateralFilter(cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA), 5, 12, 3)
    moved = np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LANCZOS4), np.uint8)
    hull = hull_mask(target.points[list(OVAL)], size, growth=float(rng.uniform(0.85, 0.98)))
    foreign = _lab_matched(np.asarray(moved, np.uint8), target.pixels, hull > 0)
    mask = np.asarray(cv2.GaussianBlur(hull.astype(np.float32), (0, 0), size / 90), np.float32)
    image = _multiband(target.pixels.astype(np.float32), foreign, mask)
    pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    parameters: Parameters = {"maker": "multiband_swap", "regions": ("skin",), "donor": donor.source}
    return LabelledCrop(pixels, "splice", mask, target.source, target.origin, parameters)


def _lab_matched(
    foreign: NDArray[np.uint8], image: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The foreign pixels with mean and spread of every CIELAB channel as the target's inside, in grey levels."""
    have, want = (cv2.cvtColor(one, cv2.COLOR_RGB2LAB).astype(np.float32) for one in (foreign, image))
    spread = (want[inside].std(axis=0) + 1) / (have[inside].std(axis=0) + 1)
    matched = (have - have[inside].mean(axis=0)) * spread + want[inside].mean(axis=0)
    return np.asarray(cv2.cvtColor(np.clip(matched, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), np.float32)


def _multiband(
    image: NDArray[np.float32], foreign: NDArray[np.float32], mask: NDArray[np.float32], levels: int = 4
) -> NDArray[np.float32]:
    """Both pictures blended band by band (S×S×3), each band with the mask (0-1) at its own resolution."""
    if not levels or min(mask.shape) < 8:
        return image * (1 - mask[..., np.newaxis]) + foreign * mask[..., np.newaxis]
    lower = [np.asarray(cv2.pyrDown(one), np.float32) for one in (image, foreign, mask)]
    size = image.shape[1], image.shape[0]
    bands = [one - cv2.pyrUp(small, dstsize=size) for one, small in zip((image, foreign), lower[:2], strict=True)]
    fine = bands[0] * (1 - mask[..., np.newaxis]) + bands[1] * mask[..., np.newaxis]
    return np.asarray(fine + cv2.pyrUp(_multiband(lower[0], lower[1], lower[2], levels - 1), dstsize=size), np.float32)
