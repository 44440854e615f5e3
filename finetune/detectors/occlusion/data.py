"""What the occlusion head learns from: patch tokens of faces without and with a drawn object, and what it covers.

Faces are those of the training sets. Every face stands there as it is and with objects of several kinds, all after
the same distribution of degradations, so that neither blur nor compression tells a covered patch.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.data.synthesis.occluders import cover
from faceagent.encoder.crop import face_crop
from faceagent.encoder.regions import patch_cover
from faceagent.encoder.tower import Tower
from faceagent.faces.parts import part_masks
from faceagent.types import OCCLUDERS, PARTS

CLEAN = "none"
SIZE = 224
LARGEST = 300.0
"""Px of the face box's longer side to which larger faces are reduced before an object is drawn."""
DEGRADED = 0.75
"""Share of the crops that are degraded."""
JITTER = 0.03
"""Spread of the box's place and size over its side: detectors differ by this much on one face."""
BATCH = 16


@dataclass(frozen=True)
class Example:
    """A crop (SIZE×SIZE×3) with its truth per patch: ``cover`` P, ``parts`` 10×P, both 0-1."""

    pixels: NDArray[np.uint8]
    cover: NDArray[np.float16]
    parts: NDArray[np.float16]
    kind: str
    source: str


@dataclass(frozen=True)
class Rows:
    """Examples after the tower: ``tokens`` N×P×W, ``cover`` N×P, ``parts`` N×10×P, ``kind`` and ``source`` N."""

    tokens: NDArray[np.float16]
    cover: NDArray[np.float16]
    parts: NDArray[np.float16]
    kind: NDArray[np.str_]
    source: NDArray[np.str_]


def examples(faces: Sequence[LocatedFace], grid: int, objects: int, seed: int) -> Iterator[Example]:
    """Every face as it is, then with ``objects`` objects, one at a time; the kinds go round."""
    rng = np.random.default_rng(seed)
    for index, face in enumerate(faces):
        pixels, points, box = _reduced(face)
        kinds = [OCCLUDERS[(index * objects + number) % len(OCCLUDERS)] for number in range(objects)]
        for kind in (None, *kinds):
            picture, covered = pixels, np.zeros(pixels.shape[:2], np.float32)
            if kind is not None:
                made = cover(pixels, points, kind, rng)
                picture, covered = made.pixels, made.cover
            side = max(box[2] - box[0], box[3] - box[1])
            (dx, dy), growth = rng.normal(0, JITTER, 2) * side, rng.normal(0, JITTER) * side
            moved = (box[0] + dx - growth, box[1] + dy - growth, box[2] + dx + growth, box[3] + dy + growth)
            crop = face_crop(picture, moved, size=SIZE)
            mask = face_crop(np.repeat((covered * 255).astype(np.uint8)[..., None], 3, axis=2), moved, size=SIZE)
            masks = part_masks(crop.place(points), (SIZE, SIZE))
            square = crop.pixels
            if rng.random() < DEGRADED:
                square = degrade(square, draw_degradation(rng, SIZE, smallest=0.2))
            yield Example(
                pixels=square,
                cover=patch_cover(mask.pixels[..., 0].astype(np.float32) / np.float32(255), grid)
                .ravel()
                .astype(np.float16),
                parts=np.stack([patch_cover(masks[part], grid).ravel() for part in PARTS]).astype(np.float16),
                kind=kind or CLEAN,
                source=face.source,
            )


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
    batch: list[Example] = []
    for one in found:
        batch.append(one)
        if len(batch) == BATCH:
            tokens.append(_tokens(batch, tower, block))
            kept, batch = kept + batch, []
    if batch:
        tokens.append(_tokens(batch, tower, block))
        kept += batch
    return Rows(
        tokens=np.concatenate(tokens),
        cover=np.stack([one.cover for one in kept]),
        parts=np.stack([one.parts for one in kept]),
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
    np.savez(path, tokens=rows.tokens, cover=rows.cover, parts=rows.parts, kind=rows.kind, source=rows.source)


def load(path: Path) -> Rows:
    """Rows that ``save`` kept."""
    with np.load(path) as file:
        return Rows(**{name: file[name] for name in ("tokens", "cover", "parts", "kind", "source")})
