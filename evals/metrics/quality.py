"""What discarding the worst pictures buys: the error-versus-discard characteristic (ISO/IEC 29794-1)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, mean, reals
from evals.metrics.calibration import area_over, risk_coverage


class Discard(NamedTuple):
    """Share discarded, and the mean error of what is left."""

    discarded: Reals
    error: Reals


def error_versus_discard(quality: ArrayLike, error: ArrayLike, weights: ArrayLike | None = None) -> Discard:
    """Mean ``error`` (0/1 or any magnitude) of the samples kept when the lowest quality goes first."""
    kept, left = _kept(quality, error, weights)
    return Discard(1.0 - kept[..., ::-1], left[..., ::-1])


def error_after_discard(
    quality: ArrayLike, error: ArrayLike, discarded: float, weights: ArrayLike | None = None
) -> Reals:
    """Mean error of what is left once at least ``discarded`` (a share) of the samples is gone, ties staying together.

    It is the mean error at the largest kept share that does not exceed ``1 - discarded``; with heavy ties that may
    be nothing, and then the error of the best group is given.
    """
    kept, left = _kept(quality, error, weights)
    if kept.shape[-1] == 0:
        return np.full(kept.shape[:-1], np.nan)
    fits = kept <= 1.0 - discarded + 1e-12
    best = (kept <= 0).sum(axis=-1)  # groups that no bootstrap draw took are no group
    last = np.minimum(np.maximum(fits.sum(axis=-1) - 1, best), kept.shape[-1] - 1)[..., np.newaxis]
    return np.take_along_axis(left, last, axis=-1)[..., 0]


def discard_area(quality: ArrayLike, error: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Mean error over all discard shares; compare it with the error without discarding."""
    return area_over(*_kept(quality, error, weights))


def discard_gain(quality: ArrayLike, error: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """1 - area / error without discarding: 0 when quality says nothing, below it when it misleads."""
    whole = mean(error, weights)
    area = discard_area(quality, error, weights)
    return np.asarray(np.divide(whole - area, whole, out=np.full(whole.shape, np.nan), where=whole > 0))


def _kept(quality: ArrayLike, error: ArrayLike, weights: ArrayLike | None) -> tuple[Reals, Reals]:
    return risk_coverage(quality, reals(error), weights)
