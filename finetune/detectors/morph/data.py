"""Pairs for the single-image morph detector: a bona fide document picture, and the same picture morphed.

Both halves get the same degradation and the same crop, so that neither framing nor compression reveals the class; some
bona fide halves are warped and warped back, so that resampling does not either. The contributor lies in the fold of the
first person. The same seed gives the same pairs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.morph import Finish, Method, morph, self_warp
from evals.data.synthesis.recapture import print_scan
from faceagent.encoder.crop import face_crop
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
JITTER = 0.02
"""Standard deviation of the crop's place and size, over the face box."""


@dataclass(frozen=True)
class MorphHalf:
    """One picture, 224×224×3 as the branch takes it, and what it is."""

    pixels: NDArray[np.uint8]
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
    degradation, box = draw_degradation(rng, SIZE, smallest=0.5), _box(rng)
    first, second = (
        face_crop(degrade(_print_scanned(one, seed) if printed else one, degradation), box).pixels
        for one in (bona_fide, morphed)
    )
    whose = target.source, target.origin
    return (
        MorphHalf(first, False, *whose, "self_warp" if controlled else "none", "none"),
        MorphHalf(second, True, *whose, method, finish),
    )


def _print_scanned(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    # A generator of its own per half: both halves meet the very same printer and scanner.
    return print_scan(pixels, np.random.default_rng(seed))


def _box(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """The face box in a crop of ``MARGIN``, as a face finder would place it."""
    half, side = SIZE / 2, SIZE / MARGIN
    move = rng.normal(0, JITTER * side, 2)
    reach = side / 2 * float(np.exp(rng.normal(0, JITTER)))
    return (half + move[0] - reach, half + move[1] - reach, half + move[0] + reach, half + move[1] + reach)
