"""Which questions a face is usable for: one table of minimums per question, and the reasons when it is not.

The minimums are low on purpose. They exclude faces on which a tool's answer would be meaningless; how much a poor
face weakens an answer is decided by the judge. This module knows numbers and no pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from faceagent.faces.quality import Measured
from faceagent.types import QUESTIONS, Question, Reason


@dataclass(frozen=True)
class Minimum:
    """The least values that a question needs: px of the box's shorter side, and components 0-100."""

    side: float = 0
    resolution: float = 0
    sharpness: float = 0
    exposure: float = 0
    visibility: float = 0
    pose: float = 0
    landmarks: bool = False


MINIMUM: Mapping[Question, Minimum] = {
    "expression": Minimum(32, 20, 5, 2, 40, 15, landmarks=True),
    "action_units": Minimum(32, 20, 5, 2, 40, 15, landmarks=True),
    "forgery": Minimum(48, 35, 5, 5, 10),
    "morph": Minimum(64, 45, 15, 15, 60, 45),
    "spoof": Minimum(40, 30, 0, 5, 10),
    "identity": Minimum(32, 20, 5, 10, 30, 10),
    "age": Minimum(32, 20, 5, 10, 20, 10),
    "gender": Minimum(32, 20, 5, 10, 20, 10),
    "quality": Minimum(),
    "provenance": Minimum(),
}
"""A pose of 15 is about 67° of yaw, 45 about 48°. Morphs are made for passports, so the minimums for morph are those of
passport photographs. Expression is read from the shape of the mesh, which overexposed skin does not change much."""


def obstacles(question: Question, side: float, measured: Measured, *, has_landmarks: bool) -> tuple[Reason, ...]:
    """Why a face whose box's shorter side is ``side`` px is unusable for ``question``, gravest first; () if usable."""
    least, quality = MINIMUM[question], measured.quality
    checks: tuple[tuple[bool, Reason], ...] = (
        (side < least.side, "face_too_small"),
        (quality.resolution < least.resolution, "low_resolution"),
        (quality.pose < least.pose, "extreme_pose"),
        (least.landmarks and not has_landmarks, "no_landmarks"),
        (quality.visibility < least.visibility, "occluded"),
        (quality.sharpness < least.sharpness, "too_blurry"),
        (quality.exposure < least.exposure, "too_dark" if measured.dark else "too_bright"),
    )
    return tuple(reason for failed, reason in checks if failed)


def all_obstacles(side: float, measured: Measured, *, has_landmarks: bool) -> dict[Question, tuple[Reason, ...]]:
    """``obstacles`` for every question that has any."""
    found = {question: obstacles(question, side, measured, has_landmarks=has_landmarks) for question in QUESTIONS}
    return {question: reasons for question, reasons in found.items() if reasons}
