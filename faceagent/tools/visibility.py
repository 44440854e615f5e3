"""From covered patches to covered parts of a face, and what seems to cover them.

A part is covered as far as its patches are, weighed by how much of each lies in it. The kind of object is that of
most covered patches of the whole face, corrected by where it lies: what hides both eyes and leaves the mouth is
no mask, and cloth over nose and mouth is one.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import Crop, crop_face
from faceagent.encoder.occlusion import PatchOcclusion, load_head, look
from faceagent.encoder.regions import patch_cover
from faceagent.errors import ModelUnavailable
from faceagent.faces import find_faces
from faceagent.faces.align import Pixels
from faceagent.faces.part_visibility import Occlusion
from faceagent.faces.parts import part_masks
from faceagent.faces.usable import covered_face
from faceagent.settings import Settings
from faceagent.types import PARTS, Face, FacePart, Occluder, Picture

logger = logging.getLogger(__name__)

Reals = NDArray[np.float64]

FEWEST = 0.5
"""Patches that a part must have inside the picture for its cover to be told."""
NAMED = 0.5
"""Mean probability of one kind over the covered patches from which it is named."""
COVERED = 0.5


def with_occlusion(
    pictures: Sequence[tuple[Callable[[], Pixels], tuple[Face, ...]]], settings: Settings
) -> list[tuple[Face, ...]]:
    """The faces of every picture, each with what covers its parts, and with the quality and uses that are left.

    All crops of all pictures go through the tower in one batch, the one that the detectors on it continue from.
    Without the tower's weights the faces come back as they are, which is logged. So do those beyond
    ``settings.max_faces``, the smallest of a crowd, which are compared and not described.
    """
    crops: list[Crop] = []
    try:
        margin = load_head().card.margin
        for pixels_of, faces in pictures:
            meshes = [face for face in faces[: settings.max_faces] if face.landmarks]
            pixels = pixels_of() if meshes else np.zeros((1, 1, 3), np.uint8)
            crops += [crop_face(pixels, face, scale=margin) for face in meshes]
        found = iter(look(crops, settings))
    except ModelUnavailable as error:
        logger.warning("what covers a face is not measured: %s", error)
        return [faces for _, faces in pictures]
    return [
        tuple(
            covered_face(face, parts_of(next(found), np.asarray(face.landmarks)))
            if face.landmarks and index < settings.max_faces
            else face
            for index, face in enumerate(faces)
        )
        for _, faces in pictures
    ]


def find_visible_faces(picture: Picture, pixels: Pixels, settings: Settings) -> tuple[Face, ...]:
    """``faces.find_faces`` with what covers the faces: what every analysis starts from."""
    return with_occlusion([(lambda: pixels, find_faces(picture, pixels, settings))], settings)[0]


def parts_of(patches: PatchOcclusion, points: Reals) -> Occlusion:
    """One face's parts from its patches; ``points`` are 478×2 mesh points in px of the picture."""
    size = patches.crop.pixels.shape[0]
    grid = round(len(patches.covered) ** 0.5)
    masks = part_masks(patches.crop.place(points), (size, size))
    weights: dict[FacePart, Reals] = {
        part: np.asarray(patch_cover(masks[part], grid).ravel() * patches.inside, np.float64) for part in PARTS
    }
    covered = {
        part: float(weight @ patches.covered / weight.sum()) if weight.sum() >= FEWEST else 0.0
        for part, weight in weights.items()
    }
    limits = patches.head.card.limits
    hidden = [part for part in PARTS if covered[part] >= limits[part]]
    kind = _kind(patches, sum((weights[part] for part in hidden), np.zeros(grid * grid)), hidden)
    return Occlusion(covered, dict.fromkeys(hidden, kind), limits)


def _kind(patches: PatchOcclusion, weight: Reals, hidden: Sequence[FacePart]) -> Occluder | None:
    """What covers the hidden parts, or None where no kind stands out."""
    weight = weight * (patches.covered > COVERED)
    if weight.sum() <= 0:
        return None
    shares: Mapping[Occluder, float] = dict(
        zip(patches.head.card.labels, (weight @ patches.kinds / weight.sum()).tolist(), strict=True)
    )
    eyes, mouth = {"right_eye", "left_eye"} & set(hidden), "mouth" in hidden
    if mouth and "nose" in hidden and not eyes and shares["mask"] + shares["cloth"] >= NAMED:
        return "mask"
    best = max(shares, key=lambda kind: shares[kind])
    if shares[best] < NAMED or (best == "sunglasses" and not eyes) or (best == "mask" and not mouth):
        return None
    return best
