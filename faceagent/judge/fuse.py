"""Fusion: the log-likelihood ratios of several specialists become one, and their disagreement stays visible.

Independent evidence adds on the log scale. Specialists that look at the same pixels are not independent, so the
sum is clipped to the strongest single cap plus one order of magnitude: agreement helps, but cannot run away. Scores
for different ways of being positive (spliced, generated) are alternatives: their ratios are averaged first, since
one way is enough and nobody is asked to show all of them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from faceagent.judge.calibrate import Doubt, Familiarity, Platt, Ratio, calibration_of
from faceagent.types import Evidence

CONFLICT = 0.5
"""log10 LR from which one item counts as speaking for its side; one such item on each side is a conflict."""
WIDENED = 0.5
"""log10 by which the interval grows on both sides when a face is unusual."""


class Weighed(NamedTuple):
    """One item of evidence with what it says, and which of several ways of being positive it says it about."""

    evidence: Evidence
    ratio: Ratio
    way: str | None = None


class Fused(NamedTuple):
    """All calibrated items together; ``doubt`` says how unlike the training faces this one is."""

    ratio: Ratio
    items: tuple[Weighed, ...]
    doubt: Doubt = "none"

    @property
    def contested(self) -> bool:
        """Whether some items speak clearly for one side and some clearly for the other."""
        values = [item.ratio.value for item in self.items]
        return max(values) >= CONFLICT and min(values) <= -CONFLICT

    def side(self, positive: bool) -> tuple[str, ...]:
        """Ids of the items that lean to one side; no sign of one way does not speak against another."""
        whole = self.ratio.value >= 0
        return tuple(
            item.evidence.id
            for item in self.items
            if (item.ratio.value >= 0) == positive and not (item.way and whole and not positive)
        )

    def even(self, name: str) -> float | None:
        """The log10 LR that the item called ``name`` would need for a total of 1:1, all else as it is."""
        (mine,) = (item for item in self.items if item.evidence.id == name)
        rest = [item for item in self.items if item is not mine]
        if mine.way is None:
            return -_sum(rest)
        ways = [item for item in rest if item.way]
        share = (len(ways) + 1) * 10 ** -_sum([item for item in rest if not item.way])
        needed = share - sum(10**item.ratio.value for item in ways)
        return math.log10(needed) if needed > 0 else None


def fuse(evidence: Sequence[Evidence]) -> Fused | None:
    """Add up what is calibrated to a likelihood ratio; None when nothing is."""
    items: list[Weighed] = []
    caps: list[float] = []
    for item in evidence:
        fitted = calibration_of(item)
        if item.status == "ok" and item.score is not None and isinstance(fitted, Platt):
            items.append(Weighed(item, fitted.ratio(item.score.value), fitted.way))
            caps.append(fitted.cap_log10)
    if not items:
        return None
    parts = _parts(items)
    cap = max(caps) + (1.0 if len(parts) > 1 else 0.0)
    doubt = doubt_of(evidence)
    wider = WIDENED if doubt != "none" else 0.0
    total = max(-cap, min(cap, sum(part.value for part in parts)))
    below = math.hypot(*(part.value - part.low for part in parts)) + wider
    above = math.hypot(*(part.high - part.value for part in parts)) + wider
    return Fused(Ratio(total, max(-cap, total - below), min(cap, total + above)), tuple(items), doubt)


def doubt_of(evidence: Sequence[Evidence]) -> Doubt:
    """How unfamiliar the face is by what was measured of it; ``none`` where nothing was."""
    fitted = [(calibration_of(item), item.score) for item in evidence if item.status == "ok"]
    found = {one.doubt(score.value) for one, score in fitted if isinstance(one, Familiarity) and score is not None}
    return "unfamiliar" if "unfamiliar" in found else "unusual" if "unusual" in found else "none"


def _parts(items: Sequence[Weighed]) -> list[Ratio]:
    """What adds up: every item by itself, but all ways together as their mean."""
    ways = [item.ratio for item in items if item.way]
    alone = [item.ratio for item in items if not item.way]
    if not ways:
        return alone
    return [*alone, Ratio(*(_mean(column) for column in zip(*ways, strict=True)))]


def _sum(items: Sequence[Weighed]) -> float:
    return sum(part.value for part in _parts(items))


def _mean(values: Sequence[float]) -> float:
    """log10 of the mean of likelihood ratios given as log10."""
    return math.log10(sum(10**value for value in values) / len(values))
