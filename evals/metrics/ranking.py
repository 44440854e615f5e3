"""How well scores order positives before negatives: ROC and DET points, AUC, EER, AP, rates at an operating point.

Positives are what is looked for (forged, attack, same person) and score high. Tied scores are one threshold, so no
order of the samples can change a result.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Flags, Reals, Whole, flags, ratio, reals, weighed


class Curve(NamedTuple):
    """Rates at every threshold from the strictest down; the first entry accepts nothing. Last axis: thresholds.

    ``thresholds[i]`` belongs to entry ``i + 1``: a sample is called positive when its score is at least that.
    """

    thresholds: Reals
    tpr: Reals
    fpr: Reals
    precision: Reals

    @property
    def fnr(self) -> Reals:
        """Positives missed."""
        return 1.0 - self.tpr


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
        by = weighed(weights, self.n)[..., self._order]
        found = np.cumsum(by * self._positive, axis=-1)[..., self._ends]
        called = np.cumsum(by, axis=-1)[..., self._ends]
        zero = np.zeros((*called.shape[:-1], 1))
        hits, alarms = np.concatenate([zero, found], axis=-1), np.concatenate([zero, called - found], axis=-1)
        return Curve(
            self.thresholds,
            ratio(hits, hits[..., -1:]),
            ratio(alarms, alarms[..., -1:]),
            ratio(hits, hits + alarms),
        )


def curve(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Curve:
    """ROC and DET points."""
    return Ranking(scores, positive).curve(weights)


def area(points: Curve) -> Reals:
    """Area under the ROC curve; ties count half (Mann and Whitney 1947)."""
    steps = np.diff(points.fpr, axis=-1)
    return _one_class((steps * (points.tpr[..., 1:] + points.tpr[..., :-1]) / 2).sum(axis=-1), points)


def equal_error(points: Curve) -> Reals:
    """The rate at which false positives and false negatives are equal, linear between ROC points."""
    if points.thresholds.size == 0:
        return np.full(points.fpr.shape[:-1], np.nan)
    gap = points.fpr - points.fnr
    after = np.maximum(np.argmax(gap >= 0, axis=-1), 1)[..., np.newaxis]
    before, beyond = (np.take_along_axis(gap, after - step, axis=-1) for step in (1, 0))
    low, high = (np.take_along_axis(points.fpr, after - step, axis=-1) for step in (1, 0))
    rate = low + ratio(-before, beyond - before) * (high - low)
    return _one_class(rate[..., 0], points)


def average_precision(points: Curve) -> Reals:
    """Precision at every threshold, weighed by the recall it adds (as scikit-learn; no interpolation)."""
    gained = np.diff(points.tpr, axis=-1)
    return np.where(
        np.isnan(points.tpr[..., -1]), np.nan, np.nansum(gained * points.precision[..., 1:], axis=-1)
    )  # fmt: skip


def tpr_at_fpr(points: Curve, rate: float) -> Reals:
    """The most positives found while no more than ``rate`` of the negatives are called positive."""
    return _one_class(np.where(points.fpr <= rate + 1e-12, points.tpr, 0.0).max(axis=-1), points)


def fpr_at_fnr(points: Curve, rate: float) -> Reals:
    """The fewest negatives called positive while no more than ``rate`` of the positives are missed."""
    return _one_class(np.where(points.fnr <= rate + 1e-12, points.fpr, 1.0).min(axis=-1), points)


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


def eer(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """See ``equal_error``."""
    return equal_error(curve(scores, positive, weights))


def ap(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """See ``average_precision``."""
    return average_precision(curve(scores, positive, weights))


def _one_class(values: Reals, points: Curve) -> Reals:
    """NaN where a class does not occur: there is nothing to be told apart."""
    return np.where(np.isnan(points.tpr[..., -1]) | np.isnan(points.fpr[..., -1]), np.nan, values)
