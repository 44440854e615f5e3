"""Pairs for the single-image morph detector: a bona fide document picture, and the same picture morphed.

Both halves get the same degradation and the same crop, so that neither framing nor compression reveals the class; some
bona fide halves are warped and warped back, so that resampling does not either. Every half has a twin, the same picture
tilted and cropped again: how features change between the two must not move the detector. The contributor lies in the
fold of the first person. The same seed gives the same pairs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.morph import Finish, Method, morph, self_warp
from evals.data.synthesis.recapture import print_scan
from faceagent.encoder.crop import turned_crop
from faceagent.faces.mesh_box import mesh_box
from finetune.detectors.linear import FOLDS, fold_of

SIZE, MARGIN = 288, 1.5
CANDIDATES = 12
"""Contributors drawn, of which the one with the most similar face shape is taken."""
METHODS: tuple[Method, ...] = ("full", "cleaned", "splice")
FINISHES: tuple[Finish, ...] = ("plain", "matched", "smoothed")
SHARES = (0.2, 0.65, 0.15)
"""Probability of each finish; "unsharp" and the Poisson method are kept for testing."""
PRINTED, CONTROLS = 0.12, 0.15
"""Shares of pairs that are printed and scanned, and whose bona fide half is warped and warped back."""
TURN = 0.2
"""Largest offset of the nose tip from the middle of the eyes, over the eye distance: documents show frontal faces, and
the mesh of a turned face folds when it is moved."""
TILT = 30.0
"""Degrees, largest tilt of a twin."""
JITTER, ROLL_JITTER = 0.01, 0.4
"""Standard deviations of the crop's place and size over its side, and of its roll in degrees: those of the mesh in a
picture and its tilted copies."""
ROOM = 1.2
"""Half of the part of a picture that a twin is tilted in, over the longer side of the face box."""


@dataclass(frozen=True)
class MorphHalf:
    """One picture, 224×224×3 as the branch takes it, its twin, and what it is."""

    pixels: NDArray[np.uint8]
    twin: NDArray[np.uint8]
    morphed: bool
    source: str
    origin: str
    method: str
    finish: str


def morph_pairs(
    faces: Mapping[str, Sequence[LocatedFace]], counts: Mapping[str, int], seed: int
) -> Iterator[tuple[MorphHalf, MorphHalf]]:
    """Yield (bona fide, morphed) halves; a set smaller than its count is used more than once."""
    for place, (name, count) in enumerate(counts.items()):
        rows = [one for one in faces[name] if is_frontal(one)]
        sides = [[one for one in rows if fold_of(one.source) == fold] for fold in range(FOLDS)]
        order = np.random.default_rng((seed, place)).permutation(len(rows))
        for index in range(count):
            target = rows[int(order[index % len(order)])]
            rng = np.random.default_rng((seed, place, index))
            other = nearest_contributor(target, sides[fold_of(target.source)], rng)
            if other is not None:
                yield make_morph_pair(target, other, rng)


def is_frontal(found: LocatedFace) -> bool:
    """Whether the face looks at the camera, by three points of its mesh."""
    right, left, tip = (np.asarray(found.points[index]) for index in (33, 263, 1))
    across = left - right
    return abs(float((tip - (right + left) / 2) @ across / (across @ across))) < TURN


def nearest_contributor(
    target: LocatedFace, rows: Sequence[LocatedFace], rng: np.random.Generator
) -> LocatedFace | None:
    """Another person with a similar face shape, or None when there is nobody else."""
    drawn = [rows[int(index)] for index in rng.integers(len(rows), size=CANDIDATES)]
    others = [one for one in drawn if one.source != target.source]
    return min(others, key=target.shape_distance, default=None)


def make_morph_pair(target: LocatedFace, other: LocatedFace, rng: np.random.Generator) -> tuple[MorphHalf, MorphHalf]:
    """Both halves after degradation."""
    a, b = portrait(target, SIZE, MARGIN), portrait(other, SIZE, MARGIN)
    method = METHODS[int(rng.integers(len(METHODS)))]
    finish = FINISHES[int(rng.choice(len(FINISHES), p=SHARES))]
    controlled = bool(rng.random() < CONTROLS)
    bona_fide = self_warp(a, b, rng).pixels if controlled else a.pixels
    morphed = morph(a, b, method, finish, rng).pixels
    printed, seed = bool(rng.random() < PRINTED), int(rng.integers(2**31))
    degradation, framing = draw_degradation(rng, SIZE, smallest=0.5), int(rng.integers(2**31))
    first, second = (
        twin_crops(degrade(_print_scanned(one, seed) if printed else one, degradation), a.points, framing)
        for one in (bona_fide, morphed)
    )
    whose = target.source, target.origin
    return (
        MorphHalf(*first, False, *whose, "self_warp" if controlled else "none", "none"),
        MorphHalf(*second, True, *whose, method, finish),
    )


def twin_crops(
    pixels: NDArray[np.uint8], points: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The crop that the tool takes of a face with these 478 ``points``, and the same of the tilted picture."""
    rng = np.random.default_rng(seed)
    (x0, y0, x1, y1), degrees = mesh_box(points)
    side, middle = max(x1 - x0, y1 - y0), np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    angle = float(rng.uniform(-TILT, TILT))
    left, top = (int(value) for value in np.maximum(0, middle - ROOM * side))
    right, bottom = (int(value) for value in middle + ROOM * side)
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    height, width = part.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, 1)
    turned = cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    there = matrix @ (*(middle - (left, top) - 0.5), 1) + 0.5
    return (
        _jittered_crop(part, middle - (left, top), side, degrees, rng),
        _jittered_crop(np.asarray(turned, np.uint8), there, side, degrees + angle, rng),
    )


def _jittered_crop(
    pixels: NDArray[np.uint8], middle: NDArray[np.float64], side: float, degrees: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    x, y = middle + rng.normal(0, JITTER * side, 2)
    half = side / 2 * float(np.exp(rng.normal(0, JITTER)))
    roll = degrees + float(rng.normal(0, ROLL_JITTER))
    return turned_crop(pixels, (x - half, y - half, x + half, y + half), roll).pixels


def _print_scanned(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    # A generator of its own per half: both halves meet the very same printer and scanner.
    return print_scan(pixels, np.random.default_rng(seed))
