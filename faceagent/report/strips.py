"""One verdict as a strip of the page: the answer, and its ratio on the verbal scale or its probability on a bar.

Positions are in per cent of the width. The scale is logarithmic: equal distances are equal factors of the ratio.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from faceagent.judge import wording
from faceagent.types import INCONCLUSIVE, Finding, Probability, Question, Verdict

REACH = 3.0
"""log10 LR at both ends of the scale; stronger evidence is drawn at the end."""
ENDS: Mapping[Question, tuple[str, str]] = {
    "forgery": ("genuine", "manipulated"),
    "morph": ("one person", "blend of two"),
    "spoof": ("live", "print or screen"),
    "identity": ("another person", "same person"),
    "gender": ("female", "male"),
}
"""What the left and the right end of the scale stand for."""
TITLES: Mapping[Question, str] = {
    "forgery": "Manipulated?",
    "morph": "Blend of two people?",
    "spoof": "Print or screen?",
    "identity": "Same person?",
    "expression": "Expression",
    "action_units": "Muscle movements",
    "age": "Apparent age",
    "gender": "Apparent gender",
    "quality": "Picture quality",
    "provenance": "Origin of the file",
}
TONES = {"yes": "alarm", "leans_yes": "open", "cannot_tell": "open", "leans_no": "calm", "no": "calm"}
ALARMING = frozenset({"unusable", "invalid", "declares_synthetic"})


class Bar(NamedTuple):
    """A value with its interval on an axis from 0 to 100; ``ends`` name the two sides of a scale, if it has two."""

    value: float
    low: float
    high: float
    ends: tuple[str, str] | None
    text: str


class Strip(NamedTuple):
    """What the page shows of one verdict."""

    title: str
    tone: str
    answer: str
    reason: str | None
    bar: Bar | None
    verdict: Verdict


def strip(verdict: Verdict, finding: Finding) -> Strip:
    """The strip of a verdict and of its finding in the summary."""
    return Strip(
        title=TITLES[verdict.question],
        tone=_tone(verdict, finding),
        answer=finding.text,
        reason=finding.reason,
        bar=_bar(verdict),
        verdict=verdict,
    )


def zones() -> list[tuple[float, float, str]]:
    """The parts of the scale from left to right: where each begins, how wide it is, and its word."""
    floors = [floor for floor, _ in wording.SCALE if floor < REACH] + [REACH]
    words = [wording.support(floor) for floor, _ in wording.SCALE if floor < REACH]
    right = list(zip(floors, floors[1:], words, strict=False))
    left = [(-high, -low, word) for low, high, word in reversed(right[1:])]
    middle = (-floors[1], floors[1], words[0])
    return [(_at(low), _at(high) - _at(low), word) for low, high, word in [*left, middle, *right[1:]]]


def _bar(verdict: Verdict) -> Bar | None:
    ends = ENDS.get(verdict.question)
    if verdict.positive is not None and ends is not None:
        one = verdict.positive
        side = ends[one.value >= 0.5]
        word = wording.support(_ratio(one.value))
        support = f"{'no clear' if word == 'no' else word} support for \u201c{side}\u201d"
        return Bar(
            _at(_ratio(one.value)), _at(_ratio(one.low)), _at(_ratio(one.high)), ends, _shares(one, support, side)
        )
    if verdict.probability is None or verdict.question == "identity":
        return None
    one = verdict.probability
    return Bar(100 * one.value, 100 * one.low, 100 * one.high, None, _shares(one, "", "probability"))


def _shares(one: Probability, support: str, side: str) -> str:
    value, low, high = one.value, one.low, one.high
    if support and value < 0.5:
        value, low, high = 1 - value, 1 - high, 1 - low
    numbers = f"{wording.percent(value)} ({100 * low:.0f} to {100 * high:.0f} %)"
    if support and high <= value:
        # The ratio stands at its limit, and so does the upper end of its interval.
        numbers = f"{wording.percent(value)}, the most that this test can say"
    return f"{support}, {numbers}" if support else f"{side} {numbers}"


def _tone(verdict: Verdict, finding: Finding) -> str:
    if verdict.question == "identity" and verdict.label == "forged":
        return "alarm"
    if verdict.question in ("identity", "expression", "age", "gender", "action_units"):
        return "open" if finding.answer == "cannot_tell" else "plain"
    if verdict.label in ALARMING:
        return "alarm"
    return (
        "plain" if verdict.label == INCONCLUSIVE and verdict.reason == "absent" else TONES.get(finding.answer, "plain")
    )


def _ratio(probability: float) -> float:
    """log10 of the odds, which at even prior odds are the ratio."""
    share = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log10(share / (1 - share))


def _at(llr: float) -> float:
    return 50 + 50 * max(-REACH, min(REACH, llr)) / REACH
