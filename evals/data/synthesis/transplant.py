"""Parts of another person placed by hand, for testing only, by other means than training's at every step.

A part is moved as a whole, is a little too large or too small and turned by a few degrees, keeps the sharpness, the
grain and the compression of the picture that it comes from, and is matched in colour to what surrounds it. Eyes are
exchanged together or one alone, and one can be the mirrored other one of the same person.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import compress
from evals.data.synthesis.face_edits import EYES, surroundings_matched
from evals.data.synthesis.records import LabelledCrop, Parameters, Portrait
from evals.data.synthesis.splice import PART_NAMES, poisson_cloned
from faceagent.encoder.regions import GROWTH, PARTS, hull_mask
from faceagent.types import Region

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

SIZED, TURNED, SHIFTED = 0.09, 4.0, 0.008
"""Standard deviations of a part against where it belongs: of the logarithm of its size, in degrees, over the side."""
MIRRORED = 0.12
"""Share of forgeries in which one eye is the mirrored other eye of the same person."""
OTHER_EYE: Mapping[Region, Region] = {"left_eye": "right_eye", "right_eye": "left_eye"}


def transplant(target: Portrait, donor: Portrait, rng: np.random.Generator) -> LabelledCrop:
    """``target`` with parts of ``donor``, moved as they are and blended by hand.

    Raises ValueError when the crops differ in size.
    """
    if target.pixels.shape != donor.pixels.shape:
        raise ValueError("A transplant needs crops of one size.")
    size = target.pixels.shape[0]
    regions, mirrored = _drawn(rng), bool(rng.random() < MIRRORED)
    if mirrored:
        regions = (EYES[int(rng.integers(2))],)
    source = target.pixels if mirrored else _history(donor.pixels, rng)
    image = target.pixels.astype(np.float32)
    feather, grown = float(np.exp(rng.uniform(np.log(0.8), np.log(6.0)))), float(rng.uniform(0.85, 1.6))
    match, cloned = float(rng.uniform(0.3, 1.0)), bool(rng.random() < 0.35)
    size_error, turn = float(np.exp(rng.normal(0, SIZED))), float(rng.normal(0, TURNED))
    mask = np.zeros((size, size), np.float32)
    for region in regions:
        goal = target.points[list(PARTS[region])]
        start = target.points[list(PARTS[OTHER_EYE[region]])] if mirrored else donor.points[list(PARTS[region])]
        matrix = _moved(start, goal, size_error, turn, rng.normal(0, SHIFTED * size, 2), mirror=mirrored)
        foreign = np.asarray(
            cv2.warpAffine(source, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101),
            np.float32,
        )
        hull = hull_mask(goal, size, growth=GROWTH[region] * grown).astype(np.float32)
        area = np.asarray(cv2.GaussianBlur(hull, (0, 0), feather), np.float32)
        ring = np.asarray(cv2.dilate(hull, np.ones((size // 16, size // 16))), np.float32) - hull
        foreign = surroundings_matched(foreign, image, ring, match)
        if cloned:
            foreign = poisson_cloned(foreign, image, area)
        image = image * (1 - area[..., None]) + foreign * area[..., None]
        mask = np.maximum(mask, area)
    parameters: Parameters = {
        "maker": "transplant",
        "regions": regions,
        "donor": target.source if mirrored else donor.source,
        "colour_match": match,
        "feather_px": feather,
        "size_error": size_error,
        "turn_degrees": turn,
        "poisson": str(cloned),
    }
    pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    mask = np.where(mask < 1e-3, np.float32(0), mask)
    return LabelledCrop(pixels, "splice", mask, target.source, target.origin, parameters)


def _drawn(rng: np.random.Generator) -> tuple[Region, ...]:
    """Parts, every set of them equally likely, both eyes mostly together."""
    if rng.random() < 0.35:
        return EYES
    chosen = [name for name in PART_NAMES if rng.random() < 0.45]
    return tuple(chosen) if chosen else (PART_NAMES[int(rng.integers(len(PART_NAMES)))],)


def _moved(
    start: Reals, goal: Reals, size_error: float, turn: float, shift: Reals, *, mirror: bool
) -> NDArray[np.float64]:
    """The matrix (2×3) that lays the points ``start`` (N×2) on ``goal``: the best similarity, off by what is given."""
    flip = np.array([-1.0 if mirror else 1.0, 1.0])
    have, want = start * flip, goal
    first, second = ((one - one.mean(axis=0)) @ [1, 1j] for one in (have, want))
    fit = complex(np.vdot(first, second) / np.vdot(first, first).real) * size_error * np.exp(1j * np.deg2rad(turn))
    turned = np.array([[fit.real, -fit.imag], [fit.imag, fit.real]])
    offset = want.mean(axis=0) + shift - turned @ have.mean(axis=0)
    return np.column_stack([turned * flip, offset]).astype(np.float64)


def _history(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The donor's picture with a sharpness, a grain and a compression of its own."""
    size, kind = pixels.shape[0], rng.random()
    found = pixels
    if kind < 0.4:
        side = round(size * float(rng.uniform(0.35, 0.85)))
        small = cv2.resize(found, (side, side), interpolation=cv2.INTER_AREA)
        found = np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
    elif kind < 0.6:
        wide = found.astype(np.float32)
        sharp = wide + float(rng.uniform(0.3, 1.0)) * (wide - cv2.GaussianBlur(wide, (0, 0), 1.2))
        found = np.clip(sharp + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        grain = rng.normal(0, rng.uniform(1, 6), found.shape)
        found = np.clip(found + grain + 0.5, 0, 255).astype(np.uint8)
    return compress(found, ".jpg", int(rng.integers(40, 96))) if rng.random() < 0.4 else found
