"""Forgeries with known region and strength: spliced parts of another person, and self-blended images.

Self-blending after Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images" (CVPR 2022), here
region by region; splicing puts the eyes, nose, mouth or inner face of a donor into the target. Both record the
regions they changed and the strength.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.records import LabelledCrop, Portrait
from faceagent.encoder.regions import GROWTH, OVAL, PARTS, hull_mask
from faceagent.types import Region

PART_NAMES: tuple[Region, ...] = tuple(PARTS)


def draw_regions(rng: np.random.Generator) -> tuple[Region, ...]:
    """Which parts to forge: mostly one, sometimes several, sometimes the whole inner face."""
    kind = rng.random()
    if kind < 0.12:
        return ("skin",)
    count = 1 if kind < 0.62 else int(rng.integers(2, 5))
    return tuple(PART_NAMES[i] for i in sorted(rng.choice(len(PART_NAMES), count, replace=False)))


def splice(target: Portrait, donor: Portrait, regions: Sequence[Region], rng: np.random.Generator) -> LabelledCrop:
    """``target`` with ``regions`` taken from ``donor``, fitted, partly colour-matched and blended in.

    The region "skin" stands for the whole inner face. Part by part, so that each has its own seam.
    """
    image = target.pixels.astype(np.float32)
    mask = np.zeros(image.shape[:2], np.float32)
    match, alpha = float(rng.uniform(0.2, 1.0)), float(rng.uniform(0.8, 1.0))
    feather, cloned = float(rng.uniform(0.6, 5.0)), bool(rng.random() < 0.25)
    for region in regions:
        foreign = _fitted(donor, target, region, rng)
        area = _soft_area(target, region, feather, rng) * alpha
        foreign = colour_matched(foreign, image, area, match)
        if cloned:
            foreign = poisson_cloned(foreign, image, area)
        image = image * (1 - area[..., None]) + foreign * area[..., None]
        mask = np.maximum(mask, area)
    return LabelledCrop(
        pixels=np.clip(image + 0.5, 0, 255).astype(np.uint8),
        label="splice",
        mask=mask,
        source=target.source,
        origin=target.origin,
        parameters={
            "maker": "splice",
            "regions": tuple(regions),
            "donor": donor.source,
            "alpha": alpha,
            "colour_match": match,
            "feather_px": feather,
            "poisson": str(cloned),
        },
    )


def self_blend(target: Portrait, regions: Sequence[Region], rng: np.random.Generator) -> LabelledCrop:
    """``target`` blended with a shifted, recoloured, resharpened copy of itself inside ``regions``."""
    size = target.pixels.shape[0]
    image = target.pixels.astype(np.float32)
    recoloured = _jittered(image, rng)
    shift, zoom = rng.uniform(-0.03, 0.03, 2) * size, rng.uniform(0.95, 1.05)
    centre = (1 - zoom) * size / 2
    warp = np.array([[zoom, 0, centre + shift[0]], [0, zoom, centre + shift[1]]], dtype=np.float64)
    copy = cv2.warpAffine(recoloured, warp, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    alpha, feather = float(rng.choice([0.5, 0.75, 1.0, 1.0])), float(rng.uniform(0.6, 6.0))
    mask = np.zeros((size, size), np.float32)
    for region in regions:
        mask = np.maximum(mask, _soft_area(target, region, feather, rng))
    mask = mask * alpha
    blended = image * (1 - mask[..., None]) + copy * mask[..., None]
    return LabelledCrop(
        pixels=np.clip(blended + 0.5, 0, 255).astype(np.uint8),
        label="splice",
        mask=mask,
        source=target.source,
        origin=target.origin,
        parameters={"maker": "self_blend", "regions": tuple(regions), "alpha": alpha, "feather_px": feather},
    )


def untouched(portrait: Portrait) -> LabelledCrop:
    """The portrait itself as a record: real, or whole-synthetic."""
    return LabelledCrop(
        pixels=portrait.pixels,
        label="synthetic" if portrait.synthetic else "real",
        mask=np.zeros(portrait.pixels.shape[:2], np.float32),
        source=portrait.source,
        origin=portrait.origin,
        parameters={"maker": "untouched"},
    )


def _indices(region: Region) -> list[int]:
    return list(PARTS.get(region, OVAL))


def _fitted(donor: Portrait, target: Portrait, region: Region, rng: np.random.Generator) -> NDArray[np.float32]:
    """The donor moved so that its region lies on the target's, with the small misfit a human leaves."""
    size = target.pixels.shape[0]
    indices = _indices(region)
    start, goal = donor.points[indices], target.points[indices]
    misfit = rng.normal(0, 0.006 * size, 2)
    if rng.random() < 0.5:
        warp, _ = cv2.estimateAffinePartial2D(start, goal, method=cv2.LMEDS)
    else:
        warp, _ = cv2.estimateAffine2D(start, goal, method=cv2.LMEDS)
    if warp is None:
        warp = np.array([[1.0, 0, 0], [0, 1, 0]])
        warp[:, 2] = goal.mean(axis=0) - start.mean(axis=0)
    placed = np.asarray(warp, dtype=np.float64)
    placed[:, 2] += misfit
    moved = cv2.warpAffine(donor.pixels, placed, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return moved.astype(np.float32)


def _soft_area(target: Portrait, region: Region, feather: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """The region's hull, grown or shrunk a little, with a soft edge; 0-1."""
    growth = GROWTH.get(region, 0.92) * rng.uniform(0.85, 1.2)
    hull = hull_mask(target.points[_indices(region)], target.pixels.shape[0], growth=growth)
    return np.asarray(cv2.GaussianBlur(hull.astype(np.float32), (0, 0), feather), dtype=np.float32)


def colour_matched(
    foreign: NDArray[np.float32], image: NDArray[np.float32], area: NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    """The foreign pixels with mean and spread per channel drawn towards the target's inside the area."""
    inside = area > 0.3
    if not inside.any():
        return foreign
    have, want = foreign[inside], image[inside]
    spread = (want.std(axis=0) + 4) / (have.std(axis=0) + 4)
    matched = (foreign - have.mean(axis=0)) * spread + want.mean(axis=0)
    return np.asarray(np.clip(foreign + strength * (matched - foreign), 0, 255), dtype=np.float32)


def poisson_cloned(
    foreign: NDArray[np.float32], image: NDArray[np.float32], area: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Gradient-domain cloning (Pérez et al., 2003) inside the area; the foreign pixels where it touches the edge."""
    hard = (area > 0.5).astype(np.uint8) * 255
    hard[:2], hard[-2:], hard[:, :2], hard[:, -2:] = 0, 0, 0, 0
    x, y, width, height = cv2.boundingRect(hard)
    if width < 4 or height < 4:
        return foreign
    centre = (x + width // 2, y + height // 2)
    cloned = cv2.seamlessClone(foreign.astype(np.uint8), image.astype(np.uint8), hard, centre, cv2.NORMAL_CLONE)
    return cloned.astype(np.float32)


def _jittered(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The image with its colours and sharpness changed as a second source would have them."""
    size = image.shape[0]
    copy = np.clip((image - 128) * rng.uniform(0.85, 1.15) + 128 + rng.uniform(-14, 14, 3), 0, 255)
    kind = rng.random()
    if kind < 0.4:
        side = round(size * rng.uniform(0.3, 0.8))
        small = cv2.resize(copy, (side, side), interpolation=cv2.INTER_AREA)
        copy = np.asarray(cv2.resize(small, (size, size)), dtype=np.float64)
    elif kind < 0.6:
        blurred = np.asarray(cv2.GaussianBlur(copy, (0, 0), 1.5), dtype=np.float64)
        copy = copy + rng.uniform(0.3, 1.2) * (copy - blurred)
    return np.asarray(np.clip(copy, 0, 255), dtype=np.float32)
