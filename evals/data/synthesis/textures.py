"""Surfaces of made objects: cloth, skin, hair, smoked glass, metal mesh and paper, as H×W×3 float fields of 0-255.

Every texture is drawn from its generator alone. Knows no face and no shape.
"""

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float32]
Colour = NDArray[np.float32]


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], grain: float) -> Reals:
    """H×W noise of about unit spread whose waves are ``grain`` px long; ``size`` is (height, width)."""
    height, width = size
    coarse = rng.normal(0, 1, (max(2, round(height / grain) + 2), max(2, round(width / grain) + 2)))
    return np.asarray(cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def colour(rng: np.random.Generator, *, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """One RGB colour of any hue, 0-255."""
    rgb = colorsys.hsv_to_rgb(float(rng.random()), float(rng.uniform(*saturation)), float(rng.uniform(*value)))
    return np.asarray(rgb, np.float32) * 255


def cloth(rng: np.random.Generator, size: tuple[int, int], unit: float) -> Reals:
    """Plain, striped, checked, dotted, blotched or knitted cloth with folds; ``unit`` px are one eye distance."""
    grey = rng.random() < 0.35
    base = colour(rng, saturation=(0, 0.12) if grey else (0.15, 0.9), value=(0.08, 0.97))
    other = colour(rng, saturation=(0, 0.15) if rng.random() < 0.4 else (0.2, 0.9), value=(0.08, 0.97))
    share = _pattern(rng, size, unit)[..., None]
    field = base * (1 - share) + other * share
    angle, period = rng.uniform(0, np.pi), unit * rng.uniform(0.15, 0.7)
    across = _along(size, angle + np.pi / 2) + unit * 0.12 * smooth_noise(rng, size, unit * 0.6)
    folds = 1 + rng.uniform(0.02, 0.25) * np.sin(2 * np.pi * across / period)
    weave = 1 + rng.uniform(0.0, 0.06) * smooth_noise(rng, size, max(1.0, unit * rng.uniform(0.01, 0.05)))
    light = 1 + rng.uniform(0.0, 0.2) * smooth_noise(rng, size, unit * 1.2)
    return np.asarray(field * (folds * weave * light)[..., None], np.float32)


def _pattern(rng: np.random.Generator, size: tuple[int, int], unit: float) -> Reals:
    """Share of the second colour, 0-1."""
    kind = rng.choice(("plain", "plain", "plain", "stripes", "checks", "dots", "blotches", "knit"))
    period, angle = unit * rng.uniform(0.06, 0.4), rng.uniform(0, np.pi)
    u, v = _along(size, angle), _along(size, angle + np.pi / 2)
    if kind == "stripes":
        return np.asarray(np.sin(2 * np.pi * u / period) > rng.uniform(-0.6, 0.6), np.float32)
    if kind == "checks":
        on = (np.sin(2 * np.pi * u / period) > 0).astype(np.float32) + (np.sin(2 * np.pi * v / period) > 0)
        return np.asarray(on / 2, np.float32)
    if kind == "dots":
        return np.asarray(np.cos(2 * np.pi * u / period) + np.cos(2 * np.pi * v / period) > 1.0, np.float32)
    if kind == "blotches":
        return np.asarray(smooth_noise(rng, size, period) > rng.uniform(-0.5, 0.8), np.float32)
    if kind == "knit":
        return np.asarray(
            0.5 + 0.5 * np.sin(2 * np.pi * (u + 0.3 * np.abs(v % period - period / 2)) / period), np.float32
        )
    return np.zeros(size, np.float32)


def _along(size: tuple[int, int], angle: float) -> Reals:
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    return np.asarray(x * np.cos(angle) + y * np.sin(angle), np.float32)


def skin(rng: np.random.Generator, size: tuple[int, int], unit: float, tone: Colour) -> Reals:
    """Skin of about the colour ``tone``, with blotches and pores."""
    own = tone * rng.uniform(0.7, 1.2) + rng.normal(0, 6, 3).astype(np.float32)
    blotches = 1 + 0.05 * smooth_noise(rng, size, unit * 0.3) + 0.015 * smooth_noise(rng, size, max(1.0, unit * 0.02))
    return np.asarray(own * blotches[..., None], np.float32)


HAIR = (
    (20, 17, 16),
    (45, 32, 24),
    (80, 55, 38),
    (120, 85, 55),
    (175, 140, 95),
    (205, 185, 150),
    (130, 60, 35),
    (150, 148, 145),
)
"""Black, dark brown, brown, light brown, dark blond, blond, red, grey."""


def hair(rng: np.random.Generator, size: tuple[int, int], unit: float, angle: float) -> Reals:
    """Strands that run along ``angle`` (radians, 0 points right)."""
    base = np.asarray(HAIR[int(rng.integers(len(HAIR)))], np.float32) * rng.uniform(0.7, 1.2)
    noise = rng.normal(0, 1, size).astype(np.float32)
    length = max(5, int(unit * 0.5)) | 1
    kernel = np.zeros((length, length), np.float32)
    middle, dx, dy = length // 2, np.cos(angle) * length / 2, np.sin(angle) * length / 2
    ends = [(round(middle - dx), round(middle - dy)), (round(middle + dx), round(middle + dy))]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    strands = np.asarray(cv2.filter2D(noise, -1, kernel / max(kernel.sum(), 1.0)), np.float32)
    strands = np.asarray(strands / max(float(strands.std()), 1e-6), np.float32)
    shine = 1 + 0.25 * strands + 0.2 * smooth_noise(rng, size, unit * 0.7)
    return np.asarray(base * shine[..., None], np.float32)


def smoked_glass(rng: np.random.Generator, size: tuple[int, int], unit: float) -> Reals:
    """Dark or mirrored glass with a gradient and sometimes a reflection."""
    mirrored = rng.random() < 0.2
    base = colour(rng, saturation=(0.0, 0.5), value=(0.35, 0.8) if mirrored else (0.02, 0.22))
    gradient = _along(size, np.pi / 2 + rng.normal(0, 0.2)) / unit
    field = base * (1 + rng.uniform(-0.2, 0.5) * np.sin(gradient * rng.uniform(1, 4) + rng.uniform(0, 6)))[..., None]
    if rng.random() < 0.5:
        glow = np.clip(smooth_noise(rng, size, unit * rng.uniform(0.2, 0.6)) - rng.uniform(0.5, 1.2), 0, 1)
        field = field + glow[..., None] * rng.uniform(40, 160)
    return np.asarray(field, np.float32)


def metal_mesh(rng: np.random.Generator, size: tuple[int, int], unit: float) -> Reals:
    """The head of a microphone: a fine lattice, or foam."""
    base = colour(rng, saturation=(0, 0.1) if rng.random() < 0.7 else (0.4, 0.9), value=(0.08, 0.65))
    period, angle = max(2.0, unit * rng.uniform(0.03, 0.09)), rng.uniform(0, np.pi)
    u, v = _along(size, angle), _along(size, angle + np.pi / 2)
    lattice = np.asarray(np.sin(2 * np.pi * u / period) * np.sin(2 * np.pi * v / period), np.float32)
    if rng.random() < 0.4:
        lattice = np.asarray(smooth_noise(rng, size, period) / 2, np.float32)
    return np.asarray(base * (1 + 0.45 * lattice)[..., None] + 12, np.float32)


def paper(rng: np.random.Generator, size: tuple[int, int], unit: float) -> Reals:
    """White or coloured paper or plastic, plain or with lines of script."""
    base = colour(rng, saturation=(0, 0.1) if rng.random() < 0.6 else (0.3, 0.9), value=(0.05, 1.0))
    field = base * (1 + 0.05 * smooth_noise(rng, size, unit))[..., None]
    if rng.random() < 0.4:
        row = np.sin(2 * np.pi * _along(size, np.pi / 2) / (unit * rng.uniform(0.08, 0.25))) > 0.4
        ink = row & (smooth_noise(rng, size, unit * 0.06) > 0)
        field = np.where(ink[..., None], 255 - base, field)
    return np.asarray(field, np.float32)
