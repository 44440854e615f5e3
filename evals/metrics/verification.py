"""Same person or not: rates at fixed false match rates, and intervals that respect who is in a pair.

Scores are similarities, positives are pairs of one person ("mated").
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, Whole, reals
from evals.metrics.ranking import Curve, tpr_at_fpr


class Pairs(NamedTuple):
    """Which two subjects meet in every pair, as indices; equal in mated pairs."""

    first: Whole
    second: Whole

    def weights(self, subjects: ArrayLike) -> Reals:
        """Weights of pairs for weights of subjects (last axis): the product, as subjects are drawn independently.

        A mated pair counts as often as its person, a pair of strangers as often as both persons meet (Poh et al.
        2007, subject-wise bootstrap).
        """
        by = reals(subjects)
        one, other = by[..., self.first], by[..., self.second]
        return np.where(self.first == self.second, one, one * other)


def tar_at_far(points: Curve, far: float) -> Reals:
    """True accept rate at a false accept rate of at most ``far``."""
    return tpr_at_fpr(points, far)


def fnmr_at_fmr(points: Curve, fmr: float) -> Reals:
    """False non-match rate at a false match rate of at most ``fmr``."""
    return 1.0 - tpr_at_fpr(points, fmr)


def supports(fmr: float, strangers: int) -> bool:
    """Whether there are enough pairs of strangers to speak of that rate: three errors expected (rule of three)."""
    return strangers * fmr >= 3.0 - 1e-9


def fold_accuracy(scores: ArrayLike, mated: ArrayLike, folds: int = 10) -> Reals:
    """LFW's protocol: accuracy of every fold at the threshold that is best on the other folds."""
    values, same = reals(scores), np.asarray(mated, dtype=bool)
    # Samples are dealt out in order of class and score, so that the result does not depend on their order.
    fold = np.empty(len(values), dtype=np.int64)
    order = np.lexsort((values, same))
    fold[order] = np.arange(len(values)) % folds
    right = []
    for index in range(min(folds, len(values))):
        rest = fold != index
        seen = np.unique(values[rest])
        if seen.size == 0:
            continue
        # Half way between scores: a line on a score of these folds would be too strict for the next one.
        candidates = np.append((seen[1:] + seen[:-1]) / 2, [seen[0] - 1.0, seen[-1] + 1.0])
        misses = np.searchsorted(np.sort(values[rest & same]), candidates, side="left")
        alarms = (rest & ~same).sum() - np.searchsorted(np.sort(values[rest & ~same]), candidates, side="left")
        line = candidates[int(np.argmin(misses + alarms))]
        right.append(float(np.mean((values[~rest] >= line) == same[~rest])))
    return reals(np.mean(right)) if right else reals(np.nan)
