"""Objects in front of a face, with the pixels they cover: masks, cloth, hands, sunglasses, microphones, hair, paper.

Shapes are placed in the face's own frame: the middle between the eyes is (0, 0), the eye distance is 1, x points to
the subject's left and y down the face. They are drawn, not photographed: what a network learns from them has to be
checked on a kind that it did not see.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis import textures
from faceagent.types import Occluder

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float32]

RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)
CHEEKS = (50, 280, 205, 425)
"""Mesh points whose median colour is the sitter's skin."""


@dataclass(frozen=True)
class Covered:
    """The picture with one object in it, and the share 0-1 of every pixel that the object covers (H×W)."""

    pixels: Pixels
    cover: Reals


@dataclass(frozen=True)
class Frame:
    """The face's frame in a picture, and what a maker needs to know of it."""

    origin: NDArray[np.float64]
    across: NDArray[np.float64]
    size: tuple[int, int]
    tone: Reals
    rng: np.random.Generator

    @property
    def unit(self) -> float:
        """Px of one eye distance."""
        return float(np.hypot(*self.across))

    def place(self, points: Sequence[tuple[float, float]] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Frame coordinates in px of the picture."""
        down = np.array([-self.across[1], self.across[0]])
        at = np.asarray(points, np.float64)
        return np.asarray(self.origin + at[:, :1] * self.across + at[:, 1:] * down)

    def polygon(self, points: Sequence[tuple[float, float]] | NDArray[np.float64]) -> Reals:
        """H×W cover of a polygon in frame coordinates, with soft edges."""
        corners = np.rint(self.place(points) * 16).astype(np.int32)
        field = np.zeros(self.size, np.uint8)
        cv2.fillPoly(field, [corners], 255, lineType=cv2.LINE_AA, shift=4)
        return np.asarray(field, np.float32) / np.float32(255)

    def smooth(self, points: Sequence[tuple[float, float]]) -> Reals:
        """The polygon with its corners rounded (Chaikin), and shaken a little."""
        at = np.asarray(points, np.float64) + self.rng.normal(0, 0.02, (len(points), 2))
        for _ in range(3):
            after = np.roll(at, -1, axis=0)
            at = np.stack([0.75 * at + 0.25 * after, 0.25 * at + 0.75 * after], axis=1).reshape(-1, 2)
        return self.polygon(at)

    def ellipse(self, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> Reals:
        """H×W cover of an ellipse turned by ``turn`` radians."""
        t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        x, y = radii[0] * np.cos(t), radii[1] * np.sin(t)
        return self.polygon(
            np.column_stack(
                [centre[0] + x * np.cos(turn) - y * np.sin(turn), centre[1] + x * np.sin(turn) + y * np.cos(turn)]
            )
        )


Made = tuple[Reals, Reals]
"""Texture (H×W×3) and cover (H×W)."""
Maker = Callable[[Frame], Made]


def cover(pixels: Pixels, points: NDArray[np.float64], kind: Occluder, rng: np.random.Generator) -> Covered:
    """H×W×3 RGB with an object of ``kind`` in front of the face whose 478 mesh points (px) are given."""
    return place(pixels, points, MAKERS[kind], rng)


def place(pixels: Pixels, points: NDArray[np.float64], maker: Maker, rng: np.random.Generator) -> Covered:
    """H×W×3 RGB with what ``maker`` draws in front of the face whose 478 mesh points (px) are given."""
    frame = face_frame(pixels, points, rng)
    tone = frame.tone
    texture, shape = maker(frame)
    # An object is lit by the same light, out of focus by a little, and throws a soft shadow beside itself.
    bright = float(np.clip(tone.mean() / 150, 0.35, 1.25)) * rng.uniform(0.75, 1.2)
    blur = frame.unit * rng.uniform(0.004, 0.02)
    shape = np.asarray(cv2.GaussianBlur(shape, (0, 0), max(blur, 0.3)), np.float32)
    offset = np.array([[1, 0, frame.unit * rng.normal(0, 0.03)], [0, 1, frame.unit * rng.uniform(0, 0.06)]])
    fallen = cv2.warpAffine(shape, offset, (pixels.shape[1], pixels.shape[0]))
    shadow = 1 - rng.uniform(0, 0.5) * cv2.GaussianBlur(fallen, (0, 0), max(1.0, frame.unit * 0.04))
    behind = pixels.astype(np.float32) * shadow[..., None]
    mixed = behind * (1 - shape[..., None]) + np.clip(texture * bright, 0, 255) * shape[..., None]
    noise = rng.normal(0, rng.uniform(0.5, 3), mixed.shape)
    return Covered(np.clip(mixed + noise * shape[..., None] + 0.5, 0, 255).astype(np.uint8), shape)


def face_frame(pixels: Pixels, points: NDArray[np.float64], rng: np.random.Generator) -> Frame:
    """The frame of the face whose 478 mesh points (px) are given."""
    right, left = points[list(RIGHT_EYE)].mean(axis=0), points[list(LEFT_EYE)].mean(axis=0)
    tone = np.median([_colour_at(pixels, points[index]) for index in CHEEKS], axis=0).astype(np.float32)
    return Frame((right + left) / 2, left - right, (pixels.shape[0], pixels.shape[1]), tone, rng)


def _colour_at(pixels: Pixels, point: NDArray[np.float64]) -> NDArray[np.uint8]:
    x, y = (
        int(np.clip(round(float(value)), 0, limit - 1)) for value, limit in zip(point, pixels.shape[1::-1], strict=True)
    )
    return np.asarray(pixels[y, x])


def _mask(frame: Frame) -> Made:
    """A face mask over nose and mouth, with its straps."""
    rng = frame.rng
    top, side, bottom = rng.uniform(0.05, 0.55), rng.uniform(0.8, 1.1), rng.uniform(1.65, 2.0)
    ear = rng.uniform(0.2, 0.6)
    shape = frame.smooth(
        [(-side, ear), (-0.35, top), (0.0, top - 0.06), (0.35, top), (side, ear), (0.85 * side, 1.3),
         (0.4, bottom), (-0.4, bottom), (-0.85 * side, 1.3)]
    )  # fmt: skip
    for sign in (-1, 1):
        strap = frame.polygon(
            [(sign * 0.9 * side, ear + 0.1), (sign * 1.6, -0.1), (sign * 1.6, -0.05), (sign * 0.9 * side, ear + 0.17)]
        )
        shape = np.maximum(shape, strap)
    if rng.random() < 0.5:  # surgical: pale, pleated
        base = textures.colour(rng, saturation=(0.03, 0.35), value=(0.65, 1.0))
        pleats = frame.place([(0, 0.6), (0, 1.4)])
        along = (np.mgrid[: frame.size[0], : frame.size[1]][0] - pleats[0, 1]) / frame.unit
        fold = 1 + rng.uniform(0.02, 0.12) * np.sin(2 * np.pi * along / rng.uniform(0.2, 0.45))
        return np.asarray(base * fold[..., None], np.float32), shape
    return textures.cloth(rng, frame.size, frame.unit), shape


def _cloth(frame: Frame) -> Made:
    """A scarf or veil over the lower face, a cloth over one side, a headscarf pulled down, or a rag anywhere."""
    rng = frame.rng
    texture = textures.cloth(rng, frame.size, frame.unit)
    way = rng.choice(("scarf", "side", "brow", "rag"))
    if way == "scarf":
        top = rng.uniform(0.3, 1.1)
        return texture, frame.smooth(
            [(-2, top - 0.2), (-0.8, top), (0, top + rng.normal(0, 0.1)), (0.8, top), (2, top - 0.2), (2, 4), (-2, 4)]
        )
    if way == "side":
        sign, edge = rng.choice((-1, 1)), rng.uniform(-0.2, 0.6)
        return texture, frame.smooth(
            [
                (sign * edge, -2.5),
                (sign * (edge + rng.normal(0, 0.15)), 0.5),
                (sign * (edge + rng.normal(0, 0.25)), 3),
                (sign * 4, 3),
                (sign * 4, -2.5),
            ]
        )
    if way == "brow":
        low = rng.uniform(-0.45, 0.2)
        return texture, frame.smooth([(-2.5, low + 0.1), (0, low), (2.5, low + 0.1), (2.5, -3), (-2.5, -3)])
    centre, count = rng.uniform((-0.8, -0.5), (0.8, 1.8)), int(rng.integers(4, 9))
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    radii = rng.uniform(0.35, 1.1, count)
    return texture, frame.smooth(
        [(centre[0] + r * np.cos(a), centre[1] + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]
    )


def _hand(frame: Frame) -> Made:
    """A hand before mouth, cheek, eye or brow: a palm with four fingers, each rounded by its shading."""
    rng = frame.rng
    tone = (
        frame.tone if rng.random() < 0.7 else np.asarray(rng.uniform(0.25, 1.0) * np.array([235, 190, 165]), np.float32)
    )
    texture = textures.skin(rng, frame.size, frame.unit, tone)
    target = [(0.0, 1.1), (0.35, 0.0), (-0.35, 0.0), (0.6, 0.8), (-0.6, 0.8), (0.0, 0.5)][int(rng.integers(6))]
    angle = rng.uniform(-np.pi, np.pi)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    width, length = rng.uniform(0.2, 0.3), rng.uniform(0.8, 1.2)
    shape, depth = np.zeros(frame.size, np.float32), np.zeros(frame.size, np.float32)
    spread, middle = rng.uniform(0.0, 0.25), np.asarray(target) + rng.normal(0, 0.12, 2)
    fingers = int(rng.integers(2, 5))
    for number in range(fingers):
        off = number - (fingers - 1) / 2
        start = middle + across * off * width * 0.98 - along * 0.3 * length
        lean = along + across * spread * off * 0.5
        tip = start + lean * length * (1 - 0.08 * abs(off)) + rng.normal(0, 0.02, 2)
        _capsule(frame, shape, depth, start, tip, width / 2)
    palm = middle - along * (0.3 * length + 0.35)
    _capsule(frame, shape, depth, palm - across * width * fingers * 0.25, palm + across * width * fingers * 0.25, 0.42)
    shade = 0.45 + 0.55 * np.sqrt(np.clip(depth, 0, 1))
    light = rng.uniform(0.9, 1.1) * shade
    return np.asarray(texture * light[..., None], np.float32), shape


def _capsule(
    frame: Frame, shape: Reals, depth: Reals, start: NDArray[np.float64], end: NDArray[np.float64], radius: float
) -> None:
    """Draw a rounded bar into ``shape``; its ``depth`` falls off to its sides, so that it looks round."""
    a, b = frame.place([(start[0], start[1]), (end[0], end[1])])
    y, x = np.mgrid[: frame.size[0], : frame.size[1]].astype(np.float32)
    line = b - a
    t = np.clip(((x - a[0]) * line[0] + (y - a[1]) * line[1]) / max(float(line @ line), 1e-6), 0, 1)
    distance = np.hypot(x - (a[0] + t * line[0]), y - (a[1] + t * line[1])) / (radius * frame.unit)
    body = np.clip((1 - distance) * radius * frame.unit + 0.5, 0, 1)
    np.copyto(depth, np.where(body > 0, np.clip(1 - distance**2, 0, 1), depth))
    np.maximum(shape, body, out=shape)


def _sunglasses(frame: Frame) -> Made:
    """Two dark lenses (round, square, aviator or one shield) with a bridge, a rim and temples."""
    rng = frame.rng
    texture = textures.smoked_glass(rng, frame.size, frame.unit)
    wide, high, drop = rng.uniform(0.36, 0.5), rng.uniform(0.24, 0.42), rng.uniform(-0.02, 0.12)
    power = rng.choice((2.0, 2.6, 4.0))
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    shape = np.zeros(frame.size, np.float32)
    if rng.random() < 0.12:
        shape = frame.smooth(
            [
                (-1, drop - high),
                (1, drop - high),
                (0.95, drop + high),
                (0.3, drop + high),
                (0, drop),
                (-0.3, drop + high),
                (-0.95, drop + high),
            ]
        )
    for sign in (-1, 1):
        x = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** (2 / power) * wide
        y = np.sign(np.sin(t)) * np.abs(np.sin(t)) ** (2 / power) * high
        lens = frame.polygon(np.column_stack([sign * 0.52 + x, drop + y * (1 + 0.15 * sign * x * sign)]))
        temple = frame.polygon(
            [
                (sign * (0.5 + wide * 0.9), drop - 0.12),
                (sign * 1.7, drop - 0.18),
                (sign * 1.7, drop - 0.1),
                (sign * (0.5 + wide * 0.9), drop),
            ]
        )
        shape = np.maximum(shape, np.maximum(lens, temple))
    bridge = frame.polygon([(-0.2, drop - 0.12), (0.2, drop - 0.12), (0.2, drop - 0.04), (-0.2, drop - 0.04)])
    return texture, np.maximum(shape, bridge) * np.float32(rng.uniform(0.88, 1.0))


def _microphone(frame: Frame) -> Made:
    """A microphone before the mouth, its handle leaving the face below or to a side."""
    rng = frame.rng
    texture = textures.metal_mesh(rng, frame.size, frame.unit)
    centre, radius = np.array([0.0, rng.uniform(0.95, 1.35)]) + rng.normal(0, 0.12, 2), rng.uniform(0.35, 0.6)
    angle = rng.uniform(0.15, 0.85) * np.pi
    head = frame.ellipse((float(centre[0]), float(centre[1])), (radius, radius * rng.uniform(0.85, 1.25)), angle)
    away = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-away[1], away[0]]) * radius * rng.uniform(0.35, 0.7)
    end = centre + away * 4
    handle = frame.polygon(
        [tuple(centre + side), tuple(end + side * 0.8), tuple(end - side * 0.8), tuple(centre - side)]
    )
    dark = textures.colour(rng, saturation=(0, 0.3), value=(0.05, 0.4))
    round_ = np.sqrt(np.clip(cv2.GaussianBlur(head, (0, 0), max(1.0, frame.unit * 0.15)), 0.05, 1))
    surface = np.where((head > 0.5)[..., None], texture * round_[..., None] * 1.3, dark)
    return np.asarray(surface, np.float32), np.maximum(head, handle)


def _hair(frame: Frame) -> Made:
    """A fringe over brows or eyes, or a curtain over one side; the lower edge is frayed into strands."""
    rng = frame.rng
    if rng.random() < 0.55:
        low, slope = rng.uniform(-0.25, 0.5), rng.normal(0, 0.25)
        xs = np.linspace(-2, 2, 60)
        edge = low + slope * xs + rng.uniform(0.03, 0.18) * np.abs(rng.normal(0, 1, 60))
        texture = textures.hair(rng, frame.size, frame.unit, np.pi / 2 + rng.normal(0, 0.3) + _roll(frame))
        return texture, frame.polygon(np.vstack([np.column_stack([xs, edge]), [(2.2, -3), (-2.2, -3)]]))
    sign, near = rng.choice((-1, 1)), rng.uniform(-0.15, 0.45)
    ys = np.linspace(-2.5, 3, 60)
    edge = near + 0.35 * (ys / 2.5) ** 2 * rng.uniform(-0.5, 1) + rng.uniform(0.02, 0.1) * np.abs(rng.normal(0, 1, 60))
    texture = textures.hair(rng, frame.size, frame.unit, np.pi / 2 + rng.normal(0, 0.2) + _roll(frame))
    return texture, frame.polygon(
        np.vstack([np.column_stack([sign * edge, ys]), [(sign * 3.5, 3), (sign * 3.5, -2.5)]])
    )


def _paper(frame: Frame) -> Made:
    """A sheet, book, cup or telephone held before the face: a quadrangle or an ellipse."""
    rng = frame.rng
    centre = rng.uniform((-0.7, -0.4), (0.7, 1.7))
    half = rng.uniform(0.35, 1.0, 2)
    texture = textures.paper(rng, frame.size, frame.unit)
    if rng.random() < 0.3:
        return texture, frame.ellipse(
            (float(centre[0]), float(centre[1])), (float(half[0]), float(half[1])), float(rng.uniform(0, np.pi))
        )
    turn = rng.normal(0, 0.5)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half + rng.normal(0, 0.08, (4, 2))
    turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return texture, frame.polygon(turned + centre)


def _roll(frame: Frame) -> float:
    return float(np.arctan2(frame.across[1], frame.across[0]))


MAKERS: Mapping[Occluder, Maker] = {
    "mask": _mask,
    "cloth": _cloth,
    "hand": _hand,
    "sunglasses": _sunglasses,
    "microphone": _microphone,
    "hair": _hair,
    "paper": _paper,
}
