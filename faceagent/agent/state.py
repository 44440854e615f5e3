"""What the graph of ``analyze`` carries between nodes: keys of the record, so that a checkpoint stays small."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, TypedDict

from faceagent.explain import VlmExplainer
from faceagent.intake.blobs import Blobs
from faceagent.settings import Settings
from faceagent.storage.record import Record
from faceagent.tools.base import Tool
from faceagent.types import FrozenModel, PolicyDecision, Question, Request, Source


def union(old: list[str], new: list[str]) -> list[str]:
    """Both lists without repeats, in order: a node that is retried adds nothing twice."""
    return list(dict.fromkeys((*old, *new)))


Keys = Annotated[list[str], union]


class PipelineState(TypedDict, total=False):
    """Keys only. ``items`` are the pictures asked about: "0", "1", and so on."""

    items: list[str]
    pictures: Keys
    faces: Keys
    evidence: Keys
    verdicts: Keys
    explanations: Keys
    reports: Keys


class RunCancelled(Exception):  # noqa: N818 - not an error
    """The caller has cancelled the run; nobody waits for its reports."""


class ToolBatch(TypedDict):
    """What one parallel branch gets: a tool, the keys of its views, and those of the references and their faces."""

    tool: str
    views: list[str]
    pictures: list[str]
    faces: list[str]


class StepProgress(FrozenModel):
    """A step of a run begins or has ended; ``part`` is named as in ``Manifest.timings_ms``: "faces", "tool.forgery"."""

    part: str
    state: Literal["started", "ended"]


Watch = Callable[[StepProgress], None]
"""Told of every step, from the threads of the run; it has to return at once and must not raise."""


@dataclass(frozen=True)
class RunContext:
    """What one run works with; LangGraph gives it to every node, and it is never part of the state.

    ``decisions`` are policy's on every question of the request, made once, before any picture is read.
    """

    request: Request
    decisions: tuple[PolicyDecision, ...]
    sources: tuple[Source, ...]
    references: tuple[Source, ...]
    settings: Settings
    blobs: Blobs
    tools: Mapping[str, Tool]
    pool: Executor
    record: Record = field(default_factory=Record)
    explainer: VlmExplainer | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    deadline: float = math.inf
    """Seconds on the monotonic clock, see ``is_late``."""
    watch: Watch | None = None

    def of_batch(self, sources: tuple[Source, ...], record: Record) -> "RunContext":
        """The same run for other pictures, whose time begins now."""
        deadline = time.monotonic() + self.settings.picture_seconds * len(sources)
        return replace(self, sources=sources, record=record, deadline=deadline)

    @contextmanager
    def step(self, part: str) -> Iterator[None]:
        """Time a part of the run, and tell who watches. Raises RunCancelled once the run was cancelled."""
        self.check_cancelled()
        if self.watch is not None:
            self.watch(StepProgress(part=part, state="started"))
        with self.record.clock(part):
            yield
        if self.watch is not None:
            self.watch(StepProgress(part=part, state="ended"))

    def is_late(self) -> bool:
        """Whether the time of these pictures is over: what has begun ends, and nothing more is begun."""
        return time.monotonic() > self.deadline

    def check_cancelled(self) -> None:
        """Raises RunCancelled once the caller has cancelled the run."""
        if self.cancelled.is_set():
            raise RunCancelled

    @property
    def allowed(self) -> list[Question]:
        """The questions that may be answered; a refused one goes no further, so no tool ever sees it."""
        return [one.question for one in self.decisions if one.decision != "refuse"]

    @property
    def has_vlm(self) -> bool:
        """Whether a vision-language model's own reading was asked for."""
        return self.explainer is not None and self.explainer.wants_opinion
