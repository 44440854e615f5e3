"""Calibrations: fitted once by ``finetune``, shipped as JSON, applied here in plain arithmetic.

Four kinds. ``platt`` turns one raw score into a log-likelihood ratio; ``temperature`` turns a distribution of
logits into probabilities; ``threshold`` has operating points only and is used where no attack set was available to
fit a likelihood; ``familiarity`` gives the distance from the training faces beyond which the other scores are not
trusted. This module knows no tool and no picture.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter

from faceagent.errors import InputError
from faceagent.types import Evidence, FrozenModel, OperatingPoint, Scale

LN10 = math.log(10.0)

RANKED = 0.05
"""log10 LR by which scores at a floor differ: enough to rank verdicts by, too little to word them differently."""

Unfamiliarity = Literal["none", "unusual", "unfamiliar"]


class Ratio(NamedTuple):
    """A log10 likelihood ratio with its 95 % interval; a positive value supports the positive label."""

    value: float
    low: float
    high: float


class _Fitted(FrozenModel):
    # The file may also hold figures from the fit that are not applied (ECE, dates, …).
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    fitted_on: str
    note: str | None = None


class Point(FrozenModel):
    """An operating point on the raw scale."""

    name: str
    threshold: float
    errors: Mapping[str, float] = Field(default_factory=dict)


class _Binary(_Fitted):
    scale: Scale
    positive: str
    negative: str
    n_positive: int = Field(ge=0)
    n_negative: int = Field(ge=0)
    operating_points: tuple[Point, ...] = ()

    def operating_point(self, name: str | None = None) -> OperatingPoint | None:
        """The point called ``name``, or the first one; None when there is none."""
        for point in self.operating_points:
            if name in (None, point.name):
                return OperatingPoint(
                    name=point.name,
                    threshold=point.threshold,
                    scale=self.scale,
                    errors=point.errors,
                    measured_on=f"{self.fitted_on} ({self.n_positive} + {self.n_negative})",
                )
        return None

    def line_at(self, rate: float) -> float | None:
        """The score beyond which at most a share ``rate`` of the bona fide of the fitting set lie.

        Log-linear between the operating points, which are the operating curve that a record keeps; the strictest point
        where all allow more. None where the record has no rate of bona fide beyond its points.
        """
        curve = sorted(
            (point.threshold, point.errors["bpcer"]) for point in self.operating_points if "bpcer" in point.errors
        )
        curve = [(score, share) for score, share in curve if share > 0]
        if not curve:
            return None
        allowed = next((place for place, (_, share) in enumerate(curve) if share <= rate), None)
        if allowed is None:
            return curve[-1][0]
        if not allowed:
            return curve[0][0]
        (looser, many), (stricter, few) = curve[allowed - 1], curve[allowed]
        return looser + (stricter - looser) * math.log(many / rate) / math.log(many / few)


class Platt(_Binary):
    """ln LR = slope · score + intercept, prior removed (Platt 1999), clipped to the range the fitting set supports."""

    kind: Literal["platt"]
    slope: float
    intercept: float
    cap_log10: float = Field(gt=0, description="no set of n samples can support an LR much beyond n")
    floor_log10: float | None = Field(
        default=None, le=0, description="least log10 LR: a detector that misses some attacks cannot rule them out"
    )
    clean_below: float | None = Field(
        default=None, description="scores below it are one result, nothing found, whose ratio is the floor"
    )
    interval_log10: float = Field(default=0.3, ge=0, description="half width of the 95 % interval")
    attack_type: str | None = Field(
        default=None, description="the one attack type that the score detects; ratios of several types are averaged"
    )

    def ratio(self, score: float, comparisons: int = 1) -> Ratio:
        """The log10 likelihood ratio of a raw score.

        Args:
            score: on the raw scale.
            comparisons: how many scores this one is the largest of. Under the positive hypothesis one of them is the
                positive one and it may be any, so the ratio of the whole is their mean: at least the largest divided
                by their number. That bound is used; a ratio below 1 stays as it is.

        Below ``clean_below`` the size of the score is not weighed, only that nothing was found. So that verdicts can
        still be ranked, scores at the floor differ by up to ``RANKED``.
        """
        value = self._log10(score)
        value = min(value, max(0.0, value - math.log10(comparisons)))
        least = self.least_log10
        if self.floor_log10 is not None:
            clean = self.clean_below
            start = self.floor_log10 if clean is None or score >= clean else self._log10(clean)
            if value < start:
                value = self.floor_log10 - RANKED * (1 - 10 ** (value - start))
            least -= RANKED

        def clip(x: float) -> float:
            return max(least, min(self.cap_log10, x))

        return Ratio(clip(value), clip(value - self.interval_log10), clip(value + self.interval_log10))

    def _log10(self, score: float) -> float:
        """The fitted line."""
        return (self.slope * score + self.intercept) / LN10

    @property
    def least_log10(self) -> float:
        """The smallest log10 LR that a score can have, ``RANKED`` aside."""
        return -self.cap_log10 if self.floor_log10 is None else self.floor_log10

    def score_at(self, ratio: float) -> float:
        """The score from which the log10 likelihood ratio is at least ``ratio``, caps aside."""
        score = (ratio * LN10 - self.intercept) / self.slope
        return score if self.clean_below is None or ratio <= self.least_log10 else max(score, self.clean_below)

    def corrected(self, score: float, comparisons: int) -> float:
        """The single score that supports the positive label as much as the largest of several does."""
        return score - math.log(comparisons) / self.slope


class Threshold(_Binary):
    """Operating points without a likelihood: for one side, usually the attacks, there was no suitable training set."""

    kind: Literal["threshold"]


class Familiarity(_Fitted):
    """Distances from which a face is unusual, and from which it lies outside the training data of the cited scores."""

    kind: Literal["familiarity"]
    scale: Scale
    usual: float
    far: float

    def unfamiliarity(self, distance: float) -> Unfamiliarity:
        """The answer "unusual" from a distance of ``usual`` on, "unfamiliar" from ``far`` on, else "none"."""
        return "unfamiliar" if distance >= self.far else "unusual" if distance >= self.usual else "none"


class Temperature(_Fitted):
    """softmax(logit / T + bias) over the labels (Guo et al. 2017)."""

    kind: Literal["temperature"]
    labels: tuple[str, ...]
    temperature: float = Field(alias="T", gt=0)
    bias: Mapping[str, float] = Field(default_factory=dict)
    n: int = Field(ge=1)

    def probabilities(self, logits: Mapping[str, float]) -> dict[str, float]:
        """Probabilities over the labels that have a logit; they sum to one."""
        scaled = {label: value / self.temperature + self.bias.get(label, 0.0) for label, value in logits.items()}
        top = max(scaled.values())
        weights = {label: math.exp(value - top) for label, value in scaled.items()}
        total = sum(weights.values())
        return {label: weight / total for label, weight in weights.items()}

    def interval(self, probability: float) -> tuple[float, float]:
        """Wilson interval for a tenth of the fitting set, the size of one bin of a ten-bin reliability plot."""
        n = max(self.n / 10, 1.0)
        z = 1.96
        centre = (probability + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(probability * (1 - probability) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, centre - half), min(1.0, centre + half)


Calibration = Platt | Threshold | Temperature | Familiarity
_ADAPTER: TypeAdapter[Calibration] = TypeAdapter(Annotated[Calibration, Field(discriminator="kind")])


@cache
def records() -> Mapping[str, Mapping[str, Any]]:
    """Every shipped record as it stands in its file, by id; figures from the fit that are not applied included."""
    files = sorted(resources.files("faceagent.judge").joinpath("calibration").iterdir(), key=lambda file: file.name)
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".json")]
    return {record["id"]: record for record in read}


@cache
def _shipped() -> Mapping[str, Calibration]:
    # Intervals (age) are applied by the tool itself: its statement contains them.
    applied = {name: record for name, record in records().items() if record["kind"] != "interval"}
    return {name: _ADAPTER.validate_python(record) for name, record in applied.items()}


@cache
def two_sided() -> Mapping[str, tuple[str, str]]:
    """The questions whose verdicts carry the probability of their positive side, with their two labels."""
    return {
        name.partition("/")[0]: (one.positive, one.negative)
        for name, one in _shipped().items()
        if isinstance(one, Platt)
    }


def calibration(identifier: str) -> Calibration:
    """The shipped calibration of that id. Raises InputError if there is none."""
    try:
        return _shipped()[identifier]
    except KeyError:
        raise InputError(f"There is no calibration called {identifier!r}.") from None


def calibration_of(evidence: Evidence) -> Calibration | None:
    """The calibration that fits this evidence, or None when its score is uncalibrated."""
    if evidence.score is None or evidence.score.calibration is None:
        return None
    return _shipped().get(evidence.score.calibration)
