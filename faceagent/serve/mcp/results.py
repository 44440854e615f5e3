"""What the server's tools return as structured content; the JSON schemas of these types are part of the tools.

A report has a hundred thousand characters, which no context should be filled with: these carry what a reader needs to
answer, and the address under which the client can read the whole report.
"""

from typing import Self

from pydantic import Field

from faceagent.serve.mcp.recent import page_uri, report_uri
from faceagent.types import (
    Evidence,
    Explanation,
    Face,
    FrozenModel,
    LostReference,
    Pose,
    Problem,
    Quality,
    Question,
    Real,
    Reason,
    Refused,
    Report,
    Rollup,
    Summary,
    Verdict,
)


class FaceResult(FrozenModel):
    """One face, without its 478 landmarks."""

    id: str
    box: tuple[Real, Real, Real, Real] = Field(description="x0, y0, x1, y1 in px of the upright picture")
    pose: Pose | None
    quality: Quality
    usable_for: tuple[Question, ...]
    reasons: dict[Question, tuple[Reason, ...]] = Field(description="for the other questions: why it is not usable")

    @classmethod
    def of(cls, face: Face) -> Self:
        """The face, shortened."""
        return cls(
            id=face.id,
            box=face.box,
            pose=face.pose,
            quality=face.quality,
            usable_for=face.usable_for,
            reasons=dict(face.reasons),
        )


class PictureResult(FrozenModel):
    """What was found in one picture; ``problem`` where it could not be analysed."""

    source: str
    problem: Problem | None = None
    summary: Summary | None = None
    faces: tuple[FaceResult, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    rollups: tuple[Rollup, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    evidence: tuple[Evidence, ...] = Field(default=(), description="measurements; heat maps are given as images")
    notices: tuple[str, ...] = Field(default=(), description="what policy says about these questions")
    refused: tuple[Refused, ...] = ()
    lost_references: tuple[LostReference, ...] = Field(default=(), description="references that could not be read")
    limitations: tuple[str, ...] = ()
    report: str | None = Field(default=None, description="address of the whole report, a JSON resource")
    page: str | None = Field(default=None, description="address of the report as an HTML resource")

    @classmethod
    def of(cls, report: Report, id: str, *, full: bool) -> Self:
        """The report kept under ``id``, shortened; with ``full`` also its evidence and explanations."""
        return cls(
            source=report.source,
            problem=report.problem,
            summary=report.summary,
            faces=tuple(map(FaceResult.of, report.faces)),
            verdicts=report.verdicts,
            rollups=report.rollups,
            explanations=report.explanations if full else (),
            evidence=tuple(map(without_map, report.evidence)) if full else (),
            notices=tuple(dict.fromkeys(one.notice for one in report.policy if one.notice)),
            refused=report.refused,
            lost_references=report.lost_references,
            limitations=report.limitations,
            report=report_uri(id),
            page=page_uri(id),
        )

    @property
    def text(self) -> str:
        """The same for a reader: the summary, a line per verdict, where the report is."""
        if self.problem is not None:
            return f"{self.source}: {self.problem.message} {self.problem.remedy or ''}".strip()
        lines = [f"{self.source}: {self.summary.text if self.summary else 'analysed.'}"]
        lines += [f"- {one.subject}, {one.question.replace('_', ' ')}: {one.wording}" for one in self.verdicts]
        lines += [f"- {step.text} [{', '.join(step.cites)}]" for one in self.explanations for step in one.steps]
        lines += [f"- {one.id}: {one.statement}" for one in self.evidence]
        lines += [f"- Reference {one.source} is not used: {one.problem.message}" for one in self.lost_references]
        lines += [f"Note: {notice}" for notice in self.notices]
        lines += [f"Report: {self.report} (JSON), {self.page} (HTML)"] if self.report else []
        return "\n".join(lines)


class AnalysisResult(FrozenModel):
    """What ``analyze`` and ``compare`` return: one result per picture, in order."""

    pictures: tuple[PictureResult, ...]

    @property
    def text(self) -> str:
        """The same for a reader."""
        return "\n\n".join(one.text for one in self.pictures)


class Measurement(FrozenModel):
    """What one tool measured in one picture; no evidence and no problem: there is no face to measure."""

    source: str
    problem: Problem | None = None
    faces: tuple[FaceResult, ...] = ()
    evidence: tuple[Evidence, ...] = Field(default=(), description="heat maps are given as images")
    notices: tuple[str, ...] = ()
    report: str | None = Field(default=None, description="address of this measurement as a JSON resource")

    @classmethod
    def of(cls, report: Report, id: str) -> Self:
        """What the report kept under ``id`` holds of measurements."""
        return cls(
            source=report.source,
            problem=report.problem,
            faces=tuple(map(FaceResult.of, report.faces)),
            evidence=tuple(map(without_map, report.evidence)),
            notices=tuple(dict.fromkeys(one.notice for one in report.policy if one.notice)),
            report=report_uri(id),
        )

    @property
    def text(self) -> str:
        """The same for a reader."""
        if self.problem is not None:
            return f"{self.source}: {self.problem.message} {self.problem.remedy or ''}".strip()
        lines = [f"{self.source}: {len(self.faces)} faces found, {len(self.evidence)} measurements."]
        lines += [f"- {one.id}: {one.statement}" for one in self.evidence]
        lines += [f"Note: {notice}" for notice in self.notices]
        return "\n".join(lines)


class MeasurementResult(FrozenModel):
    """What a single tool returns: one measurement per picture, in order."""

    tool: str
    pictures: tuple[Measurement, ...]

    @property
    def text(self) -> str:
        """The same for a reader."""
        return "\n\n".join(one.text for one in self.pictures)


class ChatResult(FrozenModel):
    """What one turn of the conversation came to."""

    session: str = Field(description="give it with the next question to go on with this conversation")
    reply: str = Field(description="the answer, or the question that the agent asks back")
    options: tuple[str, ...] = Field(default=(), description="where the agent asks back: what can be answered")
    verdicts: tuple[Verdict, ...] = Field(default=(), description="the verdicts of this turn")
    notices: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The same for a reader."""
        return "\n".join([self.reply, *(f"Note: {notice}" for notice in self.notices), f"Session: {self.session}"])


class Failure(FrozenModel):
    """Why a call could not be done, as a tool error gives it."""

    code: str
    message: str
    remedy: str | None = None

    @property
    def text(self) -> str:
        """The same for a reader."""
        return f"{self.code}: {self.message} {self.remedy or ''}".strip()


def without_map(item: Evidence) -> Evidence:
    """The evidence without the numbers of its heat map, which is given as an image."""
    return item.model_copy(update={"heatmap": None})
