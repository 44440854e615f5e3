"""Things worn on a face that no detector was trained on: dressings, dummies, veils, hat brims, glare, face paint.

Drawn in the frame of ``occluders``, and kept out of every training: they show what the occlusion head makes of things
that it does not know. Paint hides nothing, glare and thin veils hide as far as they are opaque.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis import textures
from evals.data.synthesis.occluders import Frame, Made, Maker, Pixels, face_frame


def _dressing(frame: Frame) -> Made:
    """Gauze over an eye, the nose, a cheek or the brow, or a bandage around the forehead or the jaw."""
    rng = frame.rng
    weave = 1 + 0.04 * textures.smooth_noise(rng, frame.size, max(1.0, frame.unit * 0.04))
    texture = rng.uniform(0.85, 1.0) * np.array([238, 232, 220], np.float32) * weave[..., None]
    if rng.random() < 0.4:
        low, high = ((-1.1, -0.25), (1.2, 2.1))[int(rng.integers(2))]
        tilt = rng.normal(0, 0.1)
        return texture, frame.smooth([(-2, low - tilt), (2, low + tilt), (2, high + tilt), (-2, high - tilt)])
    x, y = [(0.5, 0.0), (-0.5, 0.0), (0.0, 0.55), (0.75, 0.75), (-0.75, 0.75)][int(rng.integers(5))]
    w, h = rng.uniform(0.3, 0.5), rng.uniform(0.25, 0.4)
    return texture, frame.smooth([(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)])


def _dummy(frame: Frame) -> Made:
    """A child's dummy over the mouth: a shield with a knob or a ring."""
    rng = frame.rng
    y, across = 1.1 + rng.normal(0, 0.05), rng.uniform(0.45, 0.7)
    shield = frame.ellipse((0.0, y), (across, across * rng.uniform(0.55, 0.8)))
    knob = frame.ellipse((0.0, y), (0.2, 0.2))
    base = textures.colour(rng, saturation=(0.1, 0.8), value=(0.5, 1.0))
    other = textures.colour(rng, saturation=(0.1, 0.8), value=(0.5, 1.0))
    return np.asarray(np.where((knob > 0.5)[..., None], other, base), np.float32), shield


def _veil(frame: Frame) -> Made:
    """Cloth below the eyes or over the whole face, from opaque to tulle."""
    rng = frame.rng
    texture = textures.cloth(rng, frame.size, frame.unit)
    top = rng.uniform(0.3, 0.5) if rng.random() < 0.6 else -2.5
    shape = frame.smooth([(-3, top - 0.1), (0, top), (3, top - 0.1), (3, 4), (-3, 4)])
    return texture, shape * np.float32(rng.choice((1.0, 1.0, 0.85, 0.5)))


def _brim(frame: Frame) -> Made:
    """The brim of a hat or a cap pulled down over forehead and brows."""
    rng = frame.rng
    low, bend = rng.uniform(-0.45, -0.1), rng.uniform(0.0, 0.3)
    shape = frame.smooth([(-2, low - bend), (0, low + bend), (2, low - bend), (1.6, -3), (-1.6, -3)])
    return textures.cloth(rng, frame.size, frame.unit), shape


def _glare(frame: Frame) -> Made:
    """Light mirrored in both glasses, or in one."""
    rng = frame.rng
    w, h, shape = rng.uniform(0.3, 0.45), rng.uniform(0.2, 0.32), np.zeros(frame.size, np.float32)
    for sign in (-1, 1) if rng.random() < 0.7 else (-1,):
        shape = np.maximum(shape, frame.ellipse((sign * 0.5, 0.03), (w, h), rng.normal(0, 0.2)))
    # The maker's light dims it again: glare is brighter than any thing.
    return np.full((*frame.size, 3), 900, np.float32), shape * np.float32(rng.uniform(0.8, 1.0))


THINGS: Mapping[str, Maker] = {
    "dressing": _dressing,
    "dummy": _dummy,
    "veil": _veil,
    "brim": _brim,
    "glare": _glare,
}
"""Things that hide what lies below them."""


def paint(pixels: Pixels, points: NDArray[np.float64], rng: np.random.Generator) -> Pixels:
    """H×W×3 RGB with face paint: stripes, a half face, a star over an eye, or all of it; the relief below stays."""
    frame = face_frame(pixels, points, rng)
    way = rng.choice(("stripes", "half", "star", "all"))
    if way == "stripes":
        shape = np.zeros(frame.size, np.float32)
        for y in np.arange(-0.9, 2.0, rng.uniform(0.35, 0.6)):
            shape = np.maximum(shape, frame.smooth([(-1.3, y), (1.3, y), (1.3, y + 0.15), (-1.3, y + 0.15)]))
    elif way == "half":
        shape = frame.smooth([(0, -1.5), (2, -1.5), (2, 2.5), (0, 2.5)])
    elif way == "star":
        angles = np.arange(10) * np.pi / 5
        radii = np.where(np.arange(10) % 2, 0.25, 0.6)
        shape = frame.polygon(np.column_stack([0.5 + radii * np.cos(angles), radii * np.sin(angles)]))
    else:
        shape = frame.ellipse((0.0, 0.5), (1.2, 1.7))
    strength = (shape * np.float32(rng.uniform(0.35, 0.7)))[..., None]
    relief = pixels.astype(np.float32).mean(axis=2, keepdims=True) / max(1.0, float(frame.tone.mean()))
    coloured = relief * textures.colour(rng, saturation=(0.3, 1.0), value=(0.3, 1.0))
    mixed = np.clip(pixels * (1 - strength) + coloured * strength + 0.5, 0, 255)
    return np.asarray(mixed, np.uint8)
