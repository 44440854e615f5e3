"""Morphs: one face made of two people, as used against document checks, with a known share of each.

Both faces are warped to their mean shape over a Delaunay triangulation of 478 mesh points, the face oval scaled by
1.25 and 1.6, and points on the border; then their textures are averaged. "full" averages everything (hair ghosts),
"cleaned" leaves the ghosts out, "splice" puts the averaged face into the warped first picture. "poisson" is another
method, which training never sees: the averaged inner face, cloned into the unwarped first picture. Averaging weakens
fine detail, and a detector of that cue fails on the next camera: the finish "matched" restores the spectrum of the
contributors, "smoothed" imitates a morph that a generator rendered again.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

from evals.data.synthesis.records import LabelledCrop, Parameters, Portrait
from evals.data.synthesis.spectrum import radial_profile, toward_profile
from faceagent.encoder.regions import OVAL, hull_mask

Method = Literal["full", "cleaned", "splice", "poisson"]
Finish = Literal["plain", "matched", "smoothed", "unsharp"]
Reals = NDArray[np.float64]

SEEN: tuple[Method, ...] = ("full", "splice")
"""Methods that training may use; with "unsharp" all others are kept for testing."""
RINGS = (1.25, 1.6)
EDGE = 4
"""Points on each side of the border; they pin the picture's frame."""
ALPHA = (0.35, 0.65)
FEATHER = 0.03
"""Standard deviation of a splice's edge, over the picture's side."""
GHOST = 9.0
"""Grey levels by which the average may differ from the first picture before "cleaned" takes it for a ghost."""


def morph(a: Portrait, b: Portrait, method: Method, finish: Finish, rng: np.random.Generator) -> LabelledCrop:
    """A morph of two equally large crops, in the place and size of the first.

    ``mask`` is the share of the second person at every place. Deterministic by ``rng``, which draws that share.
    Raises ValueError when the crops differ in size or show the same source.
    """
    if a.pixels.shape != b.pixels.shape or a.source == b.source:
        raise ValueError("A morph needs two different people in crops of one size.")
    size, alpha = a.pixels.shape[0], float(rng.uniform(*ALPHA))
    placed = _aligned(b.points, a.points)
    mean = a.points if method == "poisson" else (1 - alpha) * a.points + alpha * placed
    first = warped(a.pixels, a.points, mean)
    second = warped(b.pixels, b.points, mean)
    blend = (1 - alpha) * first + alpha * second
    image, cover = _composed(method, a.pixels, first, blend, mean)
    pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    if finish == "matched":
        want = (1 - alpha) * radial_profile(a.pixels) + alpha * radial_profile(b.pixels)
        pixels = toward_profile(pixels, radial_profile(pixels), want)
    elif finish == "smoothed":
        pixels = smoothed(pixels, rng)
    elif finish == "unsharp":
        pixels = unsharp(pixels)
    parameters: Parameters = {
        "maker": "morph",
        "method": method,
        "finish": finish,
        "alpha": alpha,
        "donor": b.source,
        "size": float(size),
    }
    return LabelledCrop(pixels, "morph", (alpha * cover).astype(np.float32), a.source, a.origin, parameters)


def self_warp(a: Portrait, b: Portrait, rng: np.random.Generator) -> LabelledCrop:
    """The first face warped towards the second's shape and back: resampled as a morph is, but of one person."""
    share = float(rng.uniform(*ALPHA))
    mean = (1 - share) * a.points + share * _aligned(b.points, a.points)
    there = np.clip(warped(a.pixels, a.points, mean) + 0.5, 0, 255).astype(np.uint8)
    back = np.clip(warped(there, mean, a.points) + 0.5, 0, 255).astype(np.uint8)
    clean = np.zeros(a.pixels.shape[:2], np.float32)
    return LabelledCrop(back, "real", clean, a.source, a.origin, {"maker": "self_warp", "alpha": share})


def warped(pixels: NDArray[np.uint8], points: Reals, target: Reals) -> Reals:
    """``pixels`` (S×S×3) with 478×2 ``points`` moved to ``target``, in grey levels; what was outside is mirrored."""
    size = pixels.shape[0]
    source, destination = _anchors(points, size, points), _anchors(target, size, target)
    axis = np.arange(size, dtype=np.float64)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    # Piecewise affine: linear in every triangle of the destination.
    places = LinearNDInterpolator(Delaunay(destination), source)(grid).reshape(size, size, 2).astype(np.float32)
    found = cv2.remap(pixels, places[..., 0], places[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return found.astype(np.float64)


def unsharp(pixels: NDArray[np.uint8], sigma: float = 1.5, amount: float = 0.8) -> NDArray[np.uint8]:
    """A plain unsharp mask: the cheapest way to hide the dimmed detail."""
    wide = pixels.astype(np.float32)
    sharp = wide + amount * (wide - cv2.GaussianBlur(wide, (0, 0), sigma))
    return np.clip(sharp + 0.5, 0, 255).astype(np.uint8)


def smoothed(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """As a generator of the StyleGAN kind leaves a face: skin without pores, grain that the upsampling correlates."""
    size = pixels.shape[0]
    skin = cv2.bilateralFilter(pixels, 0, float(rng.uniform(8, 20)), size / 110).astype(np.float64)
    grain = rng.normal(0, rng.uniform(1, 4), (size // 2, size // 2, 1)) * np.ones(3)
    drawn = skin + cv2.resize(grain, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.clip(drawn + 0.5, 0, 255).astype(np.uint8)


def _composed(method: Method, plain: NDArray[np.uint8], first: Reals, blend: Reals, mean: Reals) -> tuple[Reals, Reals]:
    """The picture and how much of the blend lies at every place (0-1)."""
    size = plain.shape[0]
    if method == "full":
        return blend, np.ones((size, size))
    hull = np.asarray(hull_mask(mean[list(OVAL)], size), dtype=np.float64)
    if method in ("splice", "cleaned"):
        eroded = cv2.erode(hull, np.ones((3, 3)))
        soft: Reals = np.asarray(cv2.GaussianBlur(eroded, (0, 0), FEATHER * size), dtype=np.float64)
        if method == "cleaned":
            apart = cv2.GaussianBlur(np.abs(blend - first).mean(axis=2), (0, 0), FEATHER * size / 2)
            soft = soft + (1 - soft) * np.exp(-((np.asarray(apart, dtype=np.float64) / GHOST) ** 2))
        return first * (1 - soft[..., np.newaxis]) + blend * soft[..., np.newaxis], soft
    inner: Reals = np.asarray(cv2.erode(hull, np.ones((3, 3)), iterations=max(1, size // 40)), dtype=np.float64)
    inner[[0, 1, -2, -1], :] = inner[:, [0, 1, -2, -1]] = 0.0
    area = (inner > 0.5).astype(np.uint8) * 255
    x, y, wide, high = cv2.boundingRect(area)
    face = np.clip(blend + 0.5, 0, 255).astype(np.uint8)
    cloned = cv2.seamlessClone(face, plain, area, (x + wide // 2, y + high // 2), cv2.NORMAL_CLONE)
    # OpenCV's clone touches a few pixels beyond its mask.
    return np.where(inner[..., np.newaxis] > 0.5, cloned, plain).astype(np.float64), inner


def _aligned(points: Reals, target: Reals) -> Reals:
    """``points`` moved, turned and scaled onto ``target`` (Umeyama 1991, for planes as complex numbers)."""
    z, w = points @ np.array([1, 1j]), target @ np.array([1, 1j])
    z, centre = z - z.mean(), w.mean()
    moved = z * (np.vdot(z, w - centre) / np.vdot(z, z)) + centre
    return np.stack([moved.real, moved.imag], axis=-1)


def _anchors(points: Reals, size: int, shape: Reals) -> Reals:
    """Mesh, scaled ovals and border; ring points that would leave the frame stop inside it."""
    middle = shape.mean(axis=0)
    oval = shape[list(OVAL)]
    rings = [middle + (oval - middle) * scale for scale in RINGS]
    line = np.linspace(0, size - 1, EDGE + 1)[:-1]
    low, high = np.zeros(EDGE), np.full(EDGE, float(size - 1))
    sides = [(line, low), (high, line), (size - 1 - line, high), (low, size - 1 - line)]
    border = np.concatenate([np.stack(side, axis=-1) for side in sides])
    return np.concatenate([np.clip(np.concatenate([points, *rings]), 1, size - 2), border])
