"""Picture quality of a face as evidence: the components that ``faceagent.faces.quality`` measured, and their limits.

Nothing is measured here. The numbers are our own scales, named after ISO/IEC 29794-5, uncalibrated.
"""

from collections.abc import Sequence

from faceagent.faces.needs import cause, clause, hidden_parts
from faceagent.faces.quality_score import lost, weakest
from faceagent.settings import Settings
from faceagent.tools.base import UNUSABLE, ToolSpec, View, stamped
from faceagent.types import QUESTIONS, Evidence, Face, Question, Reason, Score, ToolStamp

DESCRIPTIONS = {
    "sharpness": "how crisp its edges are",
    "illumination": "how evenly both sides are lit",
    "exposure": "whether it is neither too dark nor too bright",
    "resolution": "how many pixels it has",
    "pose": "how far it faces the camera",
    "visibility": "how much of it is seen",
    "detection": "how surely it is found as a face",
}
LEAST_LOST = 1.0
"""Points that a component must take away to be told of."""
MOST_LOST = 2
"""Components that the sentence tells of."""


class QualityTool:
    """Reports the components of ``Face.quality``, one piece of evidence each, and the overall score with its limits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def spec(self) -> ToolSpec:
        """The description of the tool."""
        return ToolSpec(
            name="quality",
            version="2.0.0",
            title="Picture quality",
            summary="Sharpness, illumination, exposure, resolution, pose, visibility and detection of a face, 0-100 "
            "each, and how much they cost the other tools.",
            questions=("quality",),
            scope="face",
            weights=("yunet", "face_landmarker"),
        )

    def stamp(self) -> ToolStamp:
        """The measures are plain arithmetic on the CPU, on what these weights found."""
        return stamped(self.spec)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Eight pieces of evidence per face, and one more where parts of it cannot be seen."""
        tool = self.stamp()
        return [() if view.face is None else _evidence(tool, view.face) for view in batch]


def _evidence(tool: ToolStamp, face: Face) -> tuple[Evidence, ...]:
    components = tuple(
        Evidence(
            id=f"{face.id}:{name}",
            tool=tool,
            question="quality",
            subject=face.id,
            label=name,
            score=Score(value=getattr(face.quality, name), scale="percent"),
            statement=f"{name.capitalize()} ({meaning}) is {getattr(face.quality, name):.0f} of 100.",
        )
        for name, meaning in DESCRIPTIONS.items()
    )
    values = {name: float(getattr(face.quality, name)) for name in DESCRIPTIONS}
    taken = {name: points for name, points in lost(values).items() if points >= LEAST_LOST}
    lowered = ", ".join(f"{name} by {points:.0f}" for name, points in list(taken.items())[:MOST_LOST])
    why = f" (lowered most by {lowered})" if lowered else ""
    unified = Evidence(
        id=f"{face.id}:quality",
        tool=tool,
        question="quality",
        subject=face.id,
        label="unified",
        score=Score(value=face.quality.unified, scale="percent"),
        facts={
            "weakest": weakest(values),
            **{f"lowered_by_{name}": round(points, 1) for name, points in taken.items()},
            **{f"unusable_for_{question}": reasons[0] for question, reasons in _limits(face)},
        },
        cites=tuple(item.id for item in components),
        statement=f"Overall quality is {face.quality.unified:.0f} of 100{why}; {_format_limits(face)}.",
    )
    return (*components, *_parts(tool, face), unified)


def _parts(tool: ToolStamp, face: Face) -> tuple[Evidence, ...]:
    """What of the face cannot be seen, and why; nothing where all can, or where it was not measured."""
    missing = tuple(hidden_parts(face).values())
    if not missing:
        return ()
    words = clause(missing)
    return (
        Evidence(
            id=f"{face.id}:hidden_parts",
            tool=tool,
            question="quality",
            subject=face.id,
            label=cause(missing),
            facts={one.part: one.reason or "" for one in missing},
            statement=f"{words[0].upper()}{words[1:]}.",
        ),
    )


def _limits(face: Face) -> list[tuple[Question, tuple[Reason, ...]]]:
    return [(question, face.reasons[question]) for question in QUESTIONS if face.reasons.get(question)]


def _format_limits(face: Face) -> str:
    """The limits as a clause, questions with the same reason together."""
    groups: dict[Reason, list[str]] = {}
    for question, reasons in _limits(face):
        groups.setdefault(reasons[0], []).append(question.replace("_", " "))
    if not groups:
        return "the face can be used for every question"
    return "; ".join(
        f"not usable for {', '.join(names)}, because {UNUSABLE[reason]}" for reason, names in groups.items()
    )
