"""What the service answers, as types; reports are the same ``faceagent.types.Report`` as everywhere.

Fields that a newer service adds are ignored. A test compares these types with the service's OpenAPI document.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError

from faceagent.errors import ServiceError
from faceagent.types import Evidence, Face, FrozenModel, PolicyDecision, Problem, Question, Real, Report

T = TypeVar("T")

FeedbackLabel = Literal["REAL", "SYNTHETIC", "MANIPULATED", "UNKNOWN"]
JobState = Literal["queued", "running", "done", "failed", "cancelled", "expired"]
ItemState = Literal["queued", "running", "done", "failed", "cancelled"]
Decision = Literal["allow", "review", "block"]


class Analysis(FrozenModel):
    """A report and the case that the service keeps it as."""

    case_id: str
    expires: float = Field(description="when the service removes it; seconds since 1970, UTC")
    report: Report


class RuleTrace(FrozenModel):
    """What one rule of a moderation policy came to."""

    rule: int = Field(description="its place in the document, from 0")
    when: tuple[str, ...]
    then: Decision
    reason: str
    met: bool
    decided: bool = Field(description="whether the decision follows from it")
    subjects: tuple[str, ...] = Field(description="the faces, or the picture, that meet its conditions")


class Moderation(FrozenModel):
    """Allow, review or block, with the rules that decided."""

    decision: Decision
    reasons: tuple[str, ...]
    trace: tuple[RuleTrace, ...]
    policy: str | None = Field(default=None, description="null: a document that is not stored was tried")
    version: int | None = None
    case_id: str | None = Field(default=None, description="null in a dry run")


class Policy(FrozenModel):
    """A moderation policy as the service has it."""

    name: str
    version: int | None = Field(default=None, description="null: built in")
    document: Mapping[str, Any] = Field(default_factory=dict, description="empty in a list")


class Measurement(FrozenModel):
    """What one tool measured. Evidence alone decides nothing."""

    tool: str
    problem: Problem | None = None
    faces: tuple[Face, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    policy: tuple[PolicyDecision, ...] = ()


class Job(FrozenModel):
    """A job and how far it is."""

    id: str
    state: JobState
    created: float = Field(description="seconds since 1970, UTC")
    finished: float | None = None
    expires: float = Field(description="when its results are removed")
    total: int = Field(description="items")
    counts: Mapping[ItemState, int] = Field(description="items per state; a state without items is left out")

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return self.state not in ("queued", "running")

    @property
    def ended_items(self) -> int:
        """Items on which nothing more happens."""
        return sum(number for state, number in self.counts.items() if state not in ("queued", "running"))


class Item(FrozenModel):
    """One picture of a job."""

    number: int = Field(description="its place, from 0")
    name: str
    state: ItemState
    case_id: str | None = Field(default=None, description="where its report is, once it is done")
    error: Mapping[str, str] | None = Field(default=None, description="code and message of an item that failed")


class CaseEntry(FrozenModel):
    """A line in the list of cases."""

    case_id: str
    created: float
    expires: float
    etag: str


class MeasuredVerdict(FrozenModel):
    """What a verdict said when feedback was given."""

    question: Question
    label: str
    positive: Real | None = None


class Feedback(FrozenModel):
    """One statement about one case."""

    id: str
    case_id: str
    label: FeedbackLabel
    verdicts: tuple[MeasuredVerdict, ...]
    created: float


class JobEvent(FrozenModel):
    """The body of a webhook."""

    type: str
    job_id: str
    state: JobState
    at: float


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def parse(kind: type[T], data: bytes) -> T:
    """The answer as ``kind``; ``bytes`` as they are. Raises ServiceError (not_understood) where it is another thing."""
    if kind is bytes:
        return cast(T, data)
    try:
        return cast(T, _adapter(cast(Any, kind)).validate_json(data, extra="ignore"))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole answer"
        raise ServiceError(
            f"The service's answer is not what this client expects: {where}: {first['msg']}.",
            code="not_understood",
            remedy="Check the address, and use the same version of faceagent on both sides.",
        ) from None
