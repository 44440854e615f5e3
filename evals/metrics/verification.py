"""Same person or not: rates at fixed false match rates, and intervals that respect who is in a pair.

Scores are similarities, positives are pairs of one person ("mated").
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Flags, Reals, Whole, flags, nanmean, ratio, reals, weighed
from evals.metrics.ranking import Curve, tpr_at_fpr


class Pairs(NamedTuple):
    """Which two subjects meet in every pair, as indices; equal in mated pairs."""

    first: Whole
    second: Whole

    def weights(self, subjects: ArrayLike) -> Reals:
        """Weights of pairs for weights of subjects (last axis): the product, as subjects are drawn independently.

        A mated pair counts as often as its person, a pair of impostors as often as both persons meet (Poh et al.
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


def supports(fmr: float, impostors: int) -> bool:
    """Whether there are enough pairs of impostors to speak of that rate: three errors expected (rule of three)."""
    return impostors * fmr >= 3.0 - 1e-9


def fold_accuracy(scores: ArrayLike, mated: ArrayLike, folds: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """LFW's protocol: mean over folds of the accuracy at the threshold that is best on the other folds.

    ``folds`` gives every pair's fold. Thresholds lie half way between scores: one on a score of the other folds would
    be too strict for the next pair. NaN without pairs or with one fold.
    """
    values, same, fold = reals(scores), flags(mated), np.asarray(folds, dtype=np.int64)
    names = np.unique(fold)
    by = weighed(weights, len(values))
    if len(names) < 2:
        return np.full(by.shape[:-1], np.nan)
    order = np.argsort(values, kind="stable")
    values, same, fold, by = values[order], same[order], fold[order], by[..., order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    right = []
    for name in names:
        rest, mine = by * (fold != name), by * (fold == name)
        chosen = np.argmin(_errors(rest, same, ends), axis=-1)
        line = _half_way(values[ends], np.diff(_below(rest, ends), axis=-1) > 0, chosen)
        place = np.searchsorted(values[ends], line)[..., np.newaxis]
        wrong = np.take_along_axis(_errors(mine, same, ends), place, axis=-1)[..., 0]
        seen = np.where(rest.sum(axis=-1) > 0, mine.sum(axis=-1), 0.0)
        right.append(1.0 - ratio(wrong, seen))
    return nanmean(np.stack(right))


def _errors(weights: Reals, same: Flags, ends: Whole) -> Reals:
    """Errors of every line between distinct scores: pairs of one person below it, impostors above."""
    impostors = _below(weights * ~same, ends)
    return _below(weights * same, ends) + impostors[..., -1:] - impostors


def _below(weights: Reals, ends: Whole) -> Reals:
    """Weight below a line under the first score, and below one after each distinct score."""
    total = np.cumsum(weights, axis=-1)[..., ends]
    return np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1)


def _half_way(scores: Reals, there: Flags, line: Whole) -> Reals:
    """The line above the first ``line`` scores, half way to the next score that is there; beyond all at the ends."""
    above = there & (np.arange(len(scores)) >= line[..., np.newaxis])
    middle = (scores[np.maximum(line - 1, 0)] + scores[np.argmax(above, axis=-1)]) / 2
    return np.where(line == 0, -np.inf, np.where(above.any(axis=-1), middle, np.inf))


def dealt(scores: ArrayLike, mated: ArrayLike, folds: int = 10) -> Whole:
    """A fold per pair where none is given: dealt out by class and score, so that the order of pairs is all one."""
    fold = np.empty(len(reals(scores)), dtype=np.int64)
    fold[np.lexsort((reals(scores), flags(mated)))] = np.arange(len(fold)) % folds
    return fold
