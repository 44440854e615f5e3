"""Pairs for the forgery detector: a portrait and the same portrait forged, with the same history.

Draws targets and donors, makes the forgeries, stores both halves as a picture of a random size and compression, and
cuts the face out as the product does. The same recipe and seed give the same pairs. Both halves of a pair differ by the
forgery alone: that is what keeps a shortcut out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import as_video_frame, compress, degrade, draw_degradation
from evals.data.synthesis.face_edits import fill, graft, reenact, swap
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.records import LabelledCrop, Portrait
from evals.data.synthesis.spectrum import radial_profile
from evals.data.synthesis.splice import draw_regions, self_blend, splice, untouched
from evals.data.training_sets import TRAINING_SETS
from faceagent.encoder.crop import SCALE, Crop, turned_crop
from faceagent.encoder.regions import region_masks
from faceagent.errors import InputError
from faceagent.faces.mesh_box import mesh_box
from faceagent.settings import Settings
from faceagent.types import Region
from finetune.data.sources import faces_of

SIZE = 224
WORK, MARGIN = 288, 1.35
"""px of the square that forgeries are made in, and its side over the longer side of the face box."""
SMALLEST = 0.4
"""Least size of the stored picture over ``WORK``: a face of about 85 px."""
CANDIDATES = 12
"""Donors drawn, of which the one with the most similar face shape is taken."""
TWICE, VIDEO = 0.3, 0.25
"""Shares of pairs that are compressed before as well, and that are frames of a video."""
SHIFTED, SCALED, TILTED = 0.02, 0.03, 2.0
"""Standard deviations of the crop against the landmarks: over its side, of its logarithm, and in degrees."""
MAKERS = ("splice", "graft", "self_blend", "swap", "reenact", "fill")
PAIRED = ("splice", "graft", "swap")
"""Makers that take a donor."""


@dataclass(frozen=True)
class ForgeryHalf:
    """One half of a pair.

    Attributes:
        record: The crop after its history.
        maker: What made the forged half of the pair.
        held_out: True on the validation side.
        profile: Radial spectrum of the crop, for the trivial baseline.
        regions: One mask per face region.
    """

    record: LabelledCrop
    maker: str
    held_out: bool
    profile: NDArray[np.float64]
    regions: Mapping[Region, NDArray[np.uint8]]


@dataclass(frozen=True)
class PairPlan:
    """Pairs per set, pictures looked at per set (default: all), and the share of every maker."""

    counts: Mapping[str, int]
    pictures: Mapping[str, int] = field(default_factory=dict)
    makers: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(MAKERS, 1.0))
    seed: int = 0


def gather_faces(
    plan: PairPlan, folders: dict[str, Path], cache: Path, settings: Settings, *, held_out: bool | None = None
) -> dict[str, list[LocatedFace]]:
    """The faces of every set of the plan, of one side of the split or of both.

    Raises InputError for a set that may not be trained on or is empty.
    """
    return {
        name: faces_of(name, folders, cache, settings, plan.pictures.get(name), held_out=held_out)
        for name in plan.counts
    }


def draw_targets(plan: PairPlan, faces: Mapping[str, Sequence[LocatedFace]]) -> list[LocatedFace]:
    """The targets, in random order; a set smaller than its count is used more than once."""
    rng = np.random.default_rng(plan.seed)
    picked: list[LocatedFace] = []
    for name, count in plan.counts.items():
        rounds = [rng.permutation(len(faces[name])) for _ in range(-(-count // len(faces[name])))]
        picked += [faces[name][index] for index in np.concatenate(rounds)[:count]]
    return [picked[index] for index in rng.permutation(len(picked))]


def make_pairs(
    plan: PairPlan, faces: Mapping[str, Sequence[LocatedFace]], *, held_out: bool | None = None
) -> Iterator[tuple[ForgeryHalf, ForgeryHalf]]:
    """Yield (untouched, forged) halves, of one side of the split or of both. Donors come from the target's side."""
    donors = {
        (name, side): [one for one in rows if one.held_out is side]
        for name, rows in faces.items()
        for side in (False, True)
    }
    names, shares = list(plan.makers), np.array(list(plan.makers.values()))
    for index, target in enumerate(draw_targets(plan, faces)):
        if held_out not in (None, target.held_out):
            continue
        rng = np.random.default_rng((plan.seed, index))
        maker = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        base = portrait(target, WORK, MARGIN)
        donor = None
        if maker in PAIRED:
            donor = portrait(similar_face(target, donors[target.origin, target.held_out], rng), WORK, MARGIN)
        first, second = with_history(base, [untouched(base), forge(maker, base, donor, rng)], rng)
        masks = region_masks(first[1], SIZE)
        yield (
            ForgeryHalf(first[0], maker, target.held_out, radial_profile(first[0].pixels), masks),
            ForgeryHalf(second[0], maker, target.held_out, radial_profile(second[0].pixels), masks),
        )


def forge(maker: str, base: Portrait, donor: Portrait | None, rng: np.random.Generator) -> LabelledCrop:
    """``base`` forged by that maker; those in ``PAIRED`` take a donor. Raises KeyError for an unknown maker."""
    if donor is not None:
        if maker == "splice":
            return splice(base, donor, draw_regions(rng), rng)
        return graft(base, donor, rng) if maker == "graft" else swap(base, donor, rng)
    alone = {"self_blend": lambda: self_blend(base, draw_regions(rng), rng)}
    return {**alone, "reenact": lambda: reenact(base, rng), "fill": lambda: fill(base, rng)}[maker]()


def with_history(
    base: Portrait, halves: Sequence[LabelledCrop], rng: np.random.Generator, *, video: bool = False
) -> list[tuple[LabelledCrop, NDArray[np.float64]]]:
    """The halves stored alike and cut out alike, each with the mesh in the crop's px; with ``video`` always a frame."""
    # Small sizes as often as large ones, on a scale of ratios: most faces that are judged are small.
    how = replace(draw_degradation(rng, WORK), side=round(WORK * SMALLEST ** float(rng.random())))
    before = int(rng.integers(50, 96)) if rng.random() < TWICE else None
    video = rng.random() < VIDEO or video
    zoom = how.side / WORK
    box, degrees = mesh_box(base.points * zoom)
    side = max(box[2] - box[0], box[3] - box[1])
    centre = np.array([box[0] + box[2], box[1] + box[3]]) / 2 + rng.normal(0, SHIFTED, 2) * side
    half = side / 2 * float(np.exp(rng.normal(0, SCALED)))
    placed = (*(centre - half).tolist(), *(centre + half).tolist())
    turn = degrees + float(rng.normal(0, TILTED))
    found = []
    for one in halves:
        pixels = one.pixels if before is None else compress(one.pixels, ".jpg", before)
        pixels = degrade(pixels, how, restore=False)
        crop = turned_crop(as_video_frame(pixels) if video else pixels, placed, turn, size=SIZE, scale=SCALE)
        record = LabelledCrop(
            crop.pixels, one.label, _moved_mask(one.mask, crop, zoom), one.source, one.origin, one.parameters
        )
        found.append((record, crop.place(base.points * zoom)))
    return found


def _moved_mask(mask: NDArray[np.float32], crop: Crop, zoom: float) -> NDArray[np.float32]:
    matrix = crop.matrix.copy()
    matrix[:, :2] *= zoom
    return np.asarray(cv2.warpAffine(mask, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT_101), np.float32)


def similar_face(target: LocatedFace, rows: Sequence[LocatedFace], rng: np.random.Generator) -> LocatedFace:
    """Another person of the same set and side with a similar face shape."""
    drawn = [rows[int(index)] for index in rng.integers(len(rows), size=CANDIDATES)]
    others = [one for one in drawn if one.source != target.source]
    if not others:
        raise InputError(f"{target.origin} has too few people on one side of the split to take donors from.")
    return min(others, key=target.shape_distance)


def check_pairs(sources: Sequence[str], synthetic: Sequence[bool], held_out: Sequence[bool]) -> None:
    """Refuse what cannot be trained on: an empty set, hardly any photographs, a source on both sides.

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
        if count[False] * 10 < sum(count.values()) or not count:
            raise InputError(
                f"The {name} side is unbalanced: {count[False]} pairs of photographs, {count[True]} synthetic.",
                remedy="Photographs may not be less than a tenth.",
            )


def synthetic_of(faces: Sequence[LocatedFace]) -> list[bool]:
    """Per face: whether a generator made it."""
    return [TRAINING_SETS[one.origin].synthetic for one in faces]
