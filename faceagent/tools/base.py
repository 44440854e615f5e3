"""What a specialist is: a ``ToolSpec`` that describes it once, and ``run`` that turns views into evidence.

``measure`` wraps every tool with the law of the house that content never raises: a face the tool cannot use,
weights that are missing and a crash in the middle of a batch all become evidence with a status and a reason.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import ModelUnavailable
from faceagent.types import Evidence, Face, FrozenModel, Picture, Question, Reason, Status, ToolStamp, WeightStamp
from faceagent.weights import stamp

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]
"""H×W×3, RGB, upright."""


@dataclass(frozen=True)
class View:
    """What a tool looks at: one face of a picture, or the picture as a whole when ``face`` is None.

    ``pixels`` and ``original`` are calls, so that a batch of many pictures need not lie decoded in memory.
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


class ToolSpec(FrozenModel):
    """The one description of a tool; every door (graph, CLI, docs, later HTTP and MCP) is generated from it."""

    name: str
    version: str
    title: str
    summary: str
    questions: tuple[Question, ...]
    scope: Literal["face", "picture"]
    needs: tuple[Need, ...] = ()
    weights: tuple[str, ...] = ()
    pending: str | None = None
    """Why the tool cannot measure anything yet; such a tool is listed and answers "unavailable"."""


class Tool(Protocol):
    """A specialist. Built with the settings, loads its weights on first use, safe to call from many threads."""

    @property
    def spec(self) -> ToolSpec:
        """What this tool is; a plain class attribute will do."""
        ...

    def stamp(self) -> ToolStamp:
        """Name, version, weights with their sha256, and the device that really runs them."""
        ...

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Evidence about every view, one tuple per view, in order. A batch equals its singles."""
        ...


def stamped(spec: ToolSpec, device: str = "cpu", weights: tuple[WeightStamp, ...] | None = None) -> ToolStamp:
    """The stamp of a tool whose weights, those of its spec unless given, run on ``device``."""
    spoke = tuple(stamp(name) for name in spec.weights) if weights is None else weights
    return ToolStamp(name=spec.name, version=spec.version, weights=spoke, device=device)


def silent(spec: ToolSpec, view: View, status: Status, reason: Reason, statement: str) -> Evidence:
    """Evidence that nothing was measured, and why."""
    return Evidence(
        id=f"{view.subject}:{spec.name}",
        tool=ToolStamp(name=spec.name, version=spec.version),
        question=spec.questions[0],
        subject=view.subject,
        status=status,
        reason=reason,
        statement=statement,
    )


UNUSABLE: dict[Reason, str] = {
    "face_too_small": "the face is too small",
    "low_resolution": "the face has too few pixels",
    "too_blurry": "the face is too blurry",
    "too_dark": "the face is too dark",
    "too_bright": "the face is too bright",
    "occluded": "too much of the face is hidden",
    "extreme_pose": "the head is turned too far",
    "no_landmarks": "no facial landmarks were found",
}
"""Why a face cannot be used, in words."""


def _obstacle(spec: ToolSpec, view: View) -> tuple[Reason, str] | None:
    face = view.face
    if face is not None:
        if "landmarks" in spec.needs and not face.landmarks:
            return "no_landmarks", UNUSABLE["no_landmarks"]
        # A tool is spared a face only when none of its questions can use it.
        reasons = [face.reasons.get(question, ()) for question in spec.questions]
        if all(reasons) and reasons:
            first = reasons[0][0]
            return first, UNUSABLE.get(first, first.replace("_", " "))
    if "reference" in spec.needs and not view.references:
        return "no_reference", "there is no reference picture to compare with"
    return None


def measure(tool: Tool, views: Sequence[View]) -> list[tuple[Evidence, ...]]:
    """Run ``tool`` over ``views``, one entry per view; never raises for content.

    Views the tool cannot use become ``not_applicable``, missing weights make the whole batch ``unavailable``,
    and when a batch crashes its views are tried one by one so that only the culprit is ``failed``.
    """
    spec = tool.spec
    found: dict[int, tuple[Evidence, ...]] = {}
    usable: dict[int, View] = {}
    for index, view in enumerate(views):
        obstacle = _obstacle(spec, view)
        if spec.pending is not None:
            found[index] = (silent(spec, view, "unavailable", "not_trained_yet", spec.pending),)
        elif obstacle is not None:
            reason, words = obstacle
            found[index] = (silent(spec, view, "not_applicable", reason, f"{spec.title}: not measured, {words}."),)
        else:
            usable[index] = view
    found.update(zip(usable, _attempt(tool, list(usable.values())), strict=True))
    return [found[index] for index in range(len(views))]


def _attempt(tool: Tool, views: Sequence[View]) -> list[tuple[Evidence, ...]]:
    """Evidence per view: the batch in one call, or one by one where the batch as a whole breaks."""
    if not views:
        return []
    spec = tool.spec
    try:
        return tool.run(views)
    except ModelUnavailable as error:
        logger.warning("%s is unavailable: %s", spec.name, error)
        return [(silent(spec, view, "unavailable", "weights_missing", str(error)),) for view in views]
    except Exception as error:
        if len(views) > 1:
            return [_attempt(tool, [view])[0] for view in views]
        logger.exception("%s crashed on %s of %s", spec.name, views[0].subject, views[0].picture.sha256[:12])
        words = f"{spec.title}: failed on this face or picture ({type(error).__name__})."
        return [(silent(spec, views[0], "failed", "crashed", words),)]
