"""What a task wants drawn, as plain values. ``evals.report`` turns them into pictures; nothing here draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.calibration import reliability
from evals.metrics.ranking import curve

POINTS = 400
"""Points kept per curve: more cannot be seen and only makes the page heavy."""


@dataclass(frozen=True)
class Series:
    """One line."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Plot:
    """Lines over two axes; ``diagonal`` draws the line of chance or of perfect calibration."""

    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    diagonal: bool = False
    logarithmic: bool = False
    unit: bool = True
    """Whether both axes run from 0 to 1."""


@dataclass(frozen=True)
class ConfusionGrid:
    """A confusion matrix: rows are truth, columns answers."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Bars:
    """Metrics with their intervals, each under a name: for types, units and conditions."""

    title: str
    items: tuple[tuple[str, str], ...]
    """Name shown, and the metric of the run that it stands for."""


@dataclass(frozen=True)
class GroupTable:
    """Metrics with their intervals in rows and columns: for groups."""

    title: str
    columns: tuple[str, ...]
    """Heads of all columns: what the rows are, how many cases each holds, and the metrics."""
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Name, number of cases, and a metric of the run per further column; one the run lacks leaves its cell empty."""


Figure = Plot | ConfusionGrid | Bars | GroupTable


def line(name: str, x: ArrayLike, y: ArrayLike) -> Series:
    """A line thinned to what can be seen, undefined points left out."""
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    known = np.isfinite(xs) & np.isfinite(ys)
    xs, ys = xs[known], ys[known]
    if len(xs) > POINTS:
        kept = np.unique(np.linspace(0, len(xs) - 1, POINTS).round().astype(int))
        xs, ys = xs[kept], ys[kept]
    return Series(name, tuple(map(float, xs)), tuple(map(float, ys)))


def roc(scores: Sequence[tuple[str, ArrayLike]], positive: ArrayLike) -> tuple[Figure, ...]:
    """ROC and DET curves of one or several named scores; nothing when only one class is there."""
    truth = np.asarray(positive, dtype=bool)
    if truth.all() or not truth.any():
        return ()
    curves = [(name, curve(values, truth)) for name, values in scores]
    return (
        Plot("ROC", "false positive rate", "true positive rate",
             tuple(line(name, points.fpr, points.tpr) for name, points in curves), diagonal=True),
        Plot("DET", "false positive rate", "false negative rate",
             tuple(line(name, points.fpr, points.fnr) for name, points in curves), logarithmic=True),
    )  # fmt: skip


def reliability_diagram(probability: ArrayLike, correct: ArrayLike) -> Plot:
    """Share correct over mean probability in ten bins."""
    bins = reliability(probability, correct)
    return Plot(
        "Reliability",
        "probability given",
        "share correct",
        (line("bins", bins.confidence, bins.accuracy),),
        diagonal=True,
    )
