"""Whether probabilities mean what they say: ECE, Brier, Cllr, and what abstaining buys."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, flags, mean, ratio, reals, weighed


class Bins(NamedTuple):
    """A reliability diagram; last axis: bins. Empty bins are NaN."""

    confidence: Reals
    accuracy: Reals
    share: Reals


def reliability(probability: ArrayLike, correct: ArrayLike, bins: int = 10, weights: ArrayLike | None = None) -> Bins:
    """Mean probability and share correct in equally wide bins; a value on a border belongs to the bin above it."""
    values, hits = reals(probability), reals(flags(correct))
    by = weighed(weights, len(values))
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    member = np.zeros((len(values), bins))
    member[np.arange(len(values)), place] = 1.0
    total = by @ member
    return Bins(
        ratio(by @ (member * values[:, np.newaxis]), total),
        ratio(by @ (member * hits[:, np.newaxis]), total),
        ratio(total, total.sum(axis=-1, keepdims=True)),
    )


def ece(probability: ArrayLike, correct: ArrayLike, bins: int = 10, weights: ArrayLike | None = None) -> Reals:
    """Expected calibration error (Guo et al. 2017): mean gap between probability and share correct."""
    found = reliability(probability, correct, bins, weights)
    gaps = np.where(found.share > 0, found.share * np.abs(found.confidence - found.accuracy), 0.0)
    return np.where(np.isnan(found.share).any(axis=-1), np.nan, gaps.sum(axis=-1))


def brier(probability: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Mean squared error of the probability of the positive label (Brier 1950, one label)."""
    return mean((reals(probability) - reals(flags(positive))) ** 2, weights)


def brier_of_many(probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Brier's original score for N×K probabilities and N label indices: squared errors summed over labels, 0-2."""
    table = reals(probabilities)
    actual = np.zeros_like(table)
    actual[np.arange(len(table)), np.asarray(truth, dtype=np.int64)] = 1.0
    return mean(((table - actual) ** 2).sum(axis=1), weights)


def cllr(log10_ratios: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Cost of log-likelihood ratios in bits (Brümmer and du Preez 2006): 0 perfect, 1 says nothing, more misleads."""
    llr, truth = reals(log10_ratios) * np.log(10.0), flags(positive)
    by = weighed(weights, len(llr))
    cost = np.logaddexp(0.0, np.where(truth, -llr, llr)) / np.log(2.0)
    mated, other = (ratio(by @ (cost * side), by @ reals(side)) for side in (truth, ~truth))
    return (mated + other) / 2


def risk_coverage(confidence: ArrayLike, wrong: ArrayLike, weights: ArrayLike | None = None) -> tuple[Reals, Reals]:
    """Coverage and mean error when only the most confident samples are answered; tied samples come together.

    ``wrong`` is 0 or 1 per sample, or the size of its error.
    """
    values, errors = reals(confidence), reals(wrong)
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.append(values[order][1:] != values[order][:-1], True)[: len(values)])
    by = weighed(weights, len(values))[..., order]
    answered = np.cumsum(by, axis=-1)[..., ends]
    missed = np.cumsum(by * errors[order], axis=-1)[..., ends]
    return ratio(answered, answered[..., -1:]), ratio(missed, answered)


def aurc(confidence: ArrayLike, wrong: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Area under the risk-coverage curve (Geifman and El-Yaniv 2017): mean risk over all coverages, lower is better."""
    coverage, risk = risk_coverage(confidence, wrong, weights)
    return area_over(coverage, risk)


def area_over(coverage: Reals, risk: Reals) -> Reals:
    """Area under the steps of a risk-coverage curve; NaN where nothing is covered."""
    width = np.diff(coverage, axis=-1, prepend=0.0)
    return np.where((coverage > 0).any(axis=-1), np.nansum(width * risk, axis=-1), np.nan)


def risk_at_coverage(
    confidence: ArrayLike, wrong: ArrayLike, coverage: float, weights: ArrayLike | None = None
) -> Reals:
    """Error rate when the most confident ``coverage`` of the samples is answered."""
    covered, risk = risk_coverage(confidence, wrong, weights)
    if covered.shape[-1] == 0:
        return np.full(covered.shape[:-1], np.nan)
    first = np.argmax(covered >= coverage - 1e-12, axis=-1)[..., np.newaxis]
    return np.take_along_axis(risk, first, axis=-1)[..., 0]
