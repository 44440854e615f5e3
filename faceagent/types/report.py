"""The whole answer about one picture: what was asked, found, decided, and with what."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from faceagent.notebook import card
from faceagent.types.base import FrozenModel, Real
from faceagent.types.evidence import Evidence, WeightStamp
from faceagent.types.explanations import Explanation, Summary
from faceagent.types.faces import Face
from faceagent.types.pictures import Picture, Problem
from faceagent.types.verdicts import Rollup, Verdict
from faceagent.types.vocabulary import Question


class PolicyDecision(FrozenModel):
    """The policy decision on one question, and its rule."""

    question: Question
    purpose: str
    jurisdiction: str
    decision: Literal["allow", "allow_with_notice", "refuse"]
    rule: str
    notice: str | None = None


class Refused(FrozenModel):
    """A request that is not permitted: a question, or a topic that has no question at all."""

    topic: str
    rule: str
    notice: str


class LostReference(FrozenModel):
    """A reference picture that could not be read, and why."""

    source: str
    problem: Problem


class Request(FrozenModel):
    """The request. Empty ``questions`` mean every question that policy allows by default."""

    questions: tuple[Question, ...] = ()
    purpose: str = "unstated"
    jurisdiction: str = "strictest"


class Manifest(FrozenModel):
    """Everything needed to repeat the run, and how long each part of it took."""

    faceagent: str
    python: str
    packages: Mapping[str, str]
    profile: str
    seed: int
    platform: str = Field(default="", description="operating system and kind of processor")
    settings: Mapping[str, str | int | float | bool | None] = Field(
        default_factory=dict,
        description="settings that change what a report says; empty in reports from before they were kept",
    )
    weights: tuple[WeightStamp, ...] = ()
    created: str = Field(description="UTC, ISO 8601")
    timings_ms: Mapping[str, Real] = Field(
        default_factory=dict, description="per picture, as the mean over the pictures that shared the run"
    )


class Report(FrozenModel):
    """The whole answer about one picture. JSON is the source; HTML and PDF are views of it."""

    schema_version: Literal[1, 2] = Field(
        default=2, description="2 since verdicts lean and reports have a summary; 1 is read as well"
    )
    request: Request
    source: str
    summary: Summary | None = Field(
        default=None, description="the direct answer; null in reports from before there was one"
    )
    problem: Problem | None = Field(default=None, description="why the picture could not be analysed, if so")
    picture: Picture | None = None
    references: tuple[Picture, ...] = ()
    lost_references: tuple[LostReference, ...] = ()
    faces: tuple[Face, ...] = ()
    reference_faces: tuple[Face, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    rollups: tuple[Rollup, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    policy: tuple[PolicyDecision, ...] = ()
    refused: tuple[Refused, ...] = Field(default=(), description="topics asked about that no purpose allows")
    limitations: tuple[str, ...] = ()
    manifest: Manifest

    @property
    def thumbnail(self) -> str | None:
        """A small copy of the picture as a ``data:`` URL, where this process has analysed it; never part of JSON."""
        found: str | None = self.__dict__.get("_thumbnail")
        return found

    def with_thumbnail(self, picture: str) -> Self:
        """A copy with the small picture; it is no field, so the copy is equal to the report and to its JSON."""
        copy = self.model_copy()
        copy.__dict__["_thumbnail"] = picture
        return copy

    def _repr_html_(self) -> str:
        if self.problem is not None:
            sentences: tuple[str, ...] = (self.problem.message, self.problem.remedy or "")
        elif self.summary is not None:
            sentences = self.summary.sentences
        else:
            sentences = ()
        lines = [(f"{one.subject} {one.question}".replace("_", " "), one.wording) for one in self.verdicts]
        return card(self.source, sentences, lines, self.thumbnail)
