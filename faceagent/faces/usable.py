"""Which questions a face is usable for: one table of minimums per question, and the reasons when it is not.

The minimums are low on purpose. They exclude faces on which a tool's answer would be meaningless; how much a poor
face weakens an answer is decided by the judge. This module knows numbers and no pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faceagent.faces.needs import NOTHING, table
from faceagent.faces.part_visibility import Occlusion, cover_parts, visible_share
from faceagent.faces.quality import COMPONENTS, Measured
from faceagent.faces.quality_score import unified
from faceagent.types import QUESTIONS, Face, PartVisibility, Quality, Question, Reason


@dataclass(frozen=True)
class Minimum:
    """The least values that a question needs: px of the box's shorter side, and components 0-100."""

    side: float = 0
    resolution: float = 0
    sharpness: float = 0
    exposure: float = 0
    visibility: float = 0
    """Of ``Measured.trust``: what of the parts is hidden is judged by what the question needs to see."""
    pose: float = 0
    landmarks: bool = False


MINIMUM: Mapping[Question, Minimum] = {
    "expression": Minimum(32, 20, 5, 2, 40, 15, landmarks=True),
    "action_units": Minimum(32, 20, 5, 2, 40, 15, landmarks=True),
    "forgery": Minimum(36, 25, 5, 5, 10),
    "morph": Minimum(64, 45, 15, 15, 60, 45),
    "spoof": Minimum(40, 30, 0, 5, 10),
    "identity": Minimum(32, 20, 5, 10, 30, 10),
    "age": Minimum(32, 20, 5, 10, 20, 10),
    "gender": Minimum(32, 20, 5, 10, 20, 10),
    "quality": Minimum(),
    "provenance": Minimum(),
}
"""A pose of 15 is about 67° of yaw, 45 about 48°. Morphs are made for passports, so the minimums for morph are those of
passport photographs. Expression is read from the shape of the mesh, which overexposed skin does not change much.
Forgeries in faces 36 to 48 px wide are found as often as in larger ones (docs/decisions/0027)."""


def obstacles(
    question: Question,
    side: float,
    measured: Measured,
    parts: Sequence[PartVisibility] = (),
    *,
    has_landmarks: bool,
) -> tuple[Reason, ...]:
    """Why a face whose box's shorter side is ``side`` px cannot be used for ``question``, gravest first; or nothing.

    ``parts``: the visibility of its parts; what hides a part that the question needs is a reason of its own.
    """
    hidden = hidden_reasons(question, parts)
    least, quality = MINIMUM[question], measured.quality
    checks: tuple[tuple[bool, Reason], ...] = (
        (side < least.side, "face_too_small"),
        (quality.resolution < least.resolution, "low_resolution"),
        (quality.pose < least.pose, "extreme_pose"),
        (least.landmarks and not has_landmarks, "no_landmarks"),
        (measured.trust < least.visibility, "occluded"),
        (quality.sharpness < least.sharpness, "too_blurry"),
        (quality.exposure < least.exposure, "too_dark" if measured.dark else "too_bright"),
    )
    return tuple(dict.fromkeys((*hidden, *(reason for failed, reason in checks if failed))))


def all_obstacles(
    side: float, measured: Measured, parts: Sequence[PartVisibility] = (), *, has_landmarks: bool
) -> dict[Question, tuple[Reason, ...]]:
    """``obstacles`` for every question that has any."""
    found = {
        question: obstacles(question, side, measured, parts, has_landmarks=has_landmarks) for question in QUESTIONS
    }
    return {question: reasons for question, reasons in found.items() if reasons}


def covered_face(face: Face, occlusion: Occlusion) -> Face:
    """The face with what covers its parts, and with the visibility, the quality and the uses that are left of it."""
    parts = cover_parts(face.parts, occlusion)
    visible = min(face.quality.visibility, visible_share(parts))
    values = {name: getattr(face.quality, name) for name in COMPONENTS} | {"visibility": visible}
    reasons: dict[Question, tuple[Reason, ...]] = {}
    for question in QUESTIONS:
        # A part that is covered was, before that was known, perhaps taken for a blurred or burnt out one.
        replaced = set(hidden_reasons(question, face.parts)) - _of_the_whole_face(question, face.quality)
        known = [reason for reason in face.reasons.get(question, ()) if reason not in replaced]
        if found := (*hidden_reasons(question, parts), *known):
            reasons[question] = tuple(dict.fromkeys(found))
    return face.model_copy(
        update={
            "parts": parts,
            "quality": Quality(unified=unified(values), **values),
            "usable_for": tuple(question for question in QUESTIONS if question not in reasons),
            "reasons": reasons,
        }
    )


def _of_the_whole_face(question: Question, quality: Quality) -> set[Reason]:
    """Reasons that hold for the face as a whole, whatever its parts show."""
    least = MINIMUM[question]
    found: set[Reason] = {"too_blurry"} if quality.sharpness < least.sharpness else set()
    return found | ({"too_dark", "too_bright"} if quality.exposure < least.exposure else set())


def hidden_reasons(question: Question, parts: Sequence[PartVisibility]) -> tuple[Reason, ...]:
    """What hides the parts that a question needs; nothing where it can do without them."""
    missing = table().question.get(question, NOTHING).missing({one.part: one for one in parts if one.reason})
    return tuple(dict.fromkeys(one.reason for one in missing if one.reason is not None))
