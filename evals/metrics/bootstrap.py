"""Intervals: whole clusters (a source, a person) are drawn with replacement and everything is weighed anew.

A measurement maps weights to numbers, see ``arrays``; all its metrics share every draw, so two of them, or two
tools on the same samples, can also be compared pair by pair.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evals.metrics.arrays import Reals, Whole

Measurement = Callable[[Reals], Mapping[str, Reals]]
"""R×N weights → R values per metric."""

ROUNDS = 1000
ELEMENTS = 200_000
"""Weights held at a time: few enough for a processor's cache, and memory does not grow with the number of rounds."""
LEVEL = (0.025, 0.975)
LOST = 0.5
"""Share of rounds that may be undefined before there is no interval."""


class Estimate(NamedTuple):
    """A value with its 95 % percentile interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


class Difference(NamedTuple):
    """Second minus first on the same samples, with its 95 % interval and two-sided bootstrap p-value."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None


def clusters_of(names: Sequence[str]) -> tuple[Whole, int]:
    """Number of every sample's cluster, in the order of their names, and how many there are."""
    unique, index = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return index.astype(np.int64), len(unique)


def estimate(
    measurement: Measurement, clusters: Sequence[str], *, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Estimate]:
    """Every metric of ``measurement`` with its interval; ``clusters`` names the cluster of each sample.

    Permuting samples changes nothing: the k-th draw is of the k-th cluster name. With fewer than two clusters there
    is nothing to draw from, and so no interval.
    """
    points, draws = _rounds(measurement, clusters, rounds, seed)
    return {name: _estimate(points[name], draws.get(name)) for name in points}


def difference(
    first: Measurement, second: Measurement, clusters: Sequence[str], *, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Difference]:
    """Paired differences of the metrics that both have: both see the same draws of the same samples."""
    one, ones = _rounds(first, clusters, rounds, seed)
    two, twos = _rounds(second, clusters, rounds, seed)
    found = {}
    for name in one:
        if name not in two:
            continue
        gap = _estimate(two[name] - one[name], twos[name] - ones[name] if name in ones and name in twos else None)
        found[name] = Difference(*gap, _p(twos[name] - ones[name]) if gap.low is not None else None)
    return found


def draw(rng: np.random.Generator, clusters: int, rounds: int) -> Reals:
    """rounds×clusters: how often each cluster is drawn in a round."""
    picks = rng.integers(clusters, size=(rounds, clusters)) + clusters * np.arange(rounds)[:, np.newaxis]
    counts = np.bincount(picks.ravel(), minlength=rounds * clusters)
    return counts.reshape(rounds, clusters).astype(np.float64)


def _rounds(
    measurement: Measurement, clusters: Sequence[str], rounds: int, seed: int
) -> tuple[dict[str, float], dict[str, Reals]]:
    index, count = clusters_of(clusters)
    n = len(index)
    points = {name: float(value[0]) for name, value in measurement(np.ones((1, n))).items()}
    if count < 2:
        return points, {}
    rng = np.random.default_rng(seed)
    step = max(1, ELEMENTS // max(n, 1))
    parts: dict[str, list[Reals]] = {name: [] for name in points}
    for start in range(0, rounds, step):
        weights = np.take(draw(rng, count, min(step, rounds - start)), index, axis=-1)
        for name, values in measurement(weights).items():
            parts[name].append(values)
    return points, {name: np.concatenate(values) for name, values in parts.items()}


def _estimate(value: float, draws: Reals | None) -> Estimate:
    if not np.isfinite(value):
        return Estimate(None, None, None)
    if draws is None:
        return Estimate(value, None, None)
    known = draws[np.isfinite(draws)]
    if len(known) < LOST * len(draws) or len(known) == 0:
        return Estimate(value, None, None)
    low, high = np.quantile(known, LEVEL)
    return Estimate(value, float(low), float(high))


def _p(draws: Reals) -> float:
    """Twice the smaller share of draws on one side of 0, never below one draw's worth."""
    known = draws[np.isfinite(draws)]
    tail = min(float(np.mean(known <= 0)), float(np.mean(known >= 0)))
    return min(1.0, max(2 * tail, 1.0 / len(known)))
