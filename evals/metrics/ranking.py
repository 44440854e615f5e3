"""How well scores order positives before negatives: ROC and DET points, AUC, EER, AP, rates at an operating point.

Positives are what is looked for (forged, attack, same person) and score high. Tied scores are one threshold, so no
order of the samples can change a result. Scores are sorted once; a bootstrap round only counts anew.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Flags, Reals, Whole, flags, ratio, reals, weighed


@dataclass(frozen=True)
class Curve:
    """Counts at every threshold from the strictest down; the first entry accepts nothing. Last axis: thresholds.

    ``thresholds[i]`` belongs to entry ``i + 1``: a sample is called positive when its score is at least that. Rates
    of a class that does not occur are NaN.
    """

    thresholds: Reals
    hits: Reals
    """Weight of the positives called positive."""
    alarms: Reals
    """Weight of the negatives called positive."""

    @cached_property
    def tpr(self) -> Reals:
        """Positives found."""
        return _share_of_last(self.hits)

    @cached_property
    def fpr(self) -> Reals:
        """Negatives called positive."""
        return _share_of_last(self.alarms)

    @cached_property
    def fnr(self) -> Reals:
        """Positives missed."""
        return 1.0 - self.tpr

    @property
    def precision(self) -> Reals:
        """Positives among what is called positive; NaN where nothing is called."""
        return ratio(self.hits, self.hits + self.alarms)


class Ranking:
    """Scores sorted once, so that many weightings of the same samples are cheap."""

    def __init__(self, scores: ArrayLike, positive: ArrayLike) -> None:
        values, truth = reals(scores), flags(positive)
        if values.shape != truth.shape or values.ndim != 1:
            raise ValueError(f"scores {values.shape} and labels {truth.shape} must be two equally long rows")
        if np.isnan(values).any():
            raise ValueError("a score is NaN; leave samples without a score out and count them")
        self._order: Whole = np.argsort(-values, kind="stable")
        descending = values[self._order]
        self._ends: Whole = np.flatnonzero(np.append(descending[1:] != descending[:-1], True)[: len(values)])
        self._positive: Flags = truth[self._order]
        self.thresholds: Reals = descending[self._ends]
        self.n = len(values)

    def curve(self, weights: ArrayLike | None = None) -> Curve:
        """The curve under these weights."""
        by = np.take(weighed(weights, self.n), self._order, axis=-1)
        found = by * self._positive
        return Curve(self.thresholds, self._summed(found), self._summed(by - found))

    def _summed(self, counts: Reals) -> Reals:
        """Running totals at the last sample of every score, after a leading zero."""
        totals = np.zeros((*counts.shape[:-1], len(self._ends) + 1))
        if len(self._ends) == self.n:
            np.cumsum(counts, axis=-1, out=totals[..., 1:])
        else:
            np.take(np.cumsum(counts, axis=-1), self._ends, axis=-1, out=totals[..., 1:], mode="clip")
        return totals


def curve(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Curve:
    """ROC and DET points."""
    return Ranking(scores, positive).curve(weights)


def area(points: Curve) -> Reals:
    """Area under the ROC curve; ties count half (Mann and Whitney 1947)."""
    both = points.hits[..., -1] * points.alarms[..., -1]
    middle = points.hits[..., 1:] + points.hits[..., :-1]
    return ratio(np.einsum("...t,...t->...", np.diff(points.alarms, axis=-1), middle), 2 * both)


def equal_error(points: Curve) -> Reals:
    """The rate at which false positives and false negatives are equal, linear between ROC points."""
    if points.thresholds.size == 0:
        return np.full(points.hits.shape[:-1], np.nan)
    # Rates only grow along the thresholds: how many lie before a crossing says where it is, here and below.
    after = np.maximum((points.fpr + points.tpr < 1.0).sum(axis=-1), 1)
    low, high = _at(points.fpr, after - 1), _at(points.fpr, after)
    before, beyond = low + _at(points.tpr, after - 1) - 1.0, high + _at(points.tpr, after) - 1.0
    return _one_class(low + ratio(-before, beyond - before) * (high - low), points)


def average_precision(points: Curve) -> Reals:
    """Precision at every threshold, weighed by the recall it adds (as scikit-learn; no interpolation)."""
    gained = np.diff(points.tpr, axis=-1)
    return np.where(np.isnan(points.tpr[..., -1]), np.nan, np.nansum(gained * points.precision[..., 1:], axis=-1))


def tpr_at_fpr(points: Curve, rate: float) -> Reals:
    """The most positives found while no more than ``rate`` of the negatives are called positive."""
    last = (points.fpr <= rate + 1e-12).sum(axis=-1) - 1
    return _one_class(_at(points.tpr, last), points)


def threshold_at_fpr(points: Curve, rate: float) -> Reals:
    """The lowest score at which no more than ``rate`` of the negatives are called positive; NaN where none is."""
    if points.thresholds.size == 0:
        return np.full(points.hits.shape[:-1], np.nan)
    last = (points.fpr <= rate + 1e-12).sum(axis=-1) - 1
    found = points.thresholds[np.maximum(last - 1, 0)]
    return _one_class(np.where(last > 0, found, np.nan), points)


def fpr_at_fnr(points: Curve, rate: float) -> Reals:
    """The fewest negatives called positive while no more than ``rate`` of the positives are missed."""
    first = (points.tpr < 1.0 - rate - 1e-12).sum(axis=-1)
    return _one_class(_at(points.fpr, first), points)


def threshold_at_equal_error(points: Curve) -> float:
    """The score where both error rates are closest; for curves without leading axes."""
    return float(points.thresholds[max(int(np.argmin(np.abs(points.fpr - points.fnr))) - 1, 0)])


def threshold_of_best_accuracy(scores: ArrayLike, positive: ArrayLike) -> float:
    """The score with the highest balanced accuracy: how a threshold is chosen on a validation split."""
    points = curve(scores, positive)
    return float(points.thresholds[int(np.argmax((points.tpr - points.fpr)[1:]))])


def auc(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """See ``area``."""
    return area(curve(scores, positive, weights))


def two_sample_auc(positive: ArrayLike, negative: ArrayLike) -> float:
    """AUC of two rows of scores; NaN when one of them is empty."""
    one, other = reals(positive), reals(negative)
    return float(auc(np.concatenate([one, other]), np.arange(len(one) + len(other)) < len(one)))


def eer(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """See ``equal_error``."""
    return equal_error(curve(scores, positive, weights))


def ap(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """See ``average_precision``."""
    return average_precision(curve(scores, positive, weights))


def _one_class(values: Reals, points: Curve) -> Reals:
    """NaN where a class does not occur: there is nothing to be told apart."""
    return np.where((points.hits[..., -1] == 0) | (points.alarms[..., -1] == 0), np.nan, values)


def _at(rates: Reals, place: Whole) -> Reals:
    """The rate at one entry per leading axis; entries beyond the last are the last."""
    inside = np.minimum(place, rates.shape[-1] - 1)[..., np.newaxis]
    return np.take_along_axis(rates, inside, axis=-1)[..., 0]


def _share_of_last(counts: Reals) -> Reals:
    with np.errstate(invalid="ignore"):
        return np.asarray(counts / counts[..., -1:])
