"""More evidence where a verdict is not firm: what there is to ask for, and how a second look is taken.

A second look at the same pixels is no independent evidence, and calibrations hold for the usual crop only; so it is
recorded and told, and never weighed. What is weighed is evidence of another kind: a comparison with the reference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from faceagent.agent.chat.state import CropScale, ToolCall
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.tools.base import Tool, View, measure
from faceagent.types import Evidence, Face, Question, Score, Verdict

SCALES: dict[CropScale, float] = {"closer": 0.8, "wider": 1.25}
"""Sides of the face box for another look, in sides of the box."""
LOOKS = ("_closer", "_wider")
"""How the ids of second looks end."""


class Step(NamedTuple):
    """Something that can still be measured about a question."""

    tool: str
    look: CropScale
    answers: Question


STEPS: dict[Question, tuple[Step, ...]] = {
    "forgery": (
        Step("frequency", "", "forgery"),
        Step("forgery", "closer", "forgery"),
        Step("forgery", "wider", "forgery"),
        Step("morph_differential", "", "morph"),
    ),
    "morph": (
        Step("morph_differential", "", "morph"),
        Step("morph", "closer", "morph"),
        Step("morph", "wider", "morph"),
    ),
    "spoof": (Step("spoof", "closer", "spoof"), Step("spoof", "wider", "spoof")),
}
"""What to ask for, the most telling first."""


def open_verdict(verdict: Verdict) -> bool:
    """Whether more evidence could help: measured, and not firm."""
    return verdict.status != "stable" and verdict.reason not in (
        "face_unusable", "no_face", "no_reference", "reference_unusable", "no_evidence", "uncalibrated", "same_file",
    )  # fmt: skip


def calls_for(decided: Mapping[str, Sequence[Verdict]], done: Callable[[str, Verdict, Step], bool]) -> list[ToolCall]:
    """The calls that open verdicts ask for, one per tool and look; ``done`` says what is there or cannot be had."""
    calls: dict[tuple[str, CropScale], ToolCall] = {}
    for item, verdicts in decided.items():
        for verdict in filter(open_verdict, verdicts):
            for step in STEPS.get(verdict.question, ()):
                if done(item, verdict, step):
                    continue
                call = calls.setdefault(
                    (step.tool, step.look),
                    ToolCall(
                        tool=step.tool, items=[], faces={}, questions=[step.answers], look=step.look,
                        again=False, why=f"{verdict.question}:{verdict.status}",
                    ),
                )  # fmt: skip
                faces = call["faces"].setdefault(item, [])
                if item not in call["items"]:
                    call["items"].append(item)
                if verdict.subject not in faces:
                    faces.append(verdict.subject)
    return list(calls.values())


def look_again(
    tool: Tool, views: Sequence[View], look: CropScale, known: Sequence[Sequence[Evidence]]
) -> list[Evidence]:
    """Second looks at faces through crops of another size; ``known`` is the first evidence about each view."""
    turned = [replace(view, face=_scaled(view.face, SCALES[look])) for view in views if view.face is not None]
    found: list[Evidence] = []
    for group, first in zip(measure(tool, turned), known, strict=True):
        before = {item.id: item for item in first}
        found += [
            _told(item, before[item.id], look)
            for item in group
            if item.id in before and item.score and isinstance(calibration_of(item), Platt)
        ]
    return found


def _scaled(face: Face, scale: float) -> Face:
    x0, y0, x1, y1 = face.box
    x, y, half_w, half_h = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) * scale / 2, (y1 - y0) * scale / 2
    return face.model_copy(update={"box": (x - half_w, y - half_h, x + half_w, y + half_h)})


def _told(item: Evidence, first: Evidence, look: CropScale) -> Evidence:
    """The second look beside the first: which side each speaks for, and no calibration of its own."""
    fitted = calibration_of(item)
    if item.score is None or first.score is None or not isinstance(fitted, Platt):
        return item
    sides = [
        fitted.positive if fitted.ratio(score.value).value >= 0 else fitted.negative
        for score in (first.score, item.score)
    ]
    agrees = sides[0] == sides[1]
    words = (
        f"Looked at again in a {look} crop, {item.id.rpartition(':')[2].replace('_', ' ')} scores "
        f"{item.score.value:.2f} where the first look scored {first.score.value:.2f}: "
        f"{'both lean' if agrees else f'the first leans towards {_plain(sides[0])}, this one'} "
        f"towards {_plain(sides[1])}. It is not weighed: the calibration holds for the usual crop."
    )
    return item.model_copy(
        update={
            "id": f"{item.id}_{look}",
            "score": Score(value=item.score.value, scale=item.score.scale),
            "facts": {"first": first.score.value, "agrees": "yes" if agrees else "no"},
            "heatmap": None,
            "statement": words,
        }
    )


def _plain(label: str) -> str:
    return label.replace("_", " ")
