"""Which parts of a face can be seen: inside the picture, uncovered, sharp and neither burnt out nor black.

Five measures. Outside: the part's points against the border of the picture, and against what lies beyond a slanted or
round cut within it. Burnt out or black: the grey levels of the part have no range left. Blurred: no edges in a part of
an otherwise sharp face. Covered, and not recognised as that part: what the encoder's occlusion head found, put on top
by ``cover_parts``. The mesh guesses what it does not see, and sometimes squeezes a cut face into the picture; where the
detector's own points lie outside, its view of the border counts too, and a place that shows something else is told.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import ARCFACE_112, Pixels, apply, similarity, warp
from faceagent.faces.cut_edges import PhotographEdge, edge_of
from faceagent.faces.landmarks import five_points
from faceagent.faces.parts import OUTLINES, filled, inside_share, outline
from faceagent.types import PARTS, FacePart, Occluder, PartVisibility, Reason

Array = NDArray[np.float64]

INSIDE: Mapping[FacePart, float] = {"mouth": 0.7, "chin": 0.35, "forehead": 0.4}
INSIDE_DEFAULT = 0.6
"""Share of a part that must lie inside the picture. Half a mouth is no mouth; tight crops end within the chin."""
REACH = 0.03
"""How far a part may reach beyond the edge of the photograph, over the size of the face. The mesh of a cut face is
squeezed towards what is left of it: what it puts across the edge may lie beyond it as a whole. The forehead, which
tight portraits cut, may reach further: of it a part will do, and no action unit needs it."""
OWN_POINT: Mapping[FacePart, tuple[int, ...]] = {
    "right_brow": (0,),
    "right_eye": (0,),
    "right_cheek": (0,),
    "left_brow": (1,),
    "left_eye": (1,),
    "left_cheek": (1,),
    "nose": (2,),
    "mouth": (3, 4),
}
"""The detector's points that lie in or above a part: where one is outside the picture, so is the part."""
TOUCH, NEAR = 0.02, 0.15
"""Distances from the edge of the photograph over the size of the face: a face with a point nearer than the first is
cut, and the mesh of a cut face may be squeezed as far as the second reaches."""
SIDE = 224
"""px of the aligned crop on which blur and exposure are measured."""
BURNT, BLACK = 250, 6
FLAT = 0.8
"""Share of a part's pixels beyond these grey levels from which nothing can be read there."""
SMEARED = 0.12
"""Edge strength of a part over that of the rest of the face, below which it is blurred by itself."""
EDGED: tuple[FacePart, ...] = ("right_brow", "left_brow", "right_eye", "left_eye", "mouth")
"""Parts that have edges on every face; smooth skin is not blurred skin."""


@dataclass(frozen=True)
class Occlusion:
    """What the occlusion head found of the parts.

    ``covered``: how far each is covered, 0-1, and ``kinds`` by what; from ``limits`` on it counts as covered.
    ``likeness``: how much the place of each looks like that part, 0-1; below ``floors`` it shows something else.
    """

    covered: Mapping[FacePart, float]
    kinds: Mapping[FacePart, Occluder | None]
    limits: Mapping[FacePart, float]
    likeness: Mapping[FacePart, float] = field(default_factory=dict)
    floors: Mapping[FacePart, float] = field(default_factory=dict)


def part_visibility(pixels: Pixels, points5: Array, points: Array) -> tuple[PartVisibility, ...]:
    """The parts in the order of ``PARTS``, as far as border, blur and exposure tell.

    ``points5`` are the detector's points, ``points`` the 478 of the mesh, in px of an H×W×3 RGB picture.
    """
    edge = edge_of(pixels)
    inside = inside_shares(edge, points5, points)
    nearest = edge.distances(points) / face_size(points)
    matrix = similarity(five_points(points), np.asarray(ARCFACE_112) * (SIDE / 112))
    grey = np.asarray(cv2.cvtColor(warp(pixels, matrix, SIDE, "replicate"), cv2.COLOR_RGB2GRAY), np.uint8)
    placed = apply(matrix, points)
    masks = {part: filled(outline(placed, part), (SIDE, SIDE)).astype(bool) for part in PARTS}
    edges = _edges(grey)
    whole = float(np.mean([_mean(edges, masks[part]) for part in EDGED]))
    found = []
    for part in PARTS:
        burnt, black = _mean(grey >= BURNT, masks[part]), _mean(grey <= BLACK, masks[part])
        reason: Reason | None = None
        crosses = part != "forehead" and nearest[list(OUTLINES[part])].min() < -REACH
        if crosses or inside[part] < INSIDE.get(part, INSIDE_DEFAULT):
            reason = "outside_picture"
        elif max(burnt, black) >= FLAT:
            reason = "too_bright" if burnt > black else "too_dark"
        elif part in EDGED and _mean(edges, masks[part]) < SMEARED * whole:
            reason = "too_blurry"
        found.append(PartVisibility(part=part, visible=inside[part] * (1 - max(burnt, black)), reason=reason))
    return tuple(found)


def cover_parts(parts: Sequence[PartVisibility], occlusion: Occlusion) -> tuple[PartVisibility, ...]:
    """``parts`` with what covers them; what lies outside the picture stays outside.

    A part that is hidden for no other reason but whose place does not show it is "unrecognisable".
    """
    found = []
    for one in parts:
        covered = occlusion.covered.get(one.part, 0.0)
        changed: dict[str, float | str | None] = {"visible": one.visible * (1 - covered)}
        if covered >= occlusion.limits[one.part] and one.reason != "outside_picture":
            changed |= {"reason": "occluded", "covered_by": occlusion.kinds.get(one.part)}
        elif one.reason is None and one.part in occlusion.floors:
            # What of the part lies outside the picture does not look like it either.
            alike = occlusion.likeness.get(one.part, 1.0) * one.visible
            if alike < occlusion.floors[one.part]:
                changed["reason"] = "unrecognisable"
        found.append(PartVisibility.model_validate({**one.model_dump(), **changed}))
    return tuple(found)


def inside_shares(edge: PhotographEdge, points5: Array, points: Array) -> dict[FacePart, float]:
    """Share of every part that lies on the photograph, 0-1; points as for ``part_visibility``."""
    width, height = edge.width, edge.height
    shares = {part: edge.share_inside(outline(points, part)) for part in PARTS}
    out = (points5 < -0.5).any(axis=1) | (points5[:, 0] > width - 0.5) | (points5[:, 1] > height - 0.5)
    if not out.any():
        return shares
    # The detector saw the face reach beyond the border: stretch the mesh to its points, and take the worse of the two.
    fit = _affine(five_points(points), points5)
    stretched = points @ fit[:2] + fit[2]
    for part in PARTS:
        shares[part] = min(shares[part], inside_share(outline(stretched, part), width, height))
        if any(out[index] for index in OWN_POINT.get(part, ())):
            shares[part] = min(shares[part], 0.3)
    return shares


def parts_at_edge(pixels: Pixels, points: Array) -> frozenset[FacePart]:
    """Parts of a cut face that lie at the edge of an H×W×3 RGB photograph: there the mesh may be a guess.

    ``points`` are the 478 of the mesh, px.
    """
    distances = edge_of(pixels).distances(points) / face_size(points)
    if distances.min() >= TOUCH:
        return frozenset()
    return frozenset(part for part in PARTS if distances[list(OUTLINES[part])].min() < NEAR)


def face_size(points: Array) -> float:
    """The side of the square that has the diagonal of the box around N×2 points, px."""
    width, height = np.ptp(points, axis=0).tolist()
    return max(math.hypot(width, height) / math.sqrt(2), 1e-9)


def _affine(source: Array, target: Array) -> Array:
    """3×2: the affine map from source to target (both 5×2), least squares."""
    return np.asarray(np.linalg.lstsq(np.column_stack([source, np.ones(len(source))]), target, rcond=None)[0])


def _edges(grey: NDArray[np.uint8]) -> Array:
    """Strength of fine edges per pixel: what a small blur takes away."""
    smooth = cv2.GaussianBlur(grey.astype(np.float64), (0, 0), 2.0)
    return np.asarray(np.abs(grey - np.asarray(smooth, np.float64)))


def _mean(values: Array | NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    return float(values[mask].mean()) if mask.any() else 0.0


def visible_share(parts: Sequence[PartVisibility]) -> float:
    """How much of the face can be seen, 0-100: eyes, nose and mouth weigh as much as all the rest."""
    return 100 * sum(WEIGHTS[one.part] * (0.0 if one.reason else min(1.0, one.visible / 0.85)) for one in parts)


WEIGHTS: Mapping[FacePart, float] = {
    "forehead": 0.04,
    "right_brow": 0.07,
    "left_brow": 0.07,
    "right_eye": 0.15,
    "left_eye": 0.15,
    "nose": 0.14,
    "right_cheek": 0.08,
    "left_cheek": 0.08,
    "mouth": 0.16,
    "chin": 0.06,
}
