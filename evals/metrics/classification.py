"""One label out of several: accuracy, unweighted average recall, F1, the confusion matrix, and open-set rejection."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, Whole, flags, ratio, reals, weighed
from evals.metrics.ranking import area, curve, fpr_at_fnr


def codes(names: Sequence[str], labels: Sequence[str]) -> Whole:
    """Index of every name in ``labels``. Raises ValueError for a name that is not there."""
    index = {label: number for number, label in enumerate(labels)}
    unknown = sorted(set(names) - index.keys())
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is none of {', '.join(labels)}")
    return np.array([index[name] for name in names], dtype=np.int64)


def confusion(truth: ArrayLike, guess: ArrayLike, labels: int, weights: ArrayLike | None = None) -> Reals:
    """…×K×K counts: true label in rows, answer in columns."""
    actual, answer = np.asarray(truth, dtype=np.int64), np.asarray(guess, dtype=np.int64)
    by = weighed(weights, len(actual))
    cells = np.zeros((len(actual), labels * labels))
    cells[np.arange(len(actual)), actual * labels + answer] = 1.0
    return (by @ cells).reshape(*by.shape[:-1], labels, labels)


def accuracy(matrix: Reals) -> Reals:
    """Share of samples on the diagonal."""
    return ratio(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum(axis=(-2, -1)))


def recalls(matrix: Reals) -> Reals:
    """Recall of every label, NaN for one that does not occur."""
    return ratio(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1))


def uar(matrix: Reals) -> Reals:
    """Unweighted average recall (balanced accuracy) over the labels that occur."""
    return _mean_of_known(recalls(matrix))


def f1_scores(matrix: Reals) -> Reals:
    """F1 of every label, NaN for one that neither occurs nor is answered."""
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    return ratio(2 * hits, matrix.sum(axis=-1) + matrix.sum(axis=-2))


def macro_f1(matrix: Reals) -> Reals:
    """Mean F1 over the labels that occur or are answered."""
    return _mean_of_known(f1_scores(matrix))


def binary_f1(truth: ArrayLike, guess: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """F1 of the positive label; NaN when it neither occurs nor is answered."""
    actual, answer = flags(truth), flags(guess)
    by = weighed(weights, len(actual))
    return ratio(2 * (by @ reals(actual & answer)), by @ reals(actual) + by @ reals(answer))


def open_set_auroc(confidence: ArrayLike, known: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """How well confidence tells known classes (high) from unknown ones."""
    return area(curve(confidence, known, weights))


def fpr95(confidence: ArrayLike, known: ArrayLike, weights: ArrayLike | None = None) -> Reals:
    """Share of unknown samples accepted at the threshold that accepts 95 % of the known ones."""
    return fpr_at_fnr(curve(confidence, known, weights), 0.05)


def _mean_of_known(values: Reals) -> Reals:
    there = ~np.isnan(values)
    return ratio(np.where(there, values, 0.0).sum(axis=-1), there.sum(axis=-1))
