"""What an evaluation task is: how it reads a set, what it observes, and which metrics it computes.

A task is a value (``EvalTask``) made of plain functions, one module each in ``evals.tasks``. Everything it learns
about a case is a flat record of numbers and words; pictures are gone by then, and metrics see only the table.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.metrics.arrays import Flags, Reals, reals
from evals.metrics.bootstrap import Measurement
from evals.observations import Observations, Values
from evals.plots import Figure

__all__ = ["SKIPPED", "UNPRESENTED", "EvalTask", "CaseTable", "Values", "lower_is_better", "nothing"]

SKIPPED = "skipped"
"""Key of the reason and message in values that hold cues only: the case is not scored."""

UNPRESENTED = frozenset({
    "missing_file", "no_permission", "is_folder", "not_a_file", "empty_file", "too_large", "too_many_pixels",
    "too_slow", "unsupported_format", "corrupt_picture", "no_reference", "same_file", "weights_missing",
    "not_installed", "not_trained_yet", "uncalibrated", "no_mask",
})  # fmt: skip
"""Reasons that lie with the file, the list or the installation: no face was presented that could go unanswered."""


@dataclass(frozen=True)
class CaseTable:
    """The cases that could be observed, in the order of their ids, and what was observed about each."""

    cases: tuple[Case, ...]
    values: Observations

    @classmethod
    def of(cls, rows: Iterable[tuple[Case, Values]]) -> "CaseTable":
        """A table of these rows; they may come from a file, one at a time."""
        cases, values = [], Observations()
        for case, row in rows:
            cases.append(case)
            values.append(row)
        return cls(tuple(cases), values)

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def clusters(self) -> list[str]:
        """What is drawn together in a bootstrap."""
        return [case.cluster for case in self.cases]

    def numbers(self, key: str) -> Reals:
        """An observed number per case, NaN where there is none; rows of numbers give a matrix."""
        return self.values.numbers(key)

    def words(self, key: str) -> list[str]:
        """An observed word per case, empty where there is none."""
        return self.values.words(key)

    def truth(self, key: str) -> Reals:
        """A labelled number per case, NaN where there is none."""
        return reals([case.truth.get(key, np.nan) for case in self.cases])

    def labels(self, key: str) -> list[str]:
        """A labelled word per case, empty where there is none."""
        return [str(case.truth.get(key, "")) for case in self.cases]

    def keep(self, chosen: Flags | Sequence[bool]) -> "CaseTable":
        """The rows that are flagged."""
        return CaseTable.of((self.cases[index], self.values[index]) for index, flag in enumerate(chosen) if flag)


def nothing(table: CaseTable) -> Measurement:
    """The measurement of no metric."""
    del table
    return lambda weights: {}


def _no_figures(table: CaseTable) -> tuple[Figure, ...]:
    del table
    return ()


def _no_failures(table: CaseTable) -> Reals:
    return np.full(len(table), np.nan)


@dataclass(frozen=True)
class EvalTask:
    """One protocol. ``observe`` gives values or a reason for every case, in order, a batch at a time."""

    name: str
    title: str
    protocol: str
    tools: tuple[str, ...]
    """Tools it can measure; the first is the default."""
    needs: str
    """Which columns it reads, in words."""
    read: Callable[[Dataset, str], Cases]
    """Cases of a set for a tool. Raises InputError when the set has no column that it needs."""
    observe: Callable[[Any, Sequence[Case]], list[Values | Skip]]
    """First argument: the ``Runner``."""
    measurement: Callable[[CaseTable], Measurement]
    baselines: Callable[[CaseTable], Measurement] = nothing
    responses: Callable[[CaseTable], Measurement] = nothing
    """Metrics over every case that was presented, scored or not; its only value is ``answered``, 0 or 1."""
    figures: Callable[[CaseTable], tuple[Figure, ...]] = _no_figures
    failures: Callable[[CaseTable], Reals] = _no_failures
    """How badly each case went, higher is worse, NaN for not at all: the worst are shown with thumbnails."""
    version: int = 1
    """Raised when what ``observe`` records of a case changes; planned runs then observe anew."""
    names: tuple[str, ...] = field(default=())
    """Metrics that always stand in the result, undefined (null) when nothing could be measured."""


LOWER = ("eer", "apcer", "bpcer", "bscer", "acer", "hter", "mae", "nme", "fr_", "fnmr", "fpr", "ece", "brier", "cllr",
         "aurc", "apnrr", "bpnrr", "bsnrr", "non_response", "gap", "error", "unsupported", "ms_", "drop", "risk",
         "false_alarm", "false_calls", "miss", "extra", "opposite")  # fmt: skip
"""Beginnings of the names of metrics where less is better."""


def lower_is_better(name: str) -> bool:
    """Whether a smaller value of that metric is the better one."""
    stem = name.partition(".")[0]
    return any(stem.startswith(word) or f"_{word}" in stem for word in LOWER)
