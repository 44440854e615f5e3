"""The judge's answers, with their probabilities and operating points."""

from collections.abc import Mapping

from pydantic import Field

from faceagent.types.base import FrozenModel, Real
from faceagent.types.vocabulary import INCONCLUSIVE, Action, Question, Reason, Scale, Stability, Strength


class Probability(FrozenModel):
    """A probability with a 95 % interval and the id of its calibration, or None: uncalibrated."""

    value: Real = Field(ge=0, le=1)
    low: Real = Field(ge=0, le=1)
    high: Real = Field(ge=0, le=1)
    calibration: str | None = None


class OperatingPoint(FrozenModel):
    """A decision threshold and its error rates on the set where it was fitted."""

    name: str
    threshold: Real
    scale: Scale
    errors: Mapping[str, Real] = Field(default_factory=dict, description='for example {"fmr": 0.001}')
    measured_on: str = Field(description="the set and its size")


class Verdict(FrozenModel):
    """The judge's answer to one question about one subject; it may be "inconclusive"."""

    id: str = Field(description='"V:F1:expression"')
    question: Question
    subject: str
    label: str = Field(description='a label of the question, or "inconclusive"')
    probability: Probability | None = None
    llr: Real | None = Field(default=None, description="log10 likelihood ratio for the label against its alternative")
    wording: str = Field(description="the answer in words, always with its number where there is one")
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    operating_point: OperatingPoint | None = None
    status: Stability
    reason: Reason | None = Field(default=None, description="why it is inconclusive")
    strength: Strength | None = Field(
        default=None, description="the ratio on the verbal scale of ENFSI (2015); null where there is no ratio"
    )
    leaning: str | None = Field(
        default=None, description="the label with more support, where the verdict is inconclusive for want of strength"
    )
    positive: Probability | None = Field(
        default=None,
        description="of a question with two sides: probability at even odds of forged, morph, spoof, the same person "
        "or male, whatever the label is; for ranking and for lines of one's own",
    )
    capped: str | None = Field(default=None, description="what limits the ratio, where it stands at its limit")
    action: Action | None = Field(
        default=None, description="what the shipped policy of action recommends; null where no action can follow"
    )

    @property
    def decided(self) -> bool:
        """Whether it gives its label firmly: it is neither inconclusive nor a lean."""
        return self.label != INCONCLUSIVE and self.status != "leans"

    @property
    def firm_label(self) -> str:
        """The label where it is given firmly, else "inconclusive"."""
        return self.label if self.decided else INCONCLUSIVE


class Rollup(FrozenModel):
    """One answer for the whole picture, by a named rule over its faces."""

    question: Question
    rule: str = Field(description='for example "any face: the strongest attack verdict decides"')
    label: str
    faces: tuple[str, ...] = Field(description="the faces that decided it")
    status: Stability = Field(default="stable", description='"leans" where the deciding faces only lean to the label')
