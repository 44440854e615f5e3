"""Acceptance figures: the shape of one figure, and the few things every measurement needs.

A measurement is a function ``(data, settings) -> Iterable[Row]``. It reads labelled sets below ``data`` and
measures through the product's own functions. This module knows no set and no model; it fits nothing.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.metrics.proportion import wilson as wilson
from faceagent.settings import Settings

MODULES = ("faces", "expression", "attributes", "identity", "spoof", "forgery", "morph", "agent", "people", "vlm")
"""Modules of this package that expose ``rows(data, settings)``."""


@dataclass(frozen=True)
class Row:
    """One figure. ``value`` is None when it could not be measured; ``note`` then says why."""

    on: str
    """The set, or the part of it."""
    figure: str
    value: float | None
    low: float | None = None
    """Lower end of a 95 % interval."""
    high: float | None = None
    n: int = 0
    bar: float | None = None
    """What must be reached; None: reported without a bar."""
    aim: float | None = None
    note: str = ""
    lower_is_better: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached; None without a bar or without a value."""
        if self.value is None or self.bar is None:
            return None
        return self.value <= self.bar if self.lower_is_better else self.value >= self.bar


class MissingSet(Exception):
    """A labelled set is not below the data folder."""


Measurement = Callable[[Path, Settings], Iterable[Row]]


def labels(data: Path, name: str) -> list[dict[str, str]]:
    """The rows of ``data/name/labels.csv``. Raises MissingSet when there is no such file."""
    path = data / name / "labels.csv"
    if not path.is_file():
        raise MissingSet(f"{name} is not below {data}")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def gather(measurements: Sequence[Measurement], data: Path, settings: Settings) -> Iterator[Row]:
    """The rows of every measurement; one whose set is missing gives a single row that says so."""
    for measurement in measurements:
        try:
            yield from measurement(data, settings)
        except MissingSet as missing:
            yield Row(on=measurement.__name__, figure="not measured", value=None, note=str(missing))


def bootstrap(
    values: Sequence[float] | NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], float] = lambda sample: float(np.mean(sample)),
    *,
    groups: Sequence[str] | None = None,
    rounds: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of ``statistic`` over ``values``.

    With ``groups`` (one name per value: the person, say) whole groups are drawn, because pictures of one
    person are not independent.
    """
    array = np.asarray(values, dtype=np.float64)
    names = np.arange(len(array)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    members = [np.flatnonzero(names == name) for name in range(int(names.max()) + 1)]
    rng = np.random.default_rng(seed)
    draws = [
        statistic(array[np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])])
        for _ in range(rounds)
    ]
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)
