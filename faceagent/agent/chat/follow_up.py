"""More evidence where a verdict is open: which follow-ups the tools offer, and how a face is measured once more.

A second measurement of the same pixels is no independent evidence, and calibrations hold for the usual crop only; so
it is recorded and reported, not fused. What is fused is evidence of another kind: a comparison with the reference.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from faceagent.agent.chat.state import ToolCall
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.tools.base import CropScale, FollowUp, Tool, ToolSpec, View, measure
from faceagent.types import Evidence, Face, Score, Verdict
from faceagent.upright import Box

SCALES: dict[CropScale, float] = {"closer": 0.8, "wider": 1.25}
"""Sides of the face box for another crop, in sides of the usual box."""
SUFFIXES = ("_closer", "_wider")
"""How the ids of evidence from another crop end."""


class Offer(NamedTuple):
    """A follow-up and the tool that offers it."""

    tool: str
    follow_up: FollowUp


def open_verdict(verdict: Verdict) -> bool:
    """Whether more evidence could help: measured, and not firm."""
    return verdict.status != "stable" and verdict.reason not in (
        "face_unusable",
        "no_face",
        "no_reference",
        "reference_unusable",
        "references_differ",
        "no_evidence",
        "uncalibrated",
        "same_file",
    )


def offers_for(verdict: Verdict, specs: Iterable[ToolSpec]) -> list[Offer]:
    """The follow-ups to the verdict's question, the most informative first."""
    found = [Offer(spec.name, one) for spec in specs for one in spec.follow_ups if one.verdict == verdict.question]
    return sorted(found, key=lambda offer: offer.follow_up.priority)


def calls_for(
    decided: Mapping[str, Sequence[Verdict]],
    specs: Sequence[ToolSpec],
    done: Callable[[str, Verdict, Offer], bool],
) -> list[ToolCall]:
    """The calls that open verdicts ask for, one per tool and crop.

    Args:
        decided: verdicts by item.
        specs: the tools there are.
        done: whether an offer was taken before, cannot be taken or may not be, for an item and verdict.
    """
    calls: dict[tuple[str, CropScale], ToolCall] = {}
    for item, verdicts in decided.items():
        for verdict in filter(open_verdict, verdicts):
            for offer in offers_for(verdict, specs):
                if not done(item, verdict, offer):
                    _add(calls, item, verdict, offer)
    return list(calls.values())


def _add(calls: dict[tuple[str, CropScale], ToolCall], item: str, verdict: Verdict, offer: Offer) -> None:
    call = calls.setdefault(
        (offer.tool, offer.follow_up.crop),
        ToolCall(
            tool=offer.tool,
            items=[],
            faces={},
            questions=[offer.follow_up.answers],
            crop=offer.follow_up.crop,
            again=False,
            why=f"{verdict.question}:{verdict.status}",
        ),
    )
    faces = call["faces"].setdefault(item, [])
    if item not in call["items"]:
        call["items"].append(item)
    if verdict.subject not in faces:
        faces.append(verdict.subject)


def measure_again(
    tool: Tool, views: Sequence[View], crop: CropScale, first: Sequence[Sequence[Evidence]]
) -> list[Evidence]:
    """Second measurements of faces through crops of another size; ``first`` is the evidence about each view so far."""
    scaled = [replace(view, face=_scaled(view.face, SCALES[crop])) for view in views if view.face is not None]
    found: list[Evidence] = []
    for group, known in zip(measure(tool, scaled), first, strict=True):
        before = {item.id: item for item in known}
        found += [
            _compared(item, before[item.id], crop)
            for item in group
            if item.id in before and item.score and isinstance(calibration_of(item), Platt)
        ]
    return found


def _scaled(face: Face, scale: float) -> Face:
    frame = face.frame and face.frame.model_copy(update={"box": _scaled_box(face.frame.box, scale)})
    return face.model_copy(update={"box": _scaled_box(face.box, scale), "frame": frame})


def _scaled_box(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = box
    x, y, half_w, half_h = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) * scale / 2, (y1 - y0) * scale / 2
    return x - half_w, y - half_h, x + half_w, y + half_h


def _compared(item: Evidence, first: Evidence, crop: CropScale) -> Evidence:
    """The second measurement beside the first: which side each supports, and no calibration of its own."""
    fitted = calibration_of(item)
    if item.score is None or first.score is None or not isinstance(fitted, Platt):
        return item
    sides = [
        fitted.positive if fitted.ratio(score.value).value >= 0 else fitted.negative
        for score in (first.score, item.score)
    ]
    agrees = sides[0] == sides[1]
    name = item.id.rpartition(":")[2].replace("_", " ")
    leaning = "both lean" if agrees else f"the first leans towards {_plain(sides[0])}, this one"
    return item.model_copy(
        update={
            "id": f"{item.id}_{crop}",
            "score": Score(value=item.score.value, scale=item.score.scale),
            "facts": {"first": first.score.value, "agrees": "yes" if agrees else "no"},
            "heatmap": None,
            "statement": (
                f"Measured again in a {crop} crop, {name} scores {item.score.value:.2f} where the first measurement "
                f"scored {first.score.value:.2f}: {leaning} towards {_plain(sides[1])}. "
                "It is reported, not fused: the calibration holds for the usual crop."
            ),
        }
    )


def _plain(label: str) -> str:
    return label.replace("_", " ")
