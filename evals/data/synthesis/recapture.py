"""Simulated recaptures: a portrait printed or shown on a screen, then photographed again.

The physics is simulated coarsely: paper gamut, halftone, grain, bends and gloss; a screen's rows and stripes or its
sub-pixels, whose sampling by the camera gives moiré, its gamma and glare; a border or bezel, perspective of a hand-held
medium, the scene around it, and the camera's blur, noise and JPEG. No real attack was used: what is fitted on these
describes simulated attacks only.
"""

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]
Attack = Literal["print", "replay"]
ATTACKS: tuple[Attack, ...] = ("print", "replay")
FINER = 4
"""Samples per camera pixel and direction with which a screen's sub-pixels are drawn."""


def recapture(pixels: Pixels, attack: Attack, rng: np.random.Generator) -> Pixels:
    """H×W×3 RGB of the medium in its scene, as a camera sees it; somewhat larger than ``pixels``."""
    shown = pixels.astype(np.float64) / 255
    medium, border, share = (_on_paper if attack == "print" else _displayed)(shown, rng)
    scene = _held(np.clip(medium, 0, 1), float(border), float(share), rng)
    if attack == "print":
        scene *= _lighting(scene.shape, rng)
    return camera(np.clip(scene, 0, 1), rng)


def print_scan(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """H×W×3 RGB printed and laid on a flat scanner, as document pictures are: in its old place and size."""
    ink, _, _ = _printed(pixels.astype(np.float64) / 255, rng)
    return camera(np.clip(ink, 0, 1), rng)


def camera(picture: Reals | Pixels, rng: np.random.Generator) -> Pixels:
    """What any camera adds: blur, noise, JPEG. Applied to live pictures too, so that it does not reveal the class."""
    light = picture.astype(np.float64) / 255 if picture.dtype == np.uint8 else np.asarray(picture, dtype=np.float64)
    blurred = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 1.4)) * 255
    noisy = np.clip(blurred + rng.normal(0, rng.uniform(0.5, 5), blurred.shape), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 96))])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def around(pixels: Pixels, box: Sequence[float], room: float) -> Pixels:
    """The part of the picture that leaves ``room`` times the box around the face, or what there is of it."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = box
    half_w, half_h = (x1 - x0) * room / 2, (y1 - y0) * room / 2
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    left, right = max(0, int(cx - half_w)), min(width, int(cx + half_w) + 1)
    top, bottom = max(0, int(cy - half_h)), min(height, int(cy + half_h) + 1)
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _printed(light: Reals, rng: np.random.Generator) -> tuple[Reals, float, float]:
    grey = light.mean(axis=2, keepdims=True)
    ink = grey + (light - grey) * rng.uniform(0.55, 0.95)
    black, white = rng.uniform(0.04, 0.18), rng.uniform(0.75, 0.95)
    ink = (black + ink ** rng.uniform(0.8, 1.4) * (white - black)) * rng.uniform(0.88, 1.08, 3)
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    depth, period = rng.uniform(0.02, 0.12), rng.uniform(2, 4)
    for channel, angle in enumerate(np.radians((15, 75, 45))):
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        ink[..., channel] += depth * np.cos(2 * np.pi * u / period) * np.cos(2 * np.pi * v / period)
    return cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.2)), rng.uniform(0.86, 0.98), rng.choice((0, 0.03, 0.08))


def _on_paper(light: Reals, rng: np.random.Generator) -> tuple[Reals, float, float]:
    """A print as ``_printed`` makes it, on a sheet with grain, sometimes bent, sometimes glossy."""
    ink, border, share = _printed(light, rng)
    height, width = ink.shape[:2]
    grain = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), rng.uniform(0.5, 1.5))
    ink = ink * (1 + rng.uniform(0, 0.03) * grain / grain.std())[..., np.newaxis]
    if rng.random() < 0.5:
        along = np.linspace(0, rng.uniform(1, 3) * np.pi, width if rng.random() < 0.5 else height)
        bend = rng.uniform(0.02, 0.12) * np.sin(along + rng.uniform(0, 2 * np.pi))
        ink = ink * (1 + (bend[np.newaxis, :] if len(bend) == width else bend[:, np.newaxis]))[..., np.newaxis]
    if rng.random() < 0.4:
        ink = ink + _spot(height, width, rng)
    return ink, border, share


def _displayed(light: Reals, rng: np.random.Generator) -> tuple[Reals, float, float]:
    tint = np.array([rng.uniform(0.85, 1), 1, rng.uniform(1, 1.2)])
    glow = (rng.uniform(0.02, 0.08) + light ** rng.uniform(0.7, 1.3) * rng.uniform(0.85, 1.15)) * tint
    height, width = glow.shape[:2]
    glow *= _stripes(height, width, rng) if rng.random() < 0.4 else _sub_pixels(height, width, rng)
    if rng.random() < 0.5:
        glow += _spot(height, width, rng)
    return glow, rng.uniform(0.02, 0.12), rng.choice((0.02, 0.05, 0.1))


def _stripes(height: int, width: int, rng: np.random.Generator) -> Reals:
    """H×W×3 factors of a screen whose moiré is one wave per direction, shifted from colour to colour."""
    y, x = np.mgrid[:height, :width]
    depth, period, tilt = rng.uniform(0.02, 0.1), rng.uniform(2.02, 6), rng.uniform(-0.2, 0.2)
    u, v = x * np.cos(tilt) + y * np.sin(tilt), y * np.cos(tilt) - x * np.sin(tilt)
    columns = np.stack([1 + depth * np.cos(2 * np.pi * (u / period + channel / 3)) for channel in range(3)], axis=-1)
    return np.asarray(columns * (1 + depth / 2 * np.cos(2 * np.pi * v / rng.uniform(2, 5)))[..., np.newaxis])


def _sub_pixels(height: int, width: int, rng: np.random.Generator) -> Reals:
    """H×W×3 factors of a screen's red, green and blue sub-pixels as a camera samples them; their mean is 1.

    A pixel of the screen covers .4 to 2.5 of the camera's. Nothing but the sampling makes the moiré.
    """
    y, x = (place / FINER for place in np.mgrid[: height * FINER, : width * FINER].astype(np.float32))
    pitch, tilt = float(rng.uniform(0.4, 2.5)), float(rng.uniform(-0.15, 0.15))
    # The screen is not quite parallel to the sensor: the pitch changes over the picture.
    wider = 1 + float(rng.uniform(-0.08, 0.08)) * x / width + float(rng.uniform(-0.08, 0.08)) * y / height
    u = (x * np.cos(tilt) + y * np.sin(tilt)) * wider / pitch
    v = (y * np.cos(tilt) - x * np.sin(tilt)) * wider / pitch
    row = (v % 1 < 0.85).astype(np.float32)
    lit = np.stack([row * ((3 * u - channel) % 3 < 1) for channel in range(3)], axis=-1)
    seen = cv2.resize(lit.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA).astype(np.float64)
    # Optics blur part of the grid away before the sensor sees it.
    depth = rng.uniform(0.1, 0.6)
    return np.asarray(1 + depth * (seen / seen.mean(axis=(0, 1)) - 1))


def _spot(height: int, width: int, rng: np.random.Generator) -> Reals:
    """H×W×1: a lamp's reflection."""
    y, x = np.mgrid[:height, :width]
    at = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.1, 0.4) * max(width, height)
    spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * at[2] ** 2))
    return np.asarray(rng.uniform(0.1, 0.5) * spot[..., np.newaxis])


def _held(medium: Reals, border: float, share: float, rng: np.random.Generator) -> Reals:
    """The medium with its border, held into a scene at a slight angle."""
    edge = int(share * max(medium.shape[:2]))
    framed = cv2.copyMakeBorder(medium, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(border,) * 3)
    high, wide = framed.shape[:2]
    grown = 1 + 2 * max(0.0, rng.uniform(-0.1, 0.25))
    height, width = int(medium.shape[0] * grown), int(medium.shape[1] * grown)
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], dtype=np.float32)
    shift = np.array([(width - wide) / 2, (height - high) / 2]) + rng.uniform(-0.04, 0.04, (4, 2)) * (wide, high)
    matrix = cv2.getPerspectiveTransform(corners, (corners + shift).astype(np.float32))
    seen = cv2.warpPerspective(framed, matrix, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones((high, wide)), matrix, (width, height))[..., np.newaxis]
    return np.asarray(_room(height, width, rng) * (1 - mask) + seen * mask)


def _room(height: int, width: int, rng: np.random.Generator) -> Reals:
    """Somewhere: a colour, a gradient, some blotches."""
    blotches = rng.normal(0, 1, (max(2, height // 40), max(2, width // 40), 3)) * rng.uniform(0.01, 0.1)
    smooth = cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(rng.uniform(0.1, 0.85, 3) * _lighting((height, width), rng) + smooth, 0, 1))


def _lighting(shape: Sequence[int], rng: np.random.Generator) -> Reals:
    down = rng.uniform(-0.2, 0.2) * np.linspace(-1, 1, shape[0])[:, np.newaxis, np.newaxis]
    across = rng.uniform(-0.25, 0.25) * np.linspace(-1, 1, shape[1])[np.newaxis, :, np.newaxis]
    return np.asarray(1 + down + across)
