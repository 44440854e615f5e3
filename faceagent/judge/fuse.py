"""Fusion: the log-likelihood ratios of several specialists become one, and their disagreement stays visible.

Independent evidence adds on the log scale. Specialists that look at the same pixels are not independent, so the
sum is clipped to the strongest single cap plus one order of magnitude: agreement helps, but cannot run away.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from faceagent.judge.calibrate import Platt, Ratio, calibration_of
from faceagent.types import Evidence

CONFLICT = 0.5
"""log10 LR from which one item counts as speaking for its side; one such item on each side is a conflict."""


class Weighed(NamedTuple):
    """One item of evidence with what it says."""

    evidence: Evidence
    ratio: Ratio


class Fused(NamedTuple):
    """All calibrated items together."""

    ratio: Ratio
    items: tuple[Weighed, ...]

    @property
    def contested(self) -> bool:
        """Whether some items speak clearly for one side and some clearly for the other."""
        values = [item.ratio.value for item in self.items]
        return max(values) >= CONFLICT and min(values) <= -CONFLICT

    def side(self, positive: bool) -> tuple[str, ...]:
        """Ids of the items that lean to one side."""
        return tuple(item.evidence.id for item in self.items if (item.ratio.value >= 0) == positive)


def fuse(evidence: Sequence[Evidence]) -> Fused | None:
    """Add up what is calibrated to a likelihood ratio; None when nothing is."""
    items: list[Weighed] = []
    caps: list[float] = []
    for item in evidence:
        fitted = calibration_of(item)
        if item.status == "ok" and item.score is not None and isinstance(fitted, Platt):
            items.append(Weighed(item, fitted.ratio(item.score.value)))
            caps.append(fitted.cap_log10)
    if not items:
        return None
    cap = max(caps) + (1.0 if len(items) > 1 else 0.0)
    total = max(-cap, min(cap, sum(item.ratio.value for item in items)))
    below = math.hypot(*(item.ratio.value - item.ratio.low for item in items))
    above = math.hypot(*(item.ratio.high - item.ratio.value for item in items))
    return Fused(Ratio(total, max(-cap, total - below), min(cap, total + above)), tuple(items))
