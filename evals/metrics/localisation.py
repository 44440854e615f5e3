"""Whether what is pointed at is where it happened: the pointing game and the overlap of regions or masks."""

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Flags, Reals, flags, ratio, reals


def pointing(scores: ArrayLike, truth: ArrayLike) -> Reals:
    """N×R scores and N×R flags → N: 1 when the highest region is a true one; tied regions share the point.

    NaN for a sample without a true region (Zhang et al. 2018, the pointing game, on regions).
    """
    values, actual = reals(scores), flags(truth)
    best = values == values.max(axis=-1, keepdims=True)
    return np.where(actual.any(axis=-1), ratio((best & actual).sum(axis=-1), best.sum(axis=-1)), np.nan)


def pointing_of_masks(maps: ArrayLike, masks: ArrayLike) -> Reals:
    """N×H×W heat maps and masks → N: the pointing game on pixels."""
    heat, mask = reals(maps), flags(masks)
    return pointing(heat.reshape(len(heat), -1), mask.reshape(len(mask), -1))


def iou(found: ArrayLike, truth: ArrayLike) -> Reals:
    """Intersection over union of flags on the last axis; NaN when both are empty."""
    one, other = flags(found), flags(truth)
    return ratio((one & other).sum(axis=-1), (one | other).sum(axis=-1))


def best_iou(maps: ArrayLike, masks: ArrayLike, threshold: float = 0.5) -> Reals:
    """N×H×W maps, cut at ``threshold`` of their own maximum, against masks → N."""
    heat, mask = reals(maps), flags(masks)
    top = heat.max(axis=(-2, -1), keepdims=True)
    lit: Flags = (heat >= threshold * top) & (top > 0)
    return iou(lit.reshape(len(lit), -1), mask.reshape(len(mask), -1))
