"""Numbers against numbers: mean absolute error, cumulative score, intra-class correlation."""

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, mean, ratio, reals, weighed


def mae(truth: ArrayLike, guess: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Mean absolute error, in the unit of the values."""
    return mean(np.abs(reals(truth) - reals(guess)), weights)


def bias(truth: ArrayLike, guess: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Mean of guess minus truth."""
    return mean(reals(guess) - reals(truth), weights)


def cumulative_score(truth: ArrayLike, guess: ArrayLike, within: float, weights: ArrayLike | None = None) -> Reals:
    """CS@k: share of samples whose error is no more than ``within``."""
    return mean(np.abs(reals(truth) - reals(guess)) <= within, weights)


def icc(truth: ArrayLike, guess: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """ICC(3,1), consistency of two raters (Shrout and Fleiss 1979), as used for action unit intensities.

    NaN for fewer than two samples and when neither rater varies.
    """
    one, other = reals(truth), reals(guess)
    by = weighed(weights, len(one))
    n = by.sum(axis=-1)
    middle = (one + other) / 2
    grand = ratio(by @ middle, n)
    between = 2 * (by @ middle**2 - n * grand**2)
    gap = one - other
    within = (by @ gap**2 - ratio((by @ gap) ** 2, n)) / 2
    scale = by @ (one**2 + other**2)
    # Rounding leaves crumbs where there is no variance at all; they must not pass for agreement.
    total = np.where(between + within > 1e-12 * np.maximum(scale, 1e-300), between + within, 0.0)
    return np.where(n >= 2, ratio(between - within, total), np.nan)
