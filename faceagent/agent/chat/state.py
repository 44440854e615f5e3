"""What a conversation's graph carries from step to step, and what its nodes work with.

A checkpoint holds the plan, the pictures' numbers and a few counters; everything measured is in the record, pixels
nowhere. With at most ``MOST_PICTURES`` pictures it stays far below 100 kB, whatever they show.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from langgraph.managed import RemainingSteps

from faceagent.agent.state import RunContext
from faceagent.explain import VlmExplainer
from faceagent.router import DialogueContext, Plan, open_reader, route
from faceagent.router.plan import Language
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.image_cache import ImageCache
from faceagent.storage.keys import decision_key, picture_key
from faceagent.tools.base import CropScale, ToolSpec
from faceagent.types import PolicyDecision, Question, Style
from faceagent.vlm.protocol import Backend

MOST_PICTURES = 100
"""Pictures of one conversation, and the same number of references."""
MOST_TEXT = 20_000
"""Characters of a turn that are read; routing reads no more."""

ASKING = frozenset({"analyse", "compare", "rerun", "why"})
"""Kinds of turn that ask for more evidence where a verdict is open."""

Stage = Literal["resolving", "measuring", "follow_up", "again", "lost"]


class ToolCall(TypedDict):
    """One tool over the pictures with these numbers; where ``faces`` names none of a picture, all are meant."""

    tool: str
    items: list[str]
    faces: dict[str, list[str]]
    questions: list[Question]
    crop: CropScale
    again: bool
    why: str | None
    language: NotRequired[Language]


class Remark(TypedDict):
    """A sentence for the reply: a key of ``conversation.toml`` and what fills it."""

    key: str
    values: dict[str, str]


class TargetState(TypedDict):
    """One question of a turn with the pictures, and in them the faces, that it is about; see ``Plan.targets``."""

    question: Question
    items: list[str]
    subjects: dict[str, list[str]]


class TurnState(TypedDict, total=False):
    """One turn. ``focus``, ``borrowed``, ``wording`` and ``purpose`` are what later turns go on from.

    ``borrowed``: the reference is a picture of the conversation that another one was compared with.
    """

    number: int
    text: str
    new: list[str]
    plan: dict[str, Any]
    items: list[str]
    subjects: dict[str, list[str]]
    targets: list[TargetState]
    allowed: list[Question]
    calls: list[ToolCall]
    stage: Stage
    rounds: int
    made: int
    remarks: list[Remark]
    unread: bool
    signing: bool
    signed: str | None
    reply: str
    focus_items: list[str]
    focus_subjects: dict[str, list[str]]
    focus_questions: list[Question]
    borrowed: bool
    wording: Style
    purpose: str
    jurisdiction: str
    remaining: RemainingSteps


class Stopwatch:
    """How long at least one piece of work went on; what a turn takes beyond that is the agent's own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0
        self._since = 0.0
        self._seconds = 0.0
        self._begun = time.perf_counter()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Tools, faces, pictures and explanations run inside; parallel work counts once."""
        with self._lock:
            self._active += 1
            if self._active == 1:
                self._since = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                if self._active == 0:
                    self._seconds += time.perf_counter() - self._since

    @property
    def elapsed(self) -> float:
        """Seconds since this stopwatch was made, when the turn began or was resumed."""
        return time.perf_counter() - self._begun

    @property
    def seconds(self) -> float:
        """Time with work going on so far."""
        return self._seconds


@dataclass(frozen=True, kw_only=True)
class TurnContext(RunContext):
    """What one turn works with, besides what a run of the pipeline does.

    ``load_explainer`` finds the explainer when it is first needed. ``traits`` holds what the model saw of faces that
    were described, by ``item/face:trait``, for as long as the conversation is open.
    """

    record: ConversationStore
    images: ImageCache
    stopwatch: Stopwatch
    sign_off: bool = False
    load_explainer: Callable[[], VlmExplainer | None]
    traits: dict[str, float | None]

    @property
    def has_vlm(self) -> bool:
        """Whether a vision-language model's own reading was asked for."""
        if self.settings.explain != "vlm":
            return False
        explainer = self.load_explainer()
        return explainer is not None and explainer.wants_opinion

    @property
    def specs(self) -> list[ToolSpec]:
        """The tools there are."""
        return [tool.spec for tool in self.tools.values()]

    def model(self) -> Backend | None:
        """The vision-language model that the settings ask for, as long as it answers; None: rules and tools alone."""
        explainer = self.load_explainer()
        return None if explainer is None else explainer.backend

    def record_decision(self, one: PolicyDecision) -> None:
        """Record a decision of policy, once for every purpose and jurisdiction."""
        self.record.put(decision_key(one), one)

    def gone(self, item: str) -> bool:
        """Whether the picture with that number can no longer be read."""
        with self.stopwatch.work():
            return self.images.problem(picture_key(item)) is not None

    def plan_of(self, text: str, known: DialogueContext) -> Plan:
        """What ``text`` asks for."""
        with self.stopwatch.work():
            return route(text, known, open_reader(self.settings))


def budget_left(state: TurnState, context: TurnContext) -> int:
    """Tool calls that the turn may still make beyond its first round; none once its time is up.

    The time begins anew where a turn is resumed, and does not depend on the clock of the machine.
    """
    if context.stopwatch.elapsed > context.settings.turn_seconds:
        return 0
    return max(0, context.settings.turn_calls - state.get("made", 0))
