"""Whether what is pointed at is where it happened: the pointing game, and the overlap of regions and of masks."""

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


def spread(values: ArrayLike, box: tuple[float, float, float, float], height: int, width: int) -> Reals:
    """R×C patch values laid over ``box`` (x0, y0, x1, y1 in px) → H×W; pixels outside the box are NaN."""
    patches = reals(values)
    x0, y0, x1, y1 = box
    rows = np.floor((np.arange(height) + 0.5 - y0) / (y1 - y0) * patches.shape[0]).astype(np.int64)
    columns = np.floor((np.arange(width) + 0.5 - x0) / (x1 - x0) * patches.shape[1]).astype(np.int64)
    inside = ((rows >= 0) & (rows < patches.shape[0]))[:, None] & ((columns >= 0) & (columns < patches.shape[1]))[None]
    laid = patches[np.clip(rows, 0, patches.shape[0] - 1)][:, np.clip(columns, 0, patches.shape[1] - 1)]
    return np.where(inside, laid, np.nan)
