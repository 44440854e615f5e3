"""Edits of one face that leave the rest of the picture as it was: swaps, reenactment and smooth in-fills.

``swap`` warps another person's inner face onto the target's landmarks, as face-swapping tools do. ``reenact`` moves
the mouth or the eyes of the same person, as lip-syncing tools do, at the lower resolution they render at. ``fill``
replaces a part by what surrounds it, as retouching does. ``graft`` puts another person's eyes, nose or mouth, warped
onto the target's landmarks, in their place with care: matched in colour to what surrounds them, both eyes mostly
together. All record where they worked and how strongly, as ``splice`` does.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.morph import warped
from evals.data.synthesis.records import LabelledCrop, Parameters, Portrait
from evals.data.synthesis.splice import PART_NAMES, colour_matched, poisson_cloned
from faceagent.encoder.regions import GROWTH, OVAL, PARTS, hull_mask
from faceagent.types import Region

Reals = NDArray[np.float64]
Moved = Literal["mouth", "eyes"]

RENDERED = (72, 200)
"""Side (px) that a swapping or lip-syncing tool renders a whole face at."""
EYES: tuple[Region, ...] = ("left_eye", "right_eye")
GRAFTED: tuple[tuple[Region, ...], ...] = (
    EYES,
    ("left_eye",),
    ("nose",),
    ("mouth",),
    ("nose", "mouth"),
    (*EYES, "nose"),
    (*EYES, "nose", "mouth"),
)
"""Sets of parts that a graft exchanges, equally likely."""
GREY = 4.0
"""Mean difference of the colour channels (grey levels) below which a picture has no colour, so a graft has none."""
CONTRAST = (0.8, 1.2)
"""Range of the factor on a graft's contrast: a wrinkle or a hair in the surroundings must not tear its colours."""


def swap(target: Portrait, donor: Portrait, rng: np.random.Generator) -> LabelledCrop:
    """``target`` with the inner face of ``donor``, warped onto the target's landmarks and matched in colour.

    Raises ValueError when the crops differ in size.
    """
    if target.pixels.shape != donor.pixels.shape:
        raise ValueError("A swap needs crops of one size.")
    size = target.pixels.shape[0]
    image = target.pixels.astype(np.float32)
    foreign = warped(donor.pixels, donor.points, target.points).astype(np.float32)
    if rng.random() < 0.6:
        foreign = _rendered(foreign, rng)
    feather, growth, match = float(rng.uniform(0.6, 9.0)), float(rng.uniform(0.78, 1.02)), float(rng.uniform(0.4, 1.0))
    cloned, alpha = bool(rng.random() < 0.3), float(rng.uniform(0.85, 1.0))
    hull = hull_mask(target.points[list(OVAL)], size, growth=growth).astype(np.float32)
    area = np.asarray(cv2.GaussianBlur(hull, (0, 0), feather), np.float32) * alpha
    foreign = colour_matched(foreign, image, area, match)
    if cloned:
        foreign = poisson_cloned(foreign, image, area)
    parameters: Parameters = {
        "maker": "swap",
        "regions": ("skin",),
        "donor": donor.source,
        "alpha": alpha,
        "colour_match": match,
        "feather_px": feather,
        "poisson": str(cloned),
    }
    return _blended(target, image, foreign, area, parameters)


def graft(target: Portrait, donor: Portrait, rng: np.random.Generator) -> LabelledCrop:
    """``target`` with parts of ``donor``, warped onto its landmarks and matched in colour to what surrounds them.

    Raises ValueError when the crops differ in size.
    """
    if target.pixels.shape != donor.pixels.shape:
        raise ValueError("A graft needs crops of one size.")
    size = target.pixels.shape[0]
    image = target.pixels.astype(np.float32)
    foreign = warped(donor.pixels, donor.points, target.points).astype(np.float32)
    if float(np.ptp(image, axis=2).mean()) < GREY:
        foreign = np.repeat(foreign.mean(axis=2, keepdims=True), 3, axis=2)
    regions = GRAFTED[int(rng.integers(len(GRAFTED)))]
    feather, grown = float(np.exp(rng.uniform(np.log(0.8), np.log(7.0)))), float(rng.uniform(0.9, 1.4))
    match, cloned = float(rng.uniform(0.5, 1.0)), bool(rng.random() < 0.4)
    mask = np.zeros((size, size), np.float32)
    for region in regions:
        growth = GROWTH[region] * grown
        hull = hull_mask(target.points[list(PARTS[region])], size, growth=growth).astype(np.float32)
        area = np.asarray(cv2.GaussianBlur(hull, (0, 0), feather), np.float32)
        # What surrounds the part says which colour it must have; the part itself differs between people.
        ring = np.asarray(cv2.dilate(hull, np.ones((size // 16, size // 16))), np.float32) - hull
        fitted = surroundings_matched(foreign, image, ring, match)
        if cloned:
            fitted = poisson_cloned(fitted, image, area)
        image = image * (1 - area[..., None]) + fitted * area[..., None]
        mask = np.maximum(mask, area)
    parameters: Parameters = {
        "maker": "graft",
        "regions": regions,
        "donor": donor.source,
        "colour_match": match,
        "feather_px": feather,
        "poisson": str(cloned),
    }
    pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    mask = np.where(mask < 1e-3, np.float32(0), mask)
    return LabelledCrop(pixels, "splice", mask, target.source, target.origin, parameters)


def reenact(target: Portrait, rng: np.random.Generator) -> LabelledCrop:
    """``target`` with its mouth opened, closed or widened, or its eyes opened, closed or turned."""
    size = target.pixels.shape[0]
    image = target.pixels.astype(np.float32)
    part: Moved = "mouth" if rng.random() < 0.7 else "eyes"
    regions: tuple[Region, ...] = ("mouth",) if part == "mouth" else EYES
    points = target.points.copy()
    for region in regions:
        points = _moved(points, region, rng)
    foreign = warped(target.pixels, target.points, points).astype(np.float32)
    if rng.random() < 0.8:
        foreign = _rendered(foreign, rng)
    feather, growth = float(rng.uniform(1.0, 7.0)), float(rng.uniform(1.3, 1.9))
    hull = np.zeros((size, size), np.float32)
    for region in regions:
        hull = np.maximum(hull, hull_mask(target.points[list(PARTS[region])], size, growth=growth))
    area = np.asarray(cv2.GaussianBlur(hull, (0, 0), feather), np.float32)
    return _blended(target, image, foreign, area, {"maker": "reenact", "regions": regions, "feather_px": feather})


def fill(target: Portrait, rng: np.random.Generator) -> LabelledCrop:
    """``target`` with a part or a patch of skin filled in from its surroundings, and grain added again."""
    size = target.pixels.shape[0]
    image = target.pixels.astype(np.float32)
    place: Region = PART_NAMES[int(rng.integers(len(PART_NAMES)))] if rng.random() < 0.5 else "skin"
    if place == "skin":
        hull = _spot(target, rng)
    else:
        growth = GROWTH[place] * float(rng.uniform(0.7, 1.1))
        hull = hull_mask(target.points[list(PARTS[place])], size, growth=growth)
    small = size // 2
    hole = cv2.resize(hull, (small, small), interpolation=cv2.INTER_NEAREST)
    method = cv2.INPAINT_TELEA if rng.random() < 0.5 else cv2.INPAINT_NS
    half = cv2.resize(target.pixels, (small, small), interpolation=cv2.INTER_AREA)
    filled = cv2.inpaint(half, hole, 3, method).astype(np.float32)
    foreign = np.asarray(cv2.resize(filled, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
    foreign += rng.normal(0, rng.uniform(0, 4), (size, size, 1)).astype(np.float32)
    feather = float(rng.uniform(0.8, 4.0))
    area = np.asarray(cv2.GaussianBlur(hull.astype(np.float32), (0, 0), feather), np.float32)
    return _blended(target, image, foreign, area, {"maker": "fill", "regions": (place,), "feather_px": feather})


def _blended(
    target: Portrait,
    image: NDArray[np.float32],
    foreign: NDArray[np.float32],
    area: NDArray[np.float32],
    parameters: Parameters,
) -> LabelledCrop:
    """The target where ``area`` (0-1) is 0, the foreign pixels where it is 1."""
    area = np.where(area < 1e-3, np.float32(0), area)
    blend = image * (1 - area[..., None]) + foreign * area[..., None]
    pixels = np.clip(blend + 0.5, 0, 255).astype(np.uint8)
    return LabelledCrop(pixels, "splice", area, target.source, target.origin, parameters)


def surroundings_matched(
    foreign: NDArray[np.float32], image: NDArray[np.float32], ring: NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    """The foreign pixels with brightness and colour of the ring (0-1) drawn towards the target's, contrast a little."""
    inside = ring > 0.5
    if not inside.any():
        return foreign
    have, want = foreign[inside], image[inside]
    contrast = np.clip((want.std() + 8) / (have.std() + 8), *CONTRAST)
    matched = (foreign - have.mean(axis=0)) * contrast + want.mean(axis=0)
    return np.asarray(np.clip(foreign + strength * (matched - foreign), 0, 255), np.float32)


def _rendered(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The pixels as a tool that renders faces at a fixed, often lower resolution returns them."""
    size, side = pixels.shape[0], int(rng.integers(*RENDERED))
    if side >= size:
        return pixels
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    method = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    back = cv2.resize(small, (size, size), interpolation=method)
    if rng.random() < 0.4:
        back = back + float(rng.uniform(0.3, 1.0)) * (back - cv2.GaussianBlur(back, (0, 0), 1.5))
    return np.asarray(np.clip(back, 0, 255), np.float32)


def _moved(points: Reals, region: Region, rng: np.random.Generator) -> Reals:
    """The mesh with one part stretched or squeezed about its middle, and shifted; what is near moves less."""
    own = points[list(PARTS[region])]
    middle, reach = own.mean(axis=0), float(np.ptp(own[:, 0])) / 2
    # Opening and closing are drawn alike: a factor and its inverse are equally likely.
    scale = np.exp(rng.choice([-1, 1], 2) * rng.uniform((0.02, 0.12), (0.15, 0.5)))
    shift = rng.normal(0, 0.08, 2) * reach
    offset = points - middle
    weight = np.exp(-(np.maximum(0.0, np.hypot(*offset.T) / reach - 0.8) ** 2) / 0.15)[:, np.newaxis]
    return np.asarray(points + weight * (offset * (scale - 1) + shift))


def _spot(target: Portrait, rng: np.random.Generator) -> NDArray[np.uint8]:
    """An ellipse somewhere on the face."""
    size = target.pixels.shape[0]
    oval = target.points[list(OVAL)]
    centre = oval.mean(axis=0) + rng.uniform(-0.3, 0.3, 2) * np.ptp(oval, axis=0)
    axes = rng.uniform(0.06, 0.2, 2) * float(np.ptp(oval[:, 0]))
    mask = np.zeros((size, size), np.uint8)
    where, radii = (int(centre[0]), int(centre[1])), (max(3, int(axes[0])), max(3, int(axes[1])))
    cv2.ellipse(mask, where, radii, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return mask
