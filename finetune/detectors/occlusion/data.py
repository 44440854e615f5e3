"""What the occlusion head learns from: patch tokens, what covers every patch, and which part of a face it shows.

Faces are those of the training sets. Every face stands there as it is, with objects of several kinds, and in a cut
picture in a displaced crop, as a face finder that guesses the rest of a face would crop it. All have the same
distribution of degradations, so that neither blur nor compression tells a covered patch.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from evals.data.synthesis.cuts import CUTS, cut
from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.data.synthesis.occluders import cover
from faceagent.encoder.crop import face_crop
from faceagent.encoder.regions import patch_cover
from faceagent.encoder.tower import Tower
from faceagent.faces.parts import part_masks
from faceagent.types import OCCLUDERS, PARTS

CLEAN, CUT = "none", "cut"
SIZE = 224
LARGEST = 300.0
"""Px of the face box's longer side to which larger faces are reduced before an object is drawn."""
DEGRADED = 0.75
"""Share of the crops that are degraded."""
JITTER = 0.03
"""Spread of the box's place and size over its side: detectors differ by this much on one face."""
DISPLACED = 0.2
"""The same for a cut face, whose box is drawn around a guess."""
BATCH = 16


@dataclass(frozen=True)
class Example:
    """A crop (SIZE×SIZE×3) with its truth per patch: ``cover`` P, ``parts`` 10×P, ``shown`` P, all 0-1.

    ``shown`` is the share of a patch that shows the photograph, neither its mirrored edge nor what lies beyond a cut.
    """

    pixels: NDArray[np.uint8]
    cover: NDArray[np.float16]
    parts: NDArray[np.float16]
    shown: NDArray[np.float16]
    kind: str
    source: str


@dataclass(frozen=True)
class Rows:
    """Examples after the tower: ``tokens`` N×P×W, ``cover`` and ``shown`` N×P, ``parts`` N×10×P, the others N."""

    tokens: NDArray[np.float16]
    cover: NDArray[np.float16]
    parts: NDArray[np.float16]
    shown: NDArray[np.float16]
    kind: NDArray[np.str_]
    source: NDArray[np.str_]


def examples(faces: Sequence[LocatedFace], grid: int, objects: int, seed: int) -> Iterator[Example]:
    """Every face as it is, with ``objects`` objects, one at a time, and cut once; the kinds go round."""
    rng = np.random.default_rng(seed)
    for index, face in enumerate(faces):
        pixels, points, box = _reduced(face)
        nothing, all_of_it = np.zeros(pixels.shape[:2], np.float32), np.ones(pixels.shape[:2], np.float32)
        yield _example(Scene(pixels, points, nothing, all_of_it, CLEAN), box, JITTER, grid, face.source, rng)
        for number in range(objects):
            kind = OCCLUDERS[(index * objects + number) % len(OCCLUDERS)]
            made = cover(pixels, points, kind, rng)
            yield _example(Scene(made.pixels, points, made.cover, all_of_it, kind), box, JITTER, grid, face.source, rng)
        left = cut(pixels, points, list(CUTS)[index % len(CUTS)], rng)
        shown = left.shown.astype(np.float32)
        guessed = box + np.tile(left.points[0] - points[0], 2)
        yield _example(
            Scene(left.pixels, left.points, 0 * shown, shown, CUT), guessed, DISPLACED, grid, face.source, rng
        )


@dataclass(frozen=True)
class Scene:
    """A picture with its mesh, and per pixel how far it is covered and whether it shows the photograph, 0-1."""

    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]
    cover: NDArray[np.float32]
    shown: NDArray[np.float32]
    kind: str


def _example(
    scene: Scene, box: NDArray[np.float64], jitter: float, grid: int, source: str, rng: np.random.Generator
) -> Example:
    """The crop of a scene around a box that is moved and grown by ``jitter`` of its side, degraded."""
    side = max(box[2] - box[0], box[3] - box[1])
    (dx, dy), growth = rng.normal(0, jitter, 2) * side, float(np.clip(rng.normal(0, jitter), -0.3, 0.5)) * side
    moved = (box[0] + dx - growth, box[1] + dy - growth, box[2] + dx + growth, box[3] + dy + growth)
    crop = face_crop(scene.pixels, moved, size=SIZE)
    layers = np.stack([scene.cover, scene.shown, 0 * scene.shown], axis=2)
    truth = face_crop((layers * 255).astype(np.uint8), moved, size=SIZE).pixels.astype(np.float32) / np.float32(255)
    masks = part_masks(crop.place(scene.points), (SIZE, SIZE))
    square = crop.pixels
    if rng.random() < DEGRADED:
        square = degrade(square, draw_degradation(rng, SIZE, smallest=0.2))
    return Example(
        pixels=square,
        cover=_by_patch(truth[..., 0], grid),
        parts=np.stack([_by_patch(masks[part], grid) for part in PARTS]),
        shown=_by_patch(truth[..., 1] * crop.inside, grid),
        kind=scene.kind,
        source=source,
    )


def _by_patch(mask: NDArray[np.uint8] | NDArray[np.float32], grid: int) -> NDArray[np.float16]:
    return patch_cover(mask, grid).ravel().astype(np.float16)


def _reduced(face: LocatedFace) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """The picture, mesh and box of a face, at most ``LARGEST`` px large."""
    pixels, points, box = read_pixels(face), np.asarray(face.points), np.asarray(face.box)
    zoom = LARGEST / max(box[2] - box[0], box[3] - box[1])
    if zoom >= 1:
        return pixels, points, box
    small = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), points * zoom, box * zoom


def encode(found: Iterable[Example], tower: Tower, block: int) -> Rows:
    """The examples with the tokens that the frozen tower has after ``block`` blocks."""
    kept: list[Example] = []
    tokens: list[NDArray[np.float16]] = []
    waiting = iter(found)
    while batch := list(islice(waiting, BATCH)):
        tokens.append(_tokens(batch, tower, block))
        kept += [replace(one, pixels=np.zeros((0, 0, 3), np.uint8)) for one in batch]
    return Rows(
        tokens=np.concatenate(tokens),
        cover=np.stack([one.cover for one in kept]),
        parts=np.stack([one.parts for one in kept]),
        shown=np.stack([one.shown for one in kept]),
        kind=np.array([one.kind for one in kept]),
        source=np.array([one.source for one in kept]),
    )


def _tokens(batch: Sequence[Example], tower: Tower, block: int) -> NDArray[np.float16]:
    with torch.inference_mode():
        *_, (_, found) = tower.steps(tower.tensor([one.pixels for one in batch]), block)
    return np.asarray(found[:, 1:].half().cpu().numpy())


def save(rows: Rows, path: Path) -> None:
    """Keep rows as one ``.npz`` file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{one.name: getattr(rows, one.name) for one in fields(Rows)})


def load(path: Path) -> Rows:
    """Rows that ``save`` kept."""
    with np.load(path) as file:
        return Rows(**{one.name: file[one.name] for one in fields(Rows)})
