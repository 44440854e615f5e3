"""Pairs for the forgery detector: a portrait and the same portrait forged, with the same degradation.

Draws targets and donors, makes the forgeries, and refuses sets that would teach a shortcut. The same recipe and seed
give the same pairs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.records import LabelledCrop, Portrait
from evals.data.synthesis.spectrum import radial_profile, toward_profile
from evals.data.synthesis.splice import draw_regions, self_blend, splice, untouched
from evals.data.training_sets import TRAINING_SETS
from faceagent.encoder.crop import SCALE
from faceagent.encoder.regions import region_masks
from faceagent.errors import InputError
from faceagent.settings import Settings
from faceagent.types import Region
from finetune.data.sources import faces_of

SIZE = 224
SMALLEST = 0.4
"""Least share of the crop's resolution that degradation leaves."""
CANDIDATES = 12
"""Donors drawn, of which the one with the most similar face shape is taken."""


@dataclass(frozen=True)
class ForgeryHalf:
    """One half of a pair.

    Attributes:
        record: The crop after degradation.
        synthetic: True for a generated face.
        held_out: True on the validation side.
        profile: Radial spectrum after degradation, for the trivial baseline.
        regions: One mask per face region.
    """

    record: LabelledCrop
    synthetic: bool
    held_out: bool
    profile: NDArray[np.float64]
    regions: Mapping[Region, NDArray[np.uint8]]


@dataclass(frozen=True)
class PairPlan:
    """Pairs per set, and how often each maker and the spectrum match are used."""

    counts: Mapping[str, int]
    seed: int = 0
    spliced: float = 0.7
    spectrum: float = 0.5


def gather_faces(
    plan: PairPlan, folders: dict[str, Path], cache: Path, settings: Settings
) -> dict[str, list[LocatedFace]]:
    """The faces of every set of the plan. Raises InputError for a set that may not be trained on or is empty."""
    return {name: faces_of(name, folders, cache, settings) for name in plan.counts}


def draw_targets(plan: PairPlan, faces: Mapping[str, Sequence[LocatedFace]]) -> list[LocatedFace]:
    """The targets, in random order; a set smaller than its count is used more than once."""
    rng = np.random.default_rng(plan.seed)
    picked: list[LocatedFace] = []
    for name, count in plan.counts.items():
        rounds = [rng.permutation(len(faces[name])) for _ in range(-(-count // len(faces[name])))]
        picked += [faces[name][index] for index in np.concatenate(rounds)[:count]]
    return [picked[index] for index in rng.permutation(len(picked))]


def make_pairs(plan: PairPlan, faces: Mapping[str, Sequence[LocatedFace]]) -> Iterator[tuple[ForgeryHalf, ForgeryHalf]]:
    """Yield (untouched, forged) halves. Donors come from the target's side of the split."""
    targets = draw_targets(plan, faces)
    donors = {
        (name, side): [one for one in rows if one.held_out is side]
        for name, rows in faces.items()
        for side in (False, True)
    }
    opposite = {
        kind: [one for one in targets if TRAINING_SETS[one.origin].synthetic is not kind] for kind in (False, True)
    }
    for index, target in enumerate(targets):
        rng = np.random.default_rng((plan.seed, index))
        near = _donor(target, donors[target.origin, target.held_out], rng)
        yield _make_pair(target, near, opposite[TRAINING_SETS[target.origin].synthetic], plan, rng)


def _make_pair(
    target: LocatedFace, donor: LocatedFace, others: Sequence[LocatedFace], plan: PairPlan, rng: np.random.Generator
) -> tuple[ForgeryHalf, ForgeryHalf]:
    base = portrait(target, SIZE, SCALE, rng)
    regions = draw_regions(rng)
    if rng.random() < plan.spliced:
        forged = splice(base, portrait(donor, SIZE, SCALE, rng), regions, rng)
    else:
        forged = self_blend(base, regions, rng)
    halves = [untouched(base), forged]
    pixels = [half.pixels for half in halves]
    if others and rng.random() < plan.spectrum:
        # Both halves are filtered by what the untouched one needs: the pair must differ by the forgery alone.
        want = radial_profile(portrait(others[int(rng.integers(len(others)))], SIZE, SCALE).pixels)
        have = radial_profile(base.pixels)
        pixels = [toward_profile(one, have, want) for one in pixels]
    how = draw_degradation(rng, SIZE, smallest=SMALLEST)
    pixels = [degrade(one, how) for one in pixels]
    masks = region_masks(base.points, SIZE)
    first, second = (_half(half, base, target, one, masks) for half, one in zip(halves, pixels, strict=True))
    return first, second


def _half(
    half: LabelledCrop,
    base: Portrait,
    target: LocatedFace,
    pixels: NDArray[np.uint8],
    masks: Mapping[Region, NDArray[np.uint8]],
) -> ForgeryHalf:
    record = LabelledCrop(pixels, half.label, half.mask, half.source, half.origin, half.parameters)
    return ForgeryHalf(record, base.synthetic, target.held_out, radial_profile(pixels), masks)


def _donor(target: LocatedFace, rows: Sequence[LocatedFace], rng: np.random.Generator) -> LocatedFace:
    """Another person of the same set and side with a similar face shape."""
    drawn = [rows[int(index)] for index in rng.integers(len(rows), size=CANDIDATES)]
    others = [one for one in drawn if one.source != target.source]
    if not others:
        raise InputError(f"{target.origin} has too few people on one side of the split to take donors from.")
    return min(others, key=target.shape_distance)


def check_pairs(sources: Sequence[str], synthetic: Sequence[bool], held_out: Sequence[bool]) -> None:
    """Refuse what cannot be trained on: an empty set, a missing or rare class, a source on both sides.

    One entry per pair. Raises InputError with the reason.
    """
    if not sources:
        raise InputError("There is not a single pair to train on.")
    sides: dict[str, set[bool]] = {}
    for source, side in zip(sources, held_out, strict=True):
        sides.setdefault(source, set()).add(side)
    if leaking := sorted(source for source, both in sides.items() if len(both) > 1):
        raise InputError(f"{len(leaking)} sources lie in training and validation, {leaking[0]!r} among them.")
    for side, name in ((False, "training"), (True, "validation")):
        count = Counter(kind for kind, held in zip(synthetic, held_out, strict=True) if held is side)
        if min(count[True], count[False]) * 10 < sum(count.values()) or not count:
            raise InputError(
                f"The {name} side is unbalanced: {count[False]} pairs of photographs, {count[True]} synthetic.",
                remedy="Neither may be less than a tenth.",
            )
