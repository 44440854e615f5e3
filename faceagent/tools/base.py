"""The interface of every tool: a ``ToolSpec`` that describes it, and ``run`` that turns views into evidence.

``measure`` runs any tool without raising for content: a face that the tool cannot use, missing weights and a crash in
the middle of a batch all become evidence with a status and a reason.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import ModelUnavailable
from faceagent.faces.needs import cause, clause, hidden_for
from faceagent.types import (
    Evidence,
    Face,
    FrozenModel,
    PartVisibility,
    Picture,
    Question,
    Reason,
    Region,
    Status,
    ToolStamp,
    WeightStamp,
)
from faceagent.weights import stamp

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]
"""H×W×3, RGB, upright."""


@dataclass(frozen=True)
class View:
    """The input of a tool: one face of a picture, or the whole picture when ``face`` is None.

    ``pixels`` (H×W×3 RGB) and ``original`` (the bytes as received) are functions, so that the pictures of a large
    batch are not all decoded in memory at once.
    """

    picture: Picture
    pixels: Callable[[], Pixels]
    original: Callable[[], bytes]
    face: Face | None = None
    references: tuple["View", ...] = field(default=())

    @property
    def subject(self) -> str:
        """Id of the face, or of the picture when the view is of the whole picture."""
        return self.picture.id if self.face is None else self.face.id


Need = Literal["landmarks", "reference", "model"]

CropScale = Literal["", "closer", "wider"]
"""The crop that a tool sees: the usual one, or one of another size around the same face."""


class FollowUp(FrozenModel):
    """A further measurement that a tool offers where the verdict on a question is open."""

    verdict: Question
    """The question whose verdict is open."""
    answers: Question
    """The question that the measurement bears on."""
    crop: CropScale = ""
    priority: int
    """Place among the follow-ups of all tools to one verdict, the most informative first."""


class ToolSpec(FrozenModel):
    """The only description of a tool: the graph, the CLI and the documentation are generated from it."""

    name: str
    version: str
    title: str
    summary: str
    questions: tuple[Question, ...]
    scope: Literal["face", "picture"]
    needs: tuple[Need, ...] = ()
    weights: tuple[str, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    every_face: bool = False
    """Whether the tool also measures the faces of a crowd beyond ``settings.max_faces``."""
    skip_when_brief: bool = False
    """Whether a short answer to a question asked by name does without this tool: it adds only detail."""
    pending: str | None = None
    """Why the tool cannot measure anything yet. Such a tool is listed, and its evidence has status "unavailable"."""


class Tool(Protocol):
    """One detector or measurement. Built from settings, loads its weights on first use, is safe for threads."""

    @property
    def spec(self) -> ToolSpec:
        """The description of this tool; a class attribute is enough."""
        ...

    def stamp(self) -> ToolStamp:
        """Name, version, weights with their sha256, and the device that really runs them."""
        ...

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Evidence about every view, one tuple per view, in order. A batch gives the same as its views one by one."""
        ...


def stamped(spec: ToolSpec, device: str = "cpu", weights: tuple[WeightStamp, ...] | None = None) -> ToolStamp:
    """The stamp of a tool whose weights run on ``device``; default ``weights``: those of the spec."""
    used = tuple(stamp(name) for name in spec.weights) if weights is None else weights
    return ToolStamp(name=spec.name, version=spec.version, weights=used, device=device)


def per_face(
    batch: Sequence[View], measure_faces: Callable[[list[tuple[View, Face]]], Iterable[tuple[Evidence, ...]]]
) -> list[tuple[Evidence, ...]]:
    """``measure_faces`` once over all views that have a face, its results put back in the order of ``batch``.

    Views without a face get (). ``measure_faces`` is not called when there is no face at all.
    """
    faces = {index: (view, view.face) for index, view in enumerate(batch) if view.face is not None}
    measured = measure_faces(list(faces.values())) if faces else ()
    found = dict(zip(faces, measured, strict=True))
    return [found.get(index, ()) for index in range(len(batch))]


def not_measured(spec: ToolSpec, view: View, status: Status, reason: Reason, statement: str) -> Evidence:
    """Evidence with a status other than "ok": nothing was measured, for this reason."""
    return Evidence(
        id=f"{view.subject}:{spec.name}",
        tool=ToolStamp(name=spec.name, version=spec.version),
        question=spec.questions[0],
        subject=view.subject,
        status=status,
        reason=reason,
        statement=statement,
    )


def hidden_evidence(
    by: ToolStamp,
    view: View,
    *,
    name: str,
    question: Question,
    subject_words: str,
    missing: Sequence[PartVisibility],
    facts: Mapping[str, float | str] | None = None,
    region: Region | None = None,
) -> Evidence:
    """Evidence that something was not measured because parts of the face that it needs cannot be seen.

    ``name`` is the id without its subject, ``subject_words`` what cannot be measured. ``facts`` gain ``cause`` (a
    reason code), ``hidden_parts`` and, where it is clear, ``covered_by``.
    """
    things = list(dict.fromkeys(one.covered_by for one in missing if one.covered_by is not None))
    why: dict[str, float | str] = {"cause": cause(missing), "hidden_parts": ", ".join(one.part for one in missing)}
    if things:
        why["covered_by"] = ", ".join(things)
    return Evidence(
        id=f"{view.subject}:{name}",
        tool=by,
        question=question,
        subject=view.subject,
        facts={**(facts or {}), **why},
        region=region,
        statement=f"{subject_words} cannot be measured: {clause(missing)}.",
        status="not_applicable",
        reason="not_measurable",
    )


UNUSABLE: dict[Reason, str] = {
    "face_too_small": "the face is too small",
    "low_resolution": "the face has too few pixels",
    "too_blurry": "the face is too blurry",
    "too_dark": "the face is too dark",
    "too_bright": "the face is too bright",
    "outside_picture": "too much of the face is outside the picture",
    "occluded": "too much of the face is covered",
    "unrecognisable": "too much of the face is not recognisable",
    "extreme_pose": "the head is turned too far",
    "no_landmarks": "no facial landmarks were found",
}
"""Why a face cannot be used, as a clause for statements."""


def _skip_reason(spec: ToolSpec, view: View) -> tuple[Reason, str] | None:
    """Why the tool cannot use this view, as a code and a clause, or None."""
    face = view.face
    if face is not None:
        if "landmarks" in spec.needs and not face.landmarks:
            return "no_landmarks", UNUSABLE["no_landmarks"]
        # A face is skipped only when it is unusable for every question of the tool.
        reasons = [face.reasons.get(question, ()) for question in spec.questions]
        if all(reasons) and reasons:
            first = reasons[0][0]
            hidden = [missing for question in spec.questions if (missing := hidden_for(face, question))]
            if hidden and any(one.reason == first for one in hidden[0]):
                return first, clause(hidden[0])
            return first, UNUSABLE.get(first, first.replace("_", " "))
    if "reference" in spec.needs and not view.references:
        return "no_reference", "there is no reference picture to compare with"
    return None


LATE = "the time for it (FACEAGENT_PICTURE_SECONDS) was over"
"""Why something was not begun, as a clause for statements."""
BETWEEN_LOOKS = 64
"""Views that a tool measures between two looks at the clock."""


def never() -> bool:
    """That no time is over."""
    return False


def measure(tool: Tool, views: Sequence[View], is_late: Callable[[], bool] = never) -> list[tuple[Evidence, ...]]:
    """Run ``tool`` over ``views``, one entry per view, in order; never raises for content.

    Views that the tool cannot use get status ``not_applicable``. Missing weights give the whole batch ``unavailable``,
    and so does ``is_late`` for views that are not begun by then. When a batch crashes, its views are tried one by one,
    so that only the view that crashes gets ``failed``.
    """
    spec = tool.spec
    found: dict[int, tuple[Evidence, ...]] = {}
    usable: dict[int, View] = {}
    for index, view in enumerate(views):
        skip = _skip_reason(spec, view)
        if spec.pending is not None:
            found[index] = (not_measured(spec, view, "unavailable", "not_trained_yet", spec.pending),)
        elif skip is not None:
            reason, words = skip
            found[index] = (
                not_measured(spec, view, "not_applicable", reason, f"{spec.title}: not measured, {words}."),
            )
        else:
            usable[index] = view
    places = list(usable)
    for start in range(0, len(places), BETWEEN_LOOKS):
        part = places[start : start + BETWEEN_LOOKS]
        chosen = [usable[index] for index in part]
        found.update(zip(part, _late(spec, chosen) if is_late() else _attempt(tool, chosen), strict=True))
    return [found[index] for index in range(len(views))]


def _late(spec: ToolSpec, views: Sequence[View]) -> list[tuple[Evidence, ...]]:
    words = f"{spec.title}: not measured, {LATE}."
    return [(not_measured(spec, view, "unavailable", "too_slow", words),) for view in views]


def _attempt(tool: Tool, views: Sequence[View]) -> list[tuple[Evidence, ...]]:
    """Evidence per view: the batch in one call, or view by view when that call raises."""
    if not views:
        return []
    spec = tool.spec
    try:
        return tool.run(views)
    except ModelUnavailable as error:
        logger.warning("%s is unavailable: %s", spec.name, error)
        return [(not_measured(spec, view, "unavailable", "weights_missing", str(error)),) for view in views]
    except Exception as error:
        if len(views) > 1:
            return [_attempt(tool, [view])[0] for view in views]
        logger.exception("%s crashed on %s of %s", spec.name, views[0].subject, views[0].picture.sha256[:12])
        # The machine's fault, not the picture's: a full disk, no memory left.
        lack = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        words = f"{spec.title}: failed on this face or picture ({lack})."
        return [(not_measured(spec, views[0], "failed", "crashed", words),)]
