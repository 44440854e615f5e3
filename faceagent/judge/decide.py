"""From evidence to a verdict: one function per kind of question; each may abstain.

All decision thresholds are here. A firm verdict needs a likelihood ratio beyond ``DECISIVE`` on one side and, where the
calibration has an operating point, a score on the same side of it. Weaker evidence gives the label with the status
"leans", to an attack only from a line that few bona fide faces reach. Evidence that lends no support, contradicts
itself or is about an unfamiliar face gives no label.
"""

from collections.abc import Sequence

from faceagent.judge import wording
from faceagent.judge.attack_type import attack_type_note
from faceagent.judge.calibrate import Platt, Ratio, Temperature, Threshold, calibration_of
from faceagent.judge.fuse import Fused, comparisons_of, fuse, unfamiliarity_of
from faceagent.types import (
    INCONCLUSIVE,
    Evidence,
    OperatingPoint,
    Probability,
    Question,
    Reason,
    Stability,
    Verdict,
)

DECISIVE: dict[Question, float] = {"gender": 0.6}
"""log10 LR below which a binary question stays inconclusive. Apparent gender, which has few consequences, is decided
from LR 4 on, but with status "uncertain" below LR 10."""
DECISIVE_DEFAULT = 1.0
LEAN_FALSE_CALLS = 0.02
"""Share of bona fide faces of the fitting set that may lie beyond the line from which a lean to an attack is given."""
_ROUNDING = 1e-6

CLEAR = 0.5
"""Probability that the best of several labels must reach, and twice the lead it needs over the second."""

LEAD = 0.15
"""Lead over the second label from which an open question leans to the first."""

FACS_LETTERS = "ABCDE"
"""Intensity letters of the Facial Action Coding System: A trace … E maximum, one per step of the 0-5 scale."""


def abstain(question: Question, subject: str, reason: Reason, words: str, evidence: Sequence[Evidence] = ()) -> Verdict:
    """An ``inconclusive`` verdict with its reason, as a code and in words."""
    return Verdict(
        id=f"V:{subject}:{question}",
        question=question,
        subject=subject,
        label=INCONCLUSIVE,
        wording=f"Inconclusive: {words}.",
        supports=tuple(item.id for item in evidence if item.status == "ok"),
        status="uncertain",
        reason=reason,
    )


def binary(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """Positive label, negative label or inconclusive, from fused likelihood ratios."""
    fused = fuse(evidence)
    if fused is None:
        return _by_threshold(question, subject, evidence)
    side = 1 if fused.ratio.value >= 0 else -1
    lead = max(fused.items, key=lambda item: side * item.ratio.value).evidence
    fitted = calibration_of(lead)
    if not isinstance(fitted, Platt):  # fuse() admits nothing else; narrows the type
        raise TypeError(f"{lead.id} was fused without a likelihood")
    point = fitted.operating_point()
    positive = side > 0
    label = fitted.positive if positive else fitted.negative
    against = fitted.negative if positive else fitted.positive
    needed = DECISIVE.get(question, DECISIVE_DEFAULT)
    reason: Reason | None = None
    if fused.contested:
        reason = "contradictory"
    elif fused.unfamiliarity == "unfamiliar":
        reason = "open_set"
    elif _changes_when_resaved(fitted, lead):
        reason = "unstable"
    elif wording.strength(fused.ratio.value) == "none":
        reason = "weak_evidence"
    elif positive and not _beyond_lean_line(fitted, lead):
        reason = "below_operating_point"
    firm = abs(fused.ratio.value) >= needed and _beyond(point, fitted, lead, positive)
    # A positive finding names the attack type of the leading score and the generator's family.
    note, cited = attack_type_note(fitted, lead, evidence) if positive and firm and not reason else ("", ())
    capped = _capped(fused, fitted)
    return Verdict(
        id=f"V:{subject}:{question}",
        question=question,
        subject=subject,
        label=INCONCLUSIVE if reason else label,
        probability=_even_odds(fused.ratio, fitted.id) if positive else _even_odds(_flip(fused.ratio), fitted.id),
        llr=fused.ratio.value,
        wording=_format_support(fused.ratio, _words(label), _words(against), reason, firm, capped) + note,
        supports=(*fused.side(positive), *(cited if note else ())),
        contradicts=fused.side(not positive),
        operating_point=point,
        status="leans" if reason is None and not firm else _stability(fused, needed, reason),
        reason=reason,
        strength=wording.strength(fused.ratio.value),
        leaning=label if reason == "below_operating_point" else None,
        positive=_even_odds(fused.ratio, fitted.id),
        capped=capped,
    )


def _capped(fused: Fused, fitted: Platt) -> str | None:
    """What limits the ratio, where it stands at its limit."""
    value = fused.ratio.value
    if value < 0 and fitted.floor_log10 is not None and value <= fitted.floor_log10 + _ROUNDING:
        return "a clean result cannot count for more, because this test misses many attacks"
    if abs(value) >= fitted.cap_log10 - _ROUNDING:
        # log10 of the number of people or source pictures, or a lower limit set by hand: see the calibration's note.
        return "the ratio cannot be larger, because the test was calibrated on limited numbers of people and pictures"
    return None


def _by_threshold(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """Where no likelihood could be fitted: the operating point alone, or nothing."""
    measured = [item for item in evidence if item.status == "ok" and item.score is not None]
    for item in measured:
        fitted = calibration_of(item)
        point = fitted.operating_point() if isinstance(fitted, Threshold) else None
        if isinstance(fitted, Threshold) and point is not None and item.score is not None:
            label = fitted.positive if item.score.value >= point.threshold else fitted.negative
            rates = ", ".join(f"{name.upper()} {wording.percent(rate)}" for name, rate in point.errors.items())
            return Verdict(
                id=f"V:{subject}:{question}",
                question=question,
                subject=subject,
                label=label,
                wording=f"{_words(label).capitalize()} at the operating point {point.name} ({rates}); "
                f"score {item.score.value:.3f}, line {point.threshold:.3f}; no likelihood ratio could be calibrated.",
                supports=(item.id,),
                operating_point=point,
                status="uncertain",
            )
    if measured:
        return abstain(question, subject, "uncalibrated", "what was measured has no calibration", measured)
    skipped = next((item for item in evidence if item.status != "ok"), None)
    if skipped is None:
        return abstain(question, subject, "no_evidence", "no tool measured anything about this")
    return abstain(question, subject, skipped.reason or "no_evidence", _clause(skipped.statement))


def choice(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """One of several labels, by the calibrated distribution of the first item that has one."""
    item = next((item for item in evidence if item.status == "ok" and item.distribution), None)
    if item is None:
        return _by_threshold(question, subject, [one for one in evidence if one.status != "ok"])
    fitted = calibration_of(item)
    if not isinstance(fitted, Temperature):
        lacking = item.facts.get("read_without")
        words = (
            "the scores of this tool have no calibration"
            if lacking is None
            else f"{item.label} comes first, but without {lacking} nothing says how often such a reading is right"
        )
        return abstain(question, subject, "uncalibrated", words, [item])
    ranked = sorted(fitted.probabilities(item.distribution).items(), key=lambda pair: -pair[1])
    (label, value), (second, runner_up) = ranked[0], ranked[1]
    low, high = fitted.interval(value)
    open_question = value < CLEAR or value - runner_up < CLEAR / 2
    named = f"apparent {_words(label)}" if question == "expression" else _words(label)
    numbers = f"probability {wording.percent(value)}, 95 % interval {100 * low:.0f} to {100 * high:.0f} %"
    text = (
        f"Inconclusive: {named} ({wording.percent(value)}) comes first and {_words(second)} "
        f"({wording.percent(runner_up)}) second, {'which is too weak' if value < CLEAR else 'which is too close'}."
        if open_question
        else f"{named.capitalize()} ({numbers}); next is {_words(second)} ({wording.percent(runner_up)})."
    )
    cited = tuple(one for one in item.cites if any(other.id == one for other in evidence))
    return Verdict(
        id=f"V:{subject}:{question}",
        question=question,
        subject=subject,
        label=INCONCLUSIVE if open_question else label,
        probability=Probability(value=value, low=low, high=high, calibration=fitted.id),
        wording=text,
        supports=(item.id, *cited),
        status="uncertain" if open_question or low < CLEAR else "stable",
        reason="weak_evidence" if open_question else None,
        leaning=label if open_question and value - runner_up >= LEAD else None,
    )


def interval(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """A range (age): the tool's calibrated interval is the answer."""
    # What rests on another item, the distance from the training faces, is no estimate.
    estimates = (item for item in evidence if item.status == "ok" and item.score is not None and not item.cites)
    item = next(estimates, None)
    if item is None or item.score is None:
        return _by_threshold(question, subject, evidence)
    score = item.score
    if unfamiliarity_of(evidence) == "unfamiliar":
        words = "this face is unlike everything the estimate was learned from"
        return abstain(question, subject, "open_set", words, [one for one in evidence if one.status == "ok"])
    if score.low is None or score.high is None or score.calibration is None:
        return abstain(question, subject, "uncalibrated", "the estimate has no calibrated interval", [item])
    return Verdict(
        id=f"V:{subject}:{question}",
        question=question,
        subject=subject,
        label=f"{score.low:.0f}-{score.high:.0f} years",
        wording=item.statement,
        supports=(item.id,),
        status="stable" if score.high - score.low <= 25 else "uncertain",
    )


def facs(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """The FACS code of what is present: "AU6C+AU12D"."""
    units = [item for item in evidence if item.status == "ok" and item.question == question and item.score]
    if not units:
        return _by_threshold(question, subject, evidence)
    present = [item for item in units if item.label == "present"]
    code = "+".join(f"{item.id.rpartition(':')[2]}{_letter(item)}" for item in present) or "none"
    count = f"{len(present)} of {len(units)} measurable action units are present"
    return Verdict(
        id=f"V:{subject}:{question}",
        question=question,
        subject=subject,
        label=code,
        wording=f"{count}: {code.replace('+', ' + ')}." if present else f"{count}.",
        supports=tuple(item.id for item in present) or tuple(item.id for item in units),
        status="stable",
    )


def _letter(item: Evidence) -> str:
    value = item.score.value if item.score else 0.0
    return FACS_LETTERS[max(0, min(4, int(value)))]


def _beyond(point: OperatingPoint | None, fitted: Platt, item: Evidence, positive: bool) -> bool:
    """Whether the score is on the verdict's side of the operating point; the best of several must be further beyond."""
    if point is None or item.score is None:
        return True
    score = fitted.corrected(item.score.value, comparisons_of(item)) if positive else item.score.value
    return (score >= point.threshold) == positive


def _beyond_lean_line(fitted: Platt, item: Evidence) -> bool:
    """Whether a score for the positive side is one that few bona fide faces reach."""
    line = fitted.line_at(LEAN_FALSE_CALLS)
    if line is None or item.score is None:
        return True
    return fitted.corrected(item.score.value, comparisons_of(item)) >= line


def _changes_when_resaved(fitted: Platt, item: Evidence) -> bool:
    """Whether one end of the score's range would be a lean to one side and the other end a lean to the other."""
    if item.score is None or item.score.low is None or item.score.high is None:
        return False
    count = comparisons_of(item)
    low, high = (fitted.ratio(end, count).value for end in (item.score.low, item.score.high))
    if low > -wording.LEANS + _ROUNDING or high < wording.LEANS - _ROUNDING:
        return False
    line = fitted.line_at(LEAN_FALSE_CALLS)
    return line is None or fitted.corrected(item.score.high, count) >= line


def _stability(fused: Fused, needed: float, reason: Reason | None) -> Stability:
    if fused.contested:
        return "contested"
    weakest = fused.ratio.low if fused.ratio.value >= 0 else -fused.ratio.high
    firm = weakest >= needed / 2 and abs(fused.ratio.value) >= DECISIVE_DEFAULT
    return "stable" if reason is None and firm else "uncertain"


def _flip(ratio: Ratio) -> Ratio:
    return Ratio(-ratio.value, -ratio.high, -ratio.low)


def _even_odds(ratio: Ratio, calibration: str) -> Probability:
    """Posterior probability at even prior odds, the prior that favours neither side."""

    def odds(llr: float) -> float:
        return float(1.0 / (1.0 + 10.0**-llr))

    return Probability(value=odds(ratio.value), low=odds(ratio.low), high=odds(ratio.high), calibration=calibration)


def _format_support(
    ratio: Ratio, label: str, against: str, reason: Reason | None, firm: bool, capped: str | None
) -> str:
    llr = abs(ratio.value)
    low, high = (ratio.low, ratio.high) if ratio.value >= 0 else (-ratio.high, -ratio.low)
    number = f"{wording.ratio(llr)}, 95 % interval {10**low:.2g} to {10**high:.2g}"
    if capped is not None:
        number = wording.ratio(llr)
    text = f"{wording.support(llr)} support ({number}) for {label} over {against}"
    limit = "" if capped is None else f" {capped[0].upper()}{capped[1:]}."
    if reason == "contradictory":
        return f"Inconclusive: the specialists contradict each other; together {text}."
    if reason == "open_set":
        return f"Inconclusive: this face is unlike everything the specialists learned from; they would say {text}."
    if reason == "unstable":
        return f"Inconclusive: the answer changes when the picture is saved again; on average {text}."
    if reason == "weak_evidence":
        return f"Inconclusive: what was measured fits {label} and {against} about equally well ({number})."
    if reason is not None:
        return f"Inconclusive: only {text}; more than 2 in 100 that are {against} reach this."
    if not firm:
        return f"Leans towards {label}: {text}; a finding needs more.{limit}"
    return f"{text[0].upper()}{text[1:]}.{limit}"


def _words(label: str) -> str:
    return label.replace("_", " ")


def _clause(sentence: str) -> str:
    text = sentence.rstrip(".")
    return text[0].lower() + text[1:] if text[:2].isalpha() and not text[:2].isupper() else text
