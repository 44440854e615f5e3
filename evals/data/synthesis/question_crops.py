"""The crops that visual questions are about: every face untouched, and with one part of another person.

Two files in one folder: ``crops.npy`` (uint8, face × {untouched, spliced} × S × S × 3) and ``parts.json`` (the replaced
part of each face). The facts of a crop are determined after its augmentation.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track

from evals.data.fingerprint import fingerprint
from evals.data.synthesis.degradation import compress
from evals.data.synthesis.measured_faces import SIZE, MeasuredFace
from evals.data.synthesis.splice import splice
from evals.data.visual_questions import PARTS, Facts, facts_after_augmentation

CANDIDATES = 8
"""Donors drawn, of which the one with the most similar face shape is taken."""


@dataclass(frozen=True)
class QuestionCrops:
    """``pixels``: N×2×S×S×3, untouched and spliced; ``parts``: the part replaced in the second."""

    pixels: NDArray[np.uint8]
    parts: tuple[str, ...]


def load_or_make_crops(folder: Path, faces: Sequence[MeasuredFace], seed: int) -> QuestionCrops:
    """The crops of ``faces``, from ``folder`` when they are there, else made and stored."""
    done = folder / "parts.json"
    mark = fingerprint(seed, SIZE, *[(one.found.path, one.found.box) for one in faces])
    if not done.is_file() or json.loads(done.read_text(encoding="utf-8"))["mark"] != mark:
        folder.mkdir(parents=True, exist_ok=True)
        parts = _make(folder, faces, seed)
        done.write_text(json.dumps({"mark": mark, "parts": parts}), encoding="utf-8")
    parts = json.loads(done.read_text(encoding="utf-8"))["parts"]
    return QuestionCrops(np.load(folder / "crops.npy", mmap_mode="r"), tuple(parts))


def _make(folder: Path, faces: Sequence[MeasuredFace], seed: int) -> list[str]:
    pixels = open_memmap(folder / "crops.npy", mode="w+", dtype=np.uint8, shape=(len(faces), 2, SIZE, SIZE, 3))
    sides = {
        key: [index for index, one in enumerate(faces) if (one.found.origin, one.held_out) == key]
        for key in {(one.found.origin, one.held_out) for one in faces}
    }
    parts = []
    for index, one in enumerate(track(faces, description="crops")):
        rng = np.random.default_rng((seed, index))
        part = list(PARTS)[int(rng.integers(len(PARTS)))]
        base = one.portrait()
        donor = _donor(one, [faces[i] for i in rng.choice(sides[one.found.origin, one.held_out], CANDIDATES)])
        pixels[index, 0] = base.pixels
        pixels[index, 1] = splice(base, donor.portrait(), PARTS[part], rng).pixels
        parts.append(part)
    pixels.flush()
    return parts


def _donor(one: MeasuredFace, drawn: Sequence[MeasuredFace]) -> MeasuredFace:
    others = [other for other in drawn if other.found.source != one.found.source] or list(drawn)
    return min(others, key=lambda other: one.found.shape_distance(other.found))


def augmented_crop(
    data: QuestionCrops, index: int, known: Facts, rng: np.random.Generator, *, spliced: bool, vary: bool
) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """One crop and its facts; ``vary`` mirrors it, changes its light and compresses it at random."""
    pixels, mirrored = np.asarray(data.pixels[index, int(spliced)]), False
    if vary:
        mirrored = bool(rng.random() < 0.5)
        pixels = pixels[:, ::-1] if mirrored else pixels
        pixels = _relit(pixels, rng)
    now = facts_after_augmentation(known, pixels, mirrored=mirrored, part=data.parts[index] if spliced else None)
    return np.ascontiguousarray(pixels), now


def _relit(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness in one of two pictures, grey in one of ten, JPEG 50-95 in one of two."""
    image = pixels.astype(np.float32) / 255
    if rng.random() < 0.5:
        image = np.clip(image ** float(np.exp(rng.normal(0, 0.6))) * rng.uniform(0.6, 1.2), 0, 1)
    if rng.random() < 0.1:
        image = np.repeat(image @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    out = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        out = compress(out, ".jpg", int(rng.integers(50, 96)))
    return out
