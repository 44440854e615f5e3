"""One measurement with its scale, its tool and its statement."""

from collections.abc import Mapping

from pydantic import Field, model_validator

from faceagent.types.base import FrozenModel, Real, Share
from faceagent.types.vocabulary import Question, Reason, Region, Scale, Status

MOST_PATCHES = 64
"""Patches per side of a heat map: the largest towers have 37, and a report must stay readable."""


class Score(FrozenModel):
    """A number with its scale. ``calibration`` is the id of the fitted map it has, or None: uncalibrated."""

    value: Real
    scale: Scale
    low: Real | None = Field(default=None, description="lower end of an interval; 95 % unless facts say so")
    high: Real | None = Field(default=None, description="upper end of that interval")
    calibration: str | None = None


class WeightStamp(FrozenModel):
    """The weights that were used."""

    id: str
    sha256: str


class ToolStamp(FrozenModel):
    """The tool that measured, with everything needed to repeat the measurement."""

    name: str
    version: str
    weights: tuple[WeightStamp, ...] = ()
    device: str = "cpu"


class HeatMap(FrozenModel):
    """A detector's score per patch, row by row, over a square of the picture."""

    box: tuple[Real, Real, Real, Real] = Field(description="x0, y0, x1, y1 in px; may reach past the picture's edge")
    values: tuple[tuple[Share, ...], ...] = Field(
        min_length=1, max_length=MOST_PATCHES, description="0-1 per patch, top row first; uncalibrated"
    )

    @model_validator(mode="after")
    def _square(self) -> "HeatMap":
        if any(len(row) != len(self.values) for row in self.values):
            raise ValueError("a heat map has as many columns as rows")
        return self


class Evidence(FrozenModel):
    """One measurement with its statement, one sentence. Its id is unique in a report: ``subject:name``, "F1:AU12"."""

    id: str
    tool: ToolStamp
    question: Question
    subject: str = Field(description="id of the face or picture that was measured")
    label: str | None = None
    score: Score | None = None
    distribution: Mapping[str, Real] = Field(
        default_factory=dict, description="raw logit per label, when the tool chooses among several"
    )
    facts: Mapping[str, Real | str] = Field(default_factory=dict, description="further numbers behind the statement")
    region: Region | None = None
    heatmap: HeatMap | None = None
    cites: tuple[str, ...] = Field(default=(), description="ids of evidence this one was derived from")
    statement: str
    status: Status = "ok"
    reason: Reason | None = None
