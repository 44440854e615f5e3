"""One verdict as a strip of the page: the answer, and its ratio on the verbal scale or its probability on a bar.

Positions are in per cent of the width. The scale is logarithmic: equal distances are equal factors of the ratio.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from faceagent.explain import summarize
from faceagent.judge import wording
from faceagent.report.headings import Headings
from faceagent.types import INCONCLUSIVE, Finding, Probability, Report, Verdict

REACH = 3.0
"""log10 LR at both ends of the scale; stronger evidence is drawn at the end."""
TONES = {"yes": "alarm", "leans_yes": "open", "cannot_tell": "open", "leans_no": "calm", "no": "calm"}
CAUTION = ("plain", "calm", "open", "alarm")
"""Tones, the most cautious last."""
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


def strip(verdict: Verdict, finding: Finding, words: Headings) -> Strip:
    """The strip of a verdict and of its finding in the summary."""
    return Strip(
        title=words.title(verdict.question),
        tone=_tone(verdict, finding),
        answer=finding.text,
        reason=finding.reason,
        bar=_bar(verdict, words),
        verdict=verdict,
    )


def strips(report: Report, words: Headings) -> list[Strip]:
    """One strip per verdict, the most important one first; also of a report from before there was a summary."""
    verdicts = {verdict.id: verdict for verdict in report.verdicts}
    summary = report.summary or summarize(report.verdicts, report.evidence, report.faces)
    return [strip(verdicts[one.verdict], one, words) for one in summary.findings if one.verdict in verdicts]


def tone_of(strips: Iterable[Strip]) -> str:
    """The tone of several verdicts together: that of the most cautious of them."""
    return max((one.tone for one in strips), key=CAUTION.index, default="plain")


def zones() -> list[tuple[float, float, str]]:
    """The parts of the scale from left to right: where each begins, how wide it is, and its word."""
    floors = [floor for floor, _ in wording.SCALE if floor < REACH] + [REACH]
    words = [wording.support(floor) for floor, _ in wording.SCALE if floor < REACH]
    right = list(zip(floors, floors[1:], words, strict=False))
    left = [(-high, -low, word) for low, high, word in reversed(right[1:])]
    middle = (-floors[1], floors[1], words[0])
    return [(_at(low), _at(high) - _at(low), word) for low, high, word in [*left, middle, *right[1:]]]


def _bar(verdict: Verdict, words: Headings) -> Bar | None:
    ends = words.ends(verdict.question)
    if verdict.positive is not None and ends is not None:
        one = verdict.positive
        strength = wording.strength(_ratio(one.value))
        word = words.support("no" if strength == "none" else strength)
        text = words.support("side", word=word, side=ends[one.value >= 0.5], numbers=_side_numbers(one, words))
        return Bar(_at(_ratio(one.value)), _at(_ratio(one.low)), _at(_ratio(one.high)), ends, text)
    if verdict.probability is None or verdict.question == "identity":
        return None
    one = verdict.probability
    text = words.support("probability", numbers=_numbers(one.value, one.low, one.high, words))
    return Bar(100 * one.value, 100 * one.low, 100 * one.high, None, text)


def _side_numbers(one: Probability, words: Headings) -> str:
    """The probability of the likelier side with its interval."""
    value, low, high = one.value, one.low, one.high
    if value < 0.5:
        value, low, high = 1 - value, 1 - high, 1 - low
    if high <= value:
        # The ratio stands at its limit, and so does the upper end of its interval.
        return words.support("most", value=wording.percent(value))
    return _numbers(value, low, high, words)


def _numbers(value: float, low: float, high: float, words: Headings) -> str:
    return words.support("numbers", value=wording.percent(value), low=f"{100 * low:.0f}", high=f"{100 * high:.0f}")


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
