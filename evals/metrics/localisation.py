"""Whether what is pointed at is where it happened: the pointing game and the overlap of regions."""

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, flags, ratio, reals


def pointing(scores: ArrayLike, truth: ArrayLike) -> Reals:
    """N×R scores and N×R flags → N: 1 when the highest region is a true one; tied regions share the point.

    NaN for a sample without a true region (Zhang et al. 2018, the pointing game, on regions).
    """
    values, actual = reals(scores), flags(truth)
    best = values == values.max(axis=-1, keepdims=True)
    return np.where(actual.any(axis=-1), ratio((best & actual).sum(axis=-1), best.sum(axis=-1)), np.nan)


def iou(found: ArrayLike, truth: ArrayLike) -> Reals:
    """Intersection over union of flags on the last axis; NaN when both are empty."""
    one, other = flags(found), flags(truth)
    return ratio((one & other).sum(axis=-1), (one | other).sum(axis=-1))
