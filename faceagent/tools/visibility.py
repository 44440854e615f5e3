"""From covered patches to covered parts of a face, what seems to cover them, and which are not where they should be.

A part is covered as far as its patches are, weighed by how much of each lies in it. The kind of object is that of
most covered patches of the whole face, corrected by where it lies: what hides both eyes and leaves the mouth is
no mask, and cloth over nose and mouth is one. A part is strange where the patches of its place look like other parts,
or like none: the mesh was laid over a face that is cut, or over something that is no face. At the edge of the
photograph, or where something may cover it in part, it has to look more like itself.
"""

import logging
from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import Crop, crop_face
from faceagent.encoder.regions import patch_cover
from faceagent.errors import ModelUnavailable
from faceagent.faces import find_faces
from faceagent.faces.align import Pixels
from faceagent.faces.part_visibility import Occlusion, parts_at_edge
from faceagent.faces.parts import part_masks
from faceagent.faces.usable import covered_face
from faceagent.settings import Settings
from faceagent.types import PARTS, Face, FacePart, Occluder, Picture

if TYPE_CHECKING:
    from faceagent.encoder.occlusion import PatchOcclusion

logger = logging.getLogger(__name__)

Reals = NDArray[np.float64]

FEWEST = 0.5
"""Patches that a part must have inside the picture for its cover to be told."""
NAMED = 0.5
"""Mean probability of one kind over the covered patches from which it is named."""
PLACED = 0.25
"""The same for a mask that hides just what masks hide: a plain one looks much like paper."""
WORN_OVER: frozenset[FacePart] = frozenset({"nose", "right_cheek", "left_cheek", "mouth", "chin"})
DOUBT = 0.5
"""Share of the limit from which something may cover a part."""
COVERED = 0.5


def with_occlusion(
    pictures: Sequence[tuple[Callable[[], Pixels], tuple[Face, ...]]], settings: Settings
) -> list[tuple[Face, ...]]:
    """The faces of every picture, each with what covers its parts, and with the quality and uses that are left.

    All crops of all pictures go through the tower in one batch, the one that the detectors on it continue from.
    Without the tower's weights the faces come back as they are, which is logged. So do those beyond
    ``settings.max_faces``, the smallest of a crowd, which are compared and not described.
    """
    if not any(face.landmarks for _, faces in pictures for face in faces[: settings.max_faces]):
        return [faces for _, faces in pictures]  # without torch, whose import takes longer than such a picture
    from faceagent.encoder.occlusion import load_head, look

    crops: list[Crop] = []
    edges: list[frozenset[FacePart]] = []
    try:
        margin = load_head().card.margin
        for pixels_of, faces in pictures:
            meshes = [face for face in faces[: settings.max_faces] if face.landmarks]
            pixels = pixels_of() if meshes else np.zeros((1, 1, 3), np.uint8)
            crops += [crop_face(pixels, face, scale=margin) for face in meshes]
            edges += [_at_edge(pixels, face) for face in meshes]
        found = iter(zip(look(crops, settings), edges, strict=True))
    except ModelUnavailable as error:
        logger.warning("what covers a face is not measured: %s", error)
        return [faces for _, faces in pictures]
    return [
        tuple(
            covered_face(face, parts_of(*next(found), np.asarray(face.landmarks)))
            if face.landmarks and index < settings.max_faces
            else face
            for index, face in enumerate(faces)
        )
        for _, faces in pictures
    ]


def _at_edge(pixels: Pixels, face: Face) -> frozenset[FacePart]:
    """``parts_at_edge`` within the photograph that the face is on."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = face.frame.content if face.frame is not None else (0, 0, width, height)
    return parts_at_edge(pixels[y0:y1, x0:x1], np.asarray(face.landmarks) - (x0, y0))


def find_visible_faces(picture: Picture, pixels: Pixels, settings: Settings) -> tuple[Face, ...]:
    """``faces.find_faces`` with what covers the faces: what every analysis starts from."""
    return with_occlusion([(lambda: pixels, find_faces(picture, pixels, settings))], settings)[0]


def parts_of(patches: "PatchOcclusion", at_edge: Container[FacePart], points: Reals) -> Occlusion:
    """One face's parts from its patches.

    ``at_edge``: parts at the edge of the photograph. ``points``: 478×2 mesh points in px of the picture.
    """
    weights, card = _weights(patches, points), patches.head.card
    covered = dict.fromkeys(PARTS, 0.0) | {part: _mean(patches.covered, weight) for part, weight in weights.items()}
    hidden = [part for part in PARTS if covered[part] >= card.limits[part]]
    kind = _kind(patches, sum((weights[part] for part in hidden), np.zeros(len(patches.covered))), hidden)
    floors = {
        part: max(
            card.floors[part],
            card.edge_floors[part] if part in at_edge else 0.0,
            card.doubt_floors[part] if covered[part] >= DOUBT * card.limits[part] else 0.0,
        )
        for part in PARTS
    }
    return Occlusion(
        covered, dict.fromkeys(hidden, kind), card.limits, likeness=_likeness(patches, weights), floors=floors
    )


def likeness_of(patches: "PatchOcclusion", points: Reals) -> dict[FacePart, float]:
    """How much the place of every part inside the picture looks like that part, 0-1, the mean over its patches."""
    return _likeness(patches, _weights(patches, points))


def _likeness(patches: "PatchOcclusion", weights: Mapping[FacePart, Reals]) -> dict[FacePart, float]:
    return {part: _mean(patches.parts[:, PARTS.index(part)], weight) for part, weight in weights.items()}


def _weights(patches: "PatchOcclusion", points: Reals) -> dict[FacePart, Reals]:
    """How much every patch inside the picture counts for a part; only parts with ``FEWEST`` of them."""
    size = patches.crop.pixels.shape[0]
    grid = round(len(patches.covered) ** 0.5)
    masks = part_masks(patches.crop.place(points), (size, size))
    found = {part: np.asarray(patch_cover(masks[part], grid).ravel() * patches.inside, np.float64) for part in PARTS}
    return {part: weight for part, weight in found.items() if weight.sum() >= FEWEST}


def _mean(values: NDArray[np.float32], weight: Reals) -> float:
    return float(weight @ values / weight.sum())


def _kind(patches: "PatchOcclusion", weight: Reals, hidden: Sequence[FacePart]) -> Occluder | None:
    """What covers the hidden parts, or None where no kind stands out."""
    weight = weight * (patches.covered > COVERED)
    if weight.sum() <= 0:
        return None
    shares: Mapping[Occluder, float] = dict(
        zip(patches.head.card.labels, (weight @ patches.kinds / weight.sum()).tolist(), strict=True)
    )
    eyes, mouth = {"right_eye", "left_eye"} & set(hidden), "mouth" in hidden
    least = PLACED if set(hidden) == WORN_OVER else NAMED
    if mouth and "nose" in hidden and not eyes and shares["mask"] + shares["cloth"] >= least:
        return "mask"
    best = max(shares, key=lambda kind: shares[kind])
    if shares[best] < NAMED or (best == "sunglasses" and not eyes) or (best == "mask" and not mouth):
        return None
    return best
