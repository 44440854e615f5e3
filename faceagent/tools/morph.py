"""Morphs: does a document picture show more than the one person it should?

``Morph`` reads the one picture (S-MAD in ISO/IEC 20059): the encoder's ``morph`` branch detects what averaging two
faces leaves in frozen features. It was trained on landmark morphs of our own making, frontal faces only.
``MorphDifferential`` compares with reference pictures (D-MAD). A morph resembles each of its contributors less than
their own photographs do, so the evidence is the dissimilarity to the reference, by SFace's cosine. It means something
only under a claim of identity: pictures of two different people are dissimilar too, so below ``STRANGER`` the tool
does not answer. Years, pose and light lower the cosine as well; the calibration was fitted on photographs of different
days. There its likelihood ratio stays below 10 for every cosine above that threshold: alone it can clear a picture or
raise a doubt, but it never decides for a morph. The distance between the two face shapes is reported, not fused.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from faceagent.settings import Settings
from faceagent.tools import familiarity
from faceagent.tools.base import FollowUp, ToolSpec, View, not_measured, per_face
from faceagent.tools.encoder_branch import branch_crops, encoder_stamp
from faceagent.tools.familiarity import distance_evidence
from faceagent.tools.identity import WEIGHTS, Identity
from faceagent.tools.identity_evidence import ReferenceMatch, usable_references
from faceagent.types import Evidence, Face, Reason, Score, ToolStamp

if TYPE_CHECKING:
    from faceagent.encoder.encoder import Encoder

BRANCH = "morph"
SINGLE = "morph/single-1"
CALIBRATION = "morph/differential-1"
STRANGER = 0.2
"""Least cosine for which a morph can be asked about: none of 315 genuine pairs of LFW lies below it."""
LIMIT = 0.999
"""Cosines are clipped here, so that a copy of the reference has a finite score."""
_NOT_COMPARED: dict[Reason, str] = {
    "same_file": "the reference is the same file",
    "reference_unusable": "no reference shows a face that can be compared",
    "references_differ": "the references do not look like one person",
}


def dissimilarity(cosine: float) -> float:
    """ln((1 - c) / (1 + c)): the cosine as a logit that rises with dissimilarity."""
    clipped = min(max(cosine, -LIMIT), LIMIT)
    return math.log((1 - clipped) / (1 + clipped))


def shape_distance(first: Face, second: Face) -> float:
    """Distance of two meshes after moving, turning and scaling one onto the other (Procrustes), 0 to 1."""
    z, w = (_centred(face) for face in (first, second))
    return float(np.sqrt(max(0.0, 1.0 - abs(complex(np.vdot(z, w))) ** 2)))


class Morph:
    """One pass of the encoder per batch, shared with other tools that read the same crops."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="morph",
        version="2.0.0",
        title="Morph detector",
        summary="Whether a face is a blend of two people, as used against document checks.",
        questions=("morph",),
        follow_ups=(
            FollowUp(verdict="morph", answers="morph", crop="closer", priority=1),
            FollowUp(verdict="morph", answers="morph", crop="wider", priority=2),
        ),
        scope="face",
        weights=("dinov2_vits14_224",),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version, tower and adapter, and the device they run on."""
        return encoder_stamp(self.spec, self._encoder())

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Two items per face: ``F1:morph``, the branch's logit, and how far the face is from the training faces."""
        return per_face(batch, self._measure)

    def _measure(self, faces: Sequence[tuple[View, Face]]) -> list[tuple[Evidence, ...]]:
        encoder, by = self._encoder(), self.stamp()
        crops = branch_crops(encoder, BRANCH, faces)
        outputs = encoder.run([crop.pixels for crop in crops], [BRANCH, familiarity.BRANCH])
        wholes = familiarity.axes_of(encoder, outputs[familiarity.BRANCH])
        return [
            (single := _single(by, view, float(logit)), distance_evidence(by, view, "morph", whole, (single.id,)))
            for (view, _), logit, whole in zip(faces, outputs[BRANCH].logits[:, 0], wholes, strict=True)
        ]

    def _encoder(self) -> "Encoder":
        from faceagent.encoder.encoder import load_encoder

        return load_encoder(self._settings, (BRANCH, familiarity.BRANCH))


class MorphDifferential:
    """SFace between the picture and every reference; the references' mean decides."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="morph_differential",
        version="1.1.0",
        title="Differential morph detector",
        summary="Whether a face is a blend of the reference person with somebody else.",
        questions=("morph",),
        follow_ups=(
            FollowUp(verdict="morph", answers="morph", priority=0),
            FollowUp(verdict="forgery", answers="morph", priority=1),
        ),
        scope="face",
        needs=("landmarks", "reference"),
        weights=(WEIGHTS,),
    )

    def __init__(self, settings: Settings) -> None:
        self._identity = Identity(settings)

    def stamp(self) -> ToolStamp:
        """Name, version, weights, and the device they run on."""
        by = self._identity.stamp()
        return ToolStamp(name=self.spec.name, version=self.spec.version, weights=by.weights, device=by.device)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One item per face: ``F1:morph_differential``, the logit of dissimilarity to the references."""
        return per_face(batch, lambda faces: [(self._compared(view, face),) for view, face in faces])

    def _compared(self, view: View, face: Face) -> Evidence:
        found = usable_references(view)
        match = self._identity.match(view, found.usable) if found.usable else None
        if not isinstance(match, ReferenceMatch):
            reason: Reason = "references_differ"
            if not found.usable:
                reason = "same_file" if "same_file" in found.left_out.values() else "reference_unusable"
            words = f"{self.spec.title}: not measured, {_NOT_COMPARED[reason]}."
            return not_measured(self.spec, view, "not_applicable", reason, words)
        cosine = match.mean
        meshes = [one.face for one in match.views if one.face is not None and one.face.landmarks]
        if cosine < STRANGER:
            words = (
                f"{self.spec.title}: not measured, the face and the reference are too unlike to be one person or a "
                f"morph of them (cosine similarity {cosine:.2f}, at least {STRANGER} is needed)."
            )
            return not_measured(self.spec, view, "not_applicable", "not_measurable", words)
        facts: dict[str, float | str] = {"cosine": cosine, "references_compared": float(len(match.views))}
        if meshes:
            facts["shape_distance"] = float(np.mean([shape_distance(face, other) for other in meshes]))
        return Evidence(
            id=f"{view.subject}:{self.spec.name}",
            tool=self.stamp(),
            question="morph",
            subject=view.subject,
            score=Score(value=dissimilarity(cosine), scale="logit", calibration=CALIBRATION),
            facts=facts,
            statement=f"The face and {match.named(found)} have a cosine similarity of {cosine:.2f}; a morph resembles "
            f"each of its people less than their own photographs do.{found.note()}",
        )


def _single(by: ToolStamp, view: View, logit: float) -> Evidence:
    return Evidence(
        id=f"{view.subject}:{by.name}",
        tool=by,
        question="morph",
        subject=view.subject,
        score=Score(value=logit, scale="logit", calibration=SINGLE),
        # Which side an output speaks for is the calibration's to say.
        statement=f"The single-image morph detector's raw output is {logit:.2f}; it knows morphs made by landmarks.",
    )


def _centred(face: Face) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    points = np.asarray(face.landmarks, dtype=np.float64) @ np.array([1, 1j])
    points = points - points.mean()
    return np.asarray(points / max(float(np.linalg.norm(points)), 1e-12), dtype=np.complex128)
