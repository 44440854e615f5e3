"""Counterfactuals: the smallest change of one measurement that would change a verdict.

Every change is found by giving the judge the same evidence with one number changed; the smallest change that gives
another label firmly is reported; a verdict that only leans counts as inconclusive. Evidence that was not measured is
listed too, because it could change a verdict as well.
"""

from collections.abc import Callable, Sequence

from faceagent import judge
from faceagent.judge.calibrate import LN10, Platt, Temperature, Threshold, calibration_of
from faceagent.judge.fuse import fuse
from faceagent.types import INCONCLUSIVE, Evidence, Face, FrozenModel, Picture, Real, Verdict

STEPS = 24
"""Bisection steps between two scores that give different labels: enough for six decimals."""
GRID = 48
"""Scores tried on each side of the measured one."""
REACH = 3.0
"""How far beyond the point where a calibration saturates scores are tried, in logits."""


class Change(FrozenModel):
    """One number; changed to ``needed``, with all others unchanged, it gives the verdict ``label``."""

    evidence: str
    entry: str | None = None
    """Which label's logit is moved, when the evidence has a distribution."""
    measured: Real
    needed: Real
    label: str


class Counterfactual(FrozenModel):
    """All changes found for one verdict: the smallest per item and label."""

    verdict: str
    changes: tuple[Change, ...] = ()
    even: tuple[Change, ...] = ()
    """Moves to a likelihood ratio of 1, where the evidence would support neither side."""
    fixed: tuple[str, ...] = ()
    """Ids of calibrated evidence that cannot change the verdict alone."""
    missing: tuple[str, ...] = ()
    """Ids of evidence that could have counted and was not measured."""


Move = Callable[[float], Evidence]


def what_would_change(verdict: Verdict, subject: Face | Picture, evidence: Sequence[Evidence]) -> Counterfactual:
    """The smallest single changes that change ``verdict``; ``evidence`` is everything recorded about the picture."""
    about = {subject.id, subject.picture} if isinstance(subject, Face) else {subject.id}
    bearing = [item for item in evidence if item.subject in about and judge.bears_on(verdict.question, item)]

    def decide_with(changed: Evidence) -> Verdict:
        return judge.weigh(verdict.question, subject, [changed if item.id == changed.id else item for item in evidence])

    changes: list[Change] = []
    even: list[Change] = []
    fixed: list[str] = []
    for item in bearing:
        if verdict.reason == "face_unusable" or item.status != "ok":
            continue
        found = _of_item(item, verdict, decide_with)
        changes += found
        if not found and calibration_of(item) is not None:
            fixed.append(item.id)
        level = _even(item, bearing)
        if level is not None and verdict.label != INCONCLUSIVE:
            even.append(level)
    return Counterfactual(
        verdict=verdict.id,
        changes=tuple(changes),
        even=tuple(even),
        fixed=tuple(fixed),
        missing=tuple(item.id for item in bearing if item.status != "ok"),
    )


def _of_item(item: Evidence, verdict: Verdict, decide_with: Callable[[Evidence], Verdict]) -> list[Change]:
    fitted = calibration_of(item)
    if isinstance(fitted, Platt | Threshold) and item.score is not None:
        score, (low, high) = item.score, _range(fitted, item.score.value)

        def moved(value: float) -> Evidence:
            return item.model_copy(update={"score": score.model_copy(update={"value": value})})

        return _smallest(item.id, None, score.value, low, high, moved, verdict, decide_with)
    if isinstance(fitted, Temperature) and item.distribution:
        reach = REACH + max(item.distribution.values()) - min(item.distribution.values())
        found: list[Change] = []
        for label, logit in item.distribution.items():

            def shifted(value: float, label: str = label) -> Evidence:
                return item.model_copy(update={"distribution": {**item.distribution, label: value}})

            found += _smallest(item.id, label, logit, logit - reach, logit + reach, shifted, verdict, decide_with)
        return _nearest_per_label(found)
    return []


def _range(fitted: Platt | Threshold, value: float) -> tuple[float, float]:
    """The lowest and the highest raw score worth trying."""
    points = [point.threshold for point in fitted.operating_points]
    if isinstance(fitted, Platt) and fitted.slope:
        # Two caps: other items may have to be outweighed as well.
        points += [(side * LN10 * fitted.cap_log10 - fitted.intercept) / fitted.slope for side in (-1, 1)]
    return min([value, *points]) - REACH, max([value, *points]) + REACH


def _smallest(
    name: str,
    entry: str | None,
    value: float,
    low: float,
    high: float,
    moved: Move,
    verdict: Verdict,
    decide_with: Callable[[Evidence], Verdict],
) -> list[Change]:
    """For every other label, the score closest to the measured one at which the judge gives it."""
    found: dict[str, Change] = {}
    for end in (low, high):
        before, last = value, verdict.firm_label
        for step in range(1, GRID + 1):
            here = value + (end - value) * step / GRID
            label = decide_with(moved(here)).firm_label
            if label not in (last, verdict.firm_label):
                needed = _edge(before, here, label, moved, decide_with)
                change = Change(evidence=name, entry=entry, measured=value, needed=needed, label=label)
                if label not in found or abs(needed - value) < abs(found[label].needed - value):
                    found[label] = change
            before, last = here, label
    return list(found.values())


def _edge(before: float, after: float, label: str, moved: Move, decide_with: Callable[[Evidence], Verdict]) -> float:
    """The first score with ``label`` between one without it and one with it, by bisection."""
    for _ in range(STEPS):
        middle = (before + after) / 2
        if decide_with(moved(middle)).firm_label == label:
            after = middle
        else:
            before = middle
    # Scores are kept to six decimals; rounding must not end up on the wrong side of the threshold.
    nudged = round(after, 6)
    return nudged if decide_with(moved(nudged)).firm_label == label else nudged + (1e-6 if after > before else -1e-6)


def _even(item: Evidence, bearing: Sequence[Evidence]) -> Change | None:
    """The score at which all items together would have a likelihood ratio of 1."""
    fitted, fused = calibration_of(item), fuse(bearing)
    if not isinstance(fitted, Platt) or item.score is None or fused is None or not fitted.slope:
        return None
    ratio = fused.even_ratio(item.id)
    if ratio is None or not fitted.least_log10 <= ratio <= fitted.cap_log10:
        return None
    return Change(evidence=item.id, measured=item.score.value, needed=fitted.score_at(ratio), label="1:1")


def _nearest_per_label(changes: Sequence[Change]) -> list[Change]:
    nearest: dict[str, Change] = {}
    for change in changes:
        best = nearest.get(change.label)
        if best is None or abs(change.needed - change.measured) < abs(best.needed - best.measured):
            nearest[change.label] = change
    return list(nearest.values())
