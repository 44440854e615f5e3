"""Platt scaling: from scores of two classes to log-likelihood ratios, with the class prior removed.

Pure numpy. Reference: Platt 1999, with the smoothed targets of Lin, Lin and Weng 2007.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
ROUNDS = 200
"""Bootstrap rounds of the interval."""


class PlattFit(NamedTuple):
    """ln LR = slope · score + intercept."""

    slope: float
    intercept: float


def fit(positive: Reals, negative: Reals) -> PlattFit:
    """Logistic regression in one variable; both classes have the same weight, so the odds are a likelihood ratio.

    Raises ValueError when a class is empty.
    """
    n1, n0 = len(positive), len(negative)
    if not n1 or not n0:
        raise ValueError("Platt's fit needs scores of both classes.")
    scores = np.concatenate([positive, negative])
    target = np.concatenate([np.full(n1, (n1 + 1) / (n1 + 2)), np.full(n0, 1 / (n0 + 2))])
    weight = np.concatenate([np.full(n1, 0.5 / n1), np.full(n0, 0.5 / n0)])
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    design = np.column_stack([(scores - centre) / scale, np.ones(len(scores))])
    beta = np.zeros(2)
    for _ in range(100):
        probability = _logistic(design @ beta)
        gradient = design.T @ (weight * (probability - target))
        curvature = (design * (weight * probability * (1 - probability))[:, np.newaxis]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        # Full Newton steps overshoot where the classes hardly overlap.
        beta = beta - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-9:
            break
    return PlattFit(float(beta[0] / scale), float(beta[1] - beta[0] * centre / scale))


def half_width(
    positive: Reals, negative: Reals, groups: tuple[NDArray[np.int64], NDArray[np.int64]], cap: float, seed: int = 0
) -> float:
    """Half of the widest 95 % bootstrap interval of log10 LR at the 10th, 50th and 90th percentile of all scores.

    ``groups``: per score, the cluster that the bootstrap draws as one: the person or the source picture.
    """
    rng = np.random.default_rng(seed)
    at = np.quantile(np.concatenate([positive, negative]), (0.1, 0.5, 0.9))
    found = []
    for _ in range(ROUNDS):
        found.append(log10_ratios(fit(_drawn(positive, groups[0], rng), _drawn(negative, groups[1], rng)), at, cap))
    low, high = np.quantile(np.array(found), (0.025, 0.975), axis=0)
    return float(np.max(high - low) / 2)


def log10_ratios(fitted: PlattFit, scores: Reals, cap: float) -> Reals:
    """log10 likelihood ratios of scores, clipped to ±``cap``."""
    ratios = (fitted.slope * scores + fitted.intercept) / np.log(10)
    return np.asarray(np.clip(ratios, -cap, cap), dtype=np.float64)


def _drawn(scores: Reals, groups: NDArray[np.int64], rng: np.random.Generator) -> Reals:
    names, place = np.unique(groups, return_inverse=True)
    members = [scores[place == index] for index in range(len(names))]
    return np.concatenate([members[index] for index in rng.integers(len(members), size=len(members))])


def _logistic(x: Reals) -> Reals:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))))
