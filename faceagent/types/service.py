"""What the service answers, for its routes and for its client: cases, jobs, moderation, feedback.

Reports are ``faceagent.types.Report`` as everywhere. Times are seconds since 1970, UTC.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from faceagent.types.base import FrozenModel, Real
from faceagent.types.evidence import Evidence
from faceagent.types.faces import Face
from faceagent.types.pictures import Problem
from faceagent.types.report import PolicyDecision, Report
from faceagent.types.vocabulary import Question, Reason

JobState = Literal["queued", "running", "done", "failed", "cancelled", "expired"]
ItemState = Literal["queued", "running", "done", "failed", "cancelled"]
OPEN: tuple[ItemState, ...] = ("queued", "running")
"""States of jobs and of items in which something more will happen."""
Decision = Literal["allow", "review", "block"]
CaseStatus = Literal["analysed", "no_face", "unreadable"]
SignOff = Literal["open", "accepted", "rejected", "escalated", "disputed"]
"""What people came to about a case: nobody has signed it, what was found holds or does not, a second reader is asked,
or two readers disagree."""
ReviewDecision = Literal["accept", "reject", "escalate"]
FeedbackLabel = Literal["REAL", "SYNTHETIC", "MANIPULATED", "UNKNOWN"]


class RuleTrace(FrozenModel):
    """What one rule of a moderation policy came to."""

    rule: int = Field(description="its place in the document, from 0")
    when: tuple[str, ...]
    then: Decision
    reason: str
    met: bool
    decided: bool = Field(description="whether the decision follows from it")
    subjects: tuple[str, ...] = Field(description="the faces, or the picture, that meet its conditions")
    unmeasured: tuple[Question, ...] = Field(
        default=(),
        description="questions that it is about and that were not measured, so that it could not be met: no reference "
        "was sent, no face was found, or the question is refused for this purpose",
    )


class Moderation(FrozenModel):
    """Allow, review or block, with the rules that decided."""

    decision: Decision
    reasons: tuple[str, ...] = Field(description="of the rules that decided")
    trace: tuple[RuleTrace, ...] = Field(description="every rule, in the order of the document")
    unmeasured: tuple[Question, ...] = Field(default=(), description="questions of any rule that were not measured")
    policy: str | None = Field(default=None, description="its name; null: a document that is not stored")
    version: int | None = Field(default=None, description="null: the policy is built in, or not stored")
    case_id: str | None = Field(default=None, description="the case that was decided about; null in a dry run")


class Analysis(FrozenModel):
    """A report and the case that the service keeps it as."""

    case_id: str
    expires: float = Field(description="when the service removes it; seconds since 1970, UTC")
    report: Report


class Measurement(FrozenModel):
    """What one tool measured. Evidence alone decides nothing: no judge has weighed it."""

    tool: str
    problem: Problem | None = Field(default=None, description="why the picture could not be read, if so")
    faces: tuple[Face, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    policy: tuple[PolicyDecision, ...] = ()


class CaseVerdict(FrozenModel):
    """The answer to one question for a whole picture, as a list shows it: of the face that decides it."""

    question: Question
    subject: str = Field(description="id of the face or picture")
    label: str = Field(description='the label where it is given firmly, else "inconclusive"')
    leaning: str | None = Field(
        default=None,
        description="the label that the answer leans to, where none is given firmly; null: it leans to none",
    )
    positive: Real | None = Field(
        default=None, description="probability at even odds of the positive side; null: the question has no two sides"
    )


class CaseEntry(FrozenModel):
    """A line in the list of cases."""

    case_id: str
    name: str = Field(description="what the picture is called")
    created: float
    expires: float
    etag: str
    status: CaseStatus
    problem: Reason | None = Field(default=None, description="why the picture could not be read")
    answer: str | None = Field(default=None, description="the direct answer, as the report's summary gives it")
    verdicts: tuple[CaseVerdict, ...] = Field(default=(), description="one per question that was asked")
    decision: Decision | None = Field(default=None, description="of a moderation policy; null: none was asked for")
    policy: str | None = Field(default=None, description='that policy: "shop@3", "strictest", or "(not stored)"')
    reasons: tuple[str, ...] = Field(default=(), description="of the rules that decided")
    sign_off: SignOff = "open"
    kept: bool = Field(default=False, description="whether the picture was kept with the report")


class Review(FrozenModel):
    """A sign-off of a case by one reader."""

    number: int = Field(description="its place among those of the case, from 1")
    reviewer_id: str
    reviewer: str = Field(description="the name of the reader's key")
    decision: ReviewDecision
    reason: str
    created: float


class CaseList(FrozenModel):
    """A page of cases."""

    cases: tuple[CaseEntry, ...]
    next: str | None = Field(description="`cursor` of the next page; null: there is none")


class Job(FrozenModel):
    """A job and how far it is."""

    id: str
    state: JobState
    created: float = Field(description="seconds since 1970, UTC")
    finished: float | None = None
    expires: float = Field(description="when its results are removed")
    total: int = Field(description="items")
    counts: Mapping[ItemState, int] = Field(description="items per state; a state without items is left out")
    decisions: Mapping[Decision, int] = Field(
        default_factory=dict, description="items per decision of the job's policy; empty without a policy"
    )

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return self.state not in OPEN

    @property
    def ended_items(self) -> int:
        """Items on which nothing more happens."""
        return sum(number for state, number in self.counts.items() if state not in OPEN)


class JobList(FrozenModel):
    """Jobs, the newest first."""

    jobs: tuple[Job, ...]


class Item(FrozenModel):
    """One picture of a job."""

    number: int = Field(description="its place, from 0")
    name: str
    state: ItemState
    case_id: str | None = Field(default=None, description="where its report is, once there is one")
    error: Mapping[str, str] | None = Field(default=None, description="code and message of an item that failed")
    decision: Decision | None = Field(default=None, description="of the job's policy; null: it has none")


class ItemList(FrozenModel):
    """Items of a job, in order."""

    items: tuple[Item, ...]
    next: int | None = Field(description="`start` of the next page; null: there is none")


class JobEvent(FrozenModel):
    """The body of a webhook."""

    type: str = "job.ended"
    job_id: str
    state: JobState
    at: float


class MeasuredVerdict(FrozenModel):
    """What a verdict said when feedback was given; it outlives the case."""

    question: Question
    label: str
    positive: Real | None = Field(default=None, description="probability of the positive side at even odds")


class Feedback(FrozenModel):
    """One statement about one case."""

    id: str
    case_id: str
    label: FeedbackLabel
    verdicts: tuple[MeasuredVerdict, ...]
    created: float
