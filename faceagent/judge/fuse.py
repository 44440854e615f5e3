"""Fusion: the log-likelihood ratios of several tools become one, and their disagreement stays visible.

Independent evidence adds on the log scale. Tools that read the same pixels are not independent, so the sum is clipped
to the largest single cap plus one order of magnitude. Scores for different attack types (spliced, generated) are
alternatives: their likelihood ratios are averaged first, because one type is enough for a positive answer.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from faceagent.judge.calibrate import Familiarity, Platt, Ratio, Unfamiliarity, calibration_of
from faceagent.types import Evidence, Score

CONFLICT = 0.5
"""log10 LR from which one item counts for its side; one such item on each side is a conflict."""
WIDENED = 0.5
"""log10 by which the interval grows on both sides when a face is unusual."""


class RatedEvidence(NamedTuple):
    """One item of evidence with its likelihood ratio, and the attack type that it detects, if only one."""

    evidence: Evidence
    ratio: Ratio
    attack_type: str | None = None


class Fused(NamedTuple):
    """All calibrated items together; ``unfamiliarity`` is how far the face is from the training faces."""

    ratio: Ratio
    items: tuple[RatedEvidence, ...]
    unfamiliarity: Unfamiliarity = "none"

    @property
    def contested(self) -> bool:
        """Whether at least one item is clearly for one side and at least one clearly for the other."""
        values = [item.ratio.value for item in self.items]
        return max(values) >= CONFLICT and min(values) <= -CONFLICT

    def side(self, positive: bool) -> tuple[str, ...]:
        """Ids of the items that lean to one side; the absence of one attack type does not count against another."""
        whole = self.ratio.value >= 0
        return tuple(
            item.evidence.id
            for item in self.items
            if (item.ratio.value >= 0) == positive and not (item.attack_type and whole and not positive)
        )

    def even_ratio(self, name: str) -> float | None:
        """The log10 LR that the item with id ``name`` would need for a total of 1:1, with all others unchanged."""
        (mine,) = (item for item in self.items if item.evidence.id == name)
        rest = [item for item in self.items if item is not mine]
        if mine.attack_type is None:
            return -_sum(rest)
        typed = [item for item in rest if item.attack_type]
        share = (len(typed) + 1) * 10 ** -_sum([item for item in rest if not item.attack_type])
        needed = share - sum(10**item.ratio.value for item in typed)
        return math.log10(needed) if needed > 0 else None


def fuse(evidence: Sequence[Evidence]) -> Fused | None:
    """The sum of all log likelihood ratios; None when no item is calibrated to one."""
    items: list[RatedEvidence] = []
    caps: list[float] = []
    for item in evidence:
        fitted = calibration_of(item)
        if item.status == "ok" and item.score is not None and isinstance(fitted, Platt):
            items.append(RatedEvidence(item, _ratio(fitted, item.score, comparisons_of(item)), fitted.attack_type))
            caps.append(fitted.cap_log10)
    if not items:
        return None
    parts = _parts(items)
    cap = max(caps) + (1.0 if len(parts) > 1 else 0.0)
    unfamiliarity = unfamiliarity_of(evidence)
    wider = WIDENED if unfamiliarity != "none" else 0.0
    total = max(-cap, min(cap, sum(part.value for part in parts)))
    below = math.hypot(*(part.value - part.low for part in parts)) + wider
    above = math.hypot(*(part.high - part.value for part in parts)) + wider
    return Fused(Ratio(total, max(-cap, total - below), min(cap, total + above)), tuple(items), unfamiliarity)


def _ratio(fitted: Platt, score: Score, comparisons: int) -> Ratio:
    """The ratio of a score; where the score has a range, the interval covers that of its ends."""
    found = fitted.ratio(score.value, comparisons)
    if score.low is None or score.high is None:
        return found
    low, high = (fitted.ratio(end, comparisons).value for end in (score.low, score.high))
    return found._replace(low=min(found.low, low), high=max(found.high, high))


def comparisons_of(item: Evidence) -> int:
    """How many comparisons the score is the best of: the faces of a group photograph, else one."""
    count = item.facts.get("comparisons", 1)
    return max(1, int(count)) if isinstance(count, int | float) else 1


def unfamiliarity_of(evidence: Sequence[Evidence]) -> Unfamiliarity:
    """The largest unfamiliarity that an item with a ``Familiarity`` calibration gives; "none" without such an item."""
    fitted = [(calibration_of(item), item.score) for item in evidence if item.status == "ok"]
    found = {
        one.unfamiliarity(score.value) for one, score in fitted if isinstance(one, Familiarity) and score is not None
    }
    return "unfamiliar" if "unfamiliar" in found else "unusual" if "unusual" in found else "none"


def _parts(items: Sequence[RatedEvidence]) -> list[Ratio]:
    """The terms of the sum: every item by itself, but all items with an attack type together as their mean."""
    typed = [item.ratio for item in items if item.attack_type]
    alone = [item.ratio for item in items if not item.attack_type]
    if not typed:
        return alone
    return [*alone, Ratio(*(_mean(column) for column in zip(*typed, strict=True)))]


def _sum(items: Sequence[RatedEvidence]) -> float:
    return sum(part.value for part in _parts(items))


def _mean(values: Sequence[float]) -> float:
    """log10 of the mean of likelihood ratios given as log10."""
    return math.log10(sum(10**value for value in values) / len(values))
