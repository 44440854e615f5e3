"""What was observed about many cases, kept by column: eight bytes a number, so that large sets fit in memory.

A sequence of mappings from outside, one per case; inside, a row exists only while somebody looks at it.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np

from evals.metrics.arrays import Reals, reals

Values = Mapping[str, Any]
"""What was observed about one case: numbers, words, or short rows of numbers. JSON can hold it."""


class Observations(Sequence[Values]):
    """Rows of values. A number that is missing and one that is NaN are the same; whole numbers come back as floats."""

    def __init__(self, rows: Iterable[Values] = ()) -> None:
        self._numbers: dict[str, array[float]] = {}
        self._others: dict[str, list[Any]] = {}
        self._n = 0
        for row in rows:
            self.append(row)

    def append(self, row: Values) -> None:
        """Add a case."""
        for key, value in row.items():
            if isinstance(value, float | int) and key not in self._others:
                column = self._numbers.setdefault(key, array("d"))
                _fill(column, self._n, np.nan)
                column.append(value)
            else:
                others = self._others.setdefault(key, [])
                _fill(others, self._n, None)
                others.append(_packed(value))
        self._n += 1

    def numbers(self, key: str) -> Reals:
        """A number per case, NaN where there is none; rows of numbers give a matrix."""
        if key in self._numbers:
            column = np.full(self._n, np.nan)
            known = self._numbers[key]
            column[: len(known)] = known
            return column
        others = self._others.get(key, [])
        wide = next((len(value) for value in others if isinstance(value, array)), None)
        blank = np.nan if wide is None else [np.nan] * wide
        missing = [blank] * (self._n - len(others))
        return reals([*(blank if value is None else value for value in others), *missing])

    def words(self, key: str) -> list[str]:
        """A word per case, empty where there is none."""
        return [str(row.get(key, "")) for row in self] if key in self._numbers else self._words(key)

    def _words(self, key: str) -> list[str]:
        others = self._others.get(key, [])
        return [*("" if value is None else str(value) for value in others), *[""] * (self._n - len(others))]

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, place: int) -> Values: ...
    @overload
    def __getitem__(self, place: slice) -> "Observations": ...
    def __getitem__(self, place: int | slice) -> "Values | Observations":
        """The values of one case, without what is missing; or some cases."""
        if isinstance(place, slice):
            return Observations(self[index] for index in range(*place.indices(self._n)))
        index = range(self._n)[place]
        row: dict[str, Any] = {}
        for key, numbers in self._numbers.items():
            if index < len(numbers) and numbers[index] == numbers[index]:
                row[key] = numbers[index]
        for key, others in self._others.items():
            if index < len(others) and others[index] is not None:
                row[key] = list(others[index]) if isinstance(others[index], array) else others[index]
        return row

    def __iter__(self) -> Iterator[Values]:
        return (self[place] for place in range(self._n))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that was observed about any case."""
        return (*self._numbers, *self._others)


def _fill(column: "array[float] | list[Any]", n: int, blank: Any) -> None:
    """Blanks for the cases before, about which this was not observed."""
    while len(column) < n:
        column.append(blank)


def _packed(value: Any) -> Any:
    """The same in less: words once each, rows of numbers without an object per number."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, list) and value and all(isinstance(one, float | int) for one in value):
        return array("d", value)
    return value
