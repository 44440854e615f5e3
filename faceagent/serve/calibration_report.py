"""How far the measured probabilities agree with what people said the pictures were.

Feedback is about a picture, and a verdict about a question, so a question is compared with REAL alone (how often it
accused a genuine picture) and all questions together with both sides (the highest probability of any of them). Which
questions can accuse is ``judge.action``'s to say; a new one is counted as soon as it stands there.
"""

from collections.abc import Sequence

from pydantic import Field

from faceagent.judge.action import ADVERSE
from faceagent.judge.calibrate import two_sided
from faceagent.types import FrozenModel, Question, Real
from faceagent.types.service import Feedback, FeedbackLabel

BINS = 5


class ReliabilityBin(FrozenModel):
    """Pictures whose probability lies in one part of the scale."""

    low: Real
    high: Real
    n: int
    mean_probability: Real | None = Field(description="null: no picture lies there")
    share_not_real: Real | None = Field(description="share of them that was SYNTHETIC or MANIPULATED")


class QuestionOnReal(FrozenModel):
    """What one question said about genuine pictures."""

    question: Question
    n: int
    accused: int = Field(description="REAL pictures with a firm adverse label")
    mean_probability: Real | None


class CalibrationReport(FrozenModel):
    """Probabilities beside feedback. Feedback is no random sample: it is given where somebody doubts."""

    counts: dict[FeedbackLabel, int]
    brier: Real | None = Field(description="mean squared error of the highest probability; null: nothing to compare")
    bins: tuple[ReliabilityBin, ...]
    questions: tuple[QuestionOnReal, ...]


def calibration_report(given: Sequence[Feedback]) -> CalibrationReport:
    """The report on all feedback; UNKNOWN is counted and not compared."""
    counts: dict[FeedbackLabel, int] = {}
    for one in given:
        counts[one.label] = counts.get(one.label, 0) + 1
    pairs = [
        (highest, one.label != "REAL")
        for one in given
        if one.label != "UNKNOWN" and (highest := _highest(one)) is not None
    ]
    brier = sum((score - truth) ** 2 for score, truth in pairs) / len(pairs) if pairs else None
    return CalibrationReport(
        counts=counts,
        brier=brier,
        bins=tuple(_bin(pairs, place) for place in range(BINS)),
        questions=tuple(_on_real(question, given) for question in sorted(ADVERSE)),
    )


def _highest(one: Feedback) -> float | None:
    found = [
        verdict.positive for verdict in one.verdicts if _accuses(verdict.question) and verdict.positive is not None
    ]
    return max(found, default=None)


def _accuses(question: Question) -> bool:
    """Whether a high probability is the adverse side; of identity, a low one is."""
    sides = two_sided().get(question)
    return sides is not None and sides[0] in ADVERSE.get(question, ())


def _bin(pairs: Sequence[tuple[float, bool]], place: int) -> ReliabilityBin:
    low, high = place / BINS, (place + 1) / BINS
    inside = [(score, truth) for score, truth in pairs if low <= score < high or (score == 1 and high == 1)]
    return ReliabilityBin(
        low=low,
        high=high,
        n=len(inside),
        mean_probability=sum(score for score, _ in inside) / len(inside) if inside else None,
        share_not_real=sum(truth for _, truth in inside) / len(inside) if inside else None,
    )


def _on_real(question: Question, given: Sequence[Feedback]) -> QuestionOnReal:
    real = [verdict for one in given if one.label == "REAL" for verdict in one.verdicts if verdict.question == question]
    scores = [verdict.positive for verdict in real if verdict.positive is not None]
    return QuestionOnReal(
        question=question,
        n=len(real),
        accused=sum(verdict.label in ADVERSE[question] for verdict in real),
        mean_probability=sum(scores) / len(scores) if scores else None,
    )
