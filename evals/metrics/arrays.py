"""What all metrics share: array types, sample weights, and quotients that may be undefined.

``weights`` has the samples on its last axis and any number of axes before it; a metric returns what those leading
axes are. Whole weights count a sample several times, as a bootstrap does. Without weights every sample counts once
and the result is a single number. What is undefined (a rate of a class that does not occur) is NaN.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]


def reals(values: ArrayLike) -> Reals:
    """``values`` as float64."""
    return np.asarray(values, dtype=np.float64)


def flags(values: ArrayLike) -> Flags:
    """``values`` as booleans."""
    return np.asarray(values, dtype=np.bool_)


def weighed(weights: ArrayLike | None, n: int) -> Reals:
    """The weights, or ones. Raises ValueError when they are not for ``n`` samples."""
    found = np.ones(n) if weights is None else reals(weights)
    if found.shape[-1] != n:
        raise ValueError(f"weights are for {found.shape[-1]} samples, there are {n}")
    return found


def ratio(part: ArrayLike, whole: ArrayLike) -> Reals:
    """``part / whole``, NaN where ``whole`` is 0."""
    top, bottom = np.broadcast_arrays(reals(part), reals(whole))
    return np.asarray(np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0))


def mean(values: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Weighted mean."""
    column = reals(values)
    by = weighed(weights, len(column))
    return ratio(by @ column, by.sum(axis=-1))


def share(hits: ArrayLike, among: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Weighted share of ``hits`` among the samples flagged in ``among``."""
    inside = flags(among)
    by = weighed(weights, len(inside))
    return ratio(by @ reals(flags(hits) & inside), by @ reals(inside))


def mean_among(values: ArrayLike, among: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Weighted mean over the samples flagged in ``among``; the others' values may be NaN."""
    inside = flags(among)
    return mean(reals(values)[inside], weighed(weights, len(inside))[..., inside])


def nanmean(values: Reals) -> Reals:
    """Mean over the first axis of what is defined; NaN where nothing is."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))


def median(values: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Weighted median: the mean of the lower and the upper one."""
    column = reals(values)
    if len(column) == 0:
        return np.full(weighed(weights, 0).shape[:-1], np.nan)
    order = np.argsort(column, kind="stable")
    heap = np.cumsum(weighed(weights, len(column))[..., order], axis=-1)
    half = heap[..., -1:] / 2
    lower = column[order][np.argmax(heap >= half, axis=-1)]
    upper = column[order][np.argmax(heap > half, axis=-1)]
    return np.where(heap[..., -1] > 0, (lower + upper) / 2, np.nan)
