"""Two runs side by side: paired differences on the cases that both could score.

Unpaired intervals of two runs overlap long before their difference is in doubt, because the cases are the same. Here
every bootstrap round draws the same cases for both.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evals.metrics.bootstrap import ROUNDS, Measurement, difference
from evals.records import load, tables
from evals.task import Table, lower_is_better
from evals.tasks import TASKS
from faceagent.errors import InputError

CLEAR = 0.05
"""p-value below which a difference is called one."""


class Row(NamedTuple):
    """One metric of both runs; the interval and p-value are of the change, second minus first."""

    metric: str
    first: float | None
    second: float | None
    change: float
    low: float | None
    high: float | None
    p: float | None
    verdict: str


class Comparison(NamedTuple):
    """All metrics that both runs have."""

    task: str
    names: tuple[str, str]
    n: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def compare(first: Path, second: Path, *, rounds: int = ROUNDS, seed: int = 0) -> Comparison:
    """Compare two run folders. Raises InputError when they are of different tasks or have no case in common."""
    (head, one), (other_head, two) = _open(first), _open(second)
    if head["task"] != other_head["task"]:
        raise InputError(
            f"{first} is a run of {head['task']}, {second} one of {other_head['task']}.",
            remedy="Compare runs of the same task.",
        )
    names = {case.id: dict(case.truth) for case in one.cases}
    shared = {case.id for case in two.cases if names.get(case.id) == dict(case.truth)}
    if not shared:
        raise InputError(f"{first} and {second} scored no case in common.", remedy="Run both on the same set.")
    mine = one.keep([case.id in shared for case in one.cases])
    theirs = two.keep([case.id in shared for case in two.cases])
    TASKS.freeze()
    task = TASKS.get(head["task"])
    measurements = task.measurement(mine), task.measurement(theirs)
    found = difference(*measurements, mine.clusters, rounds=rounds, seed=seed)
    points = [_points(measurement, len(mine)) for measurement in measurements]
    rows = tuple(
        Row(name, points[0].get(name), points[1].get(name), gap.value, gap.low, gap.high, gap.p,
            _verdict(name, gap.value, gap.p))
        for name, gap in found.items()
        if gap.value is not None
    )  # fmt: skip
    notes = []
    if head["sha256"] != other_head["sha256"]:
        notes.append("The two runs are not on the same selection of pictures and labels; only common cases count.")
    left = len(one) + len(two) - 2 * len(shared)
    if left:
        notes.append(f"{left} cases were scored by one run only, or carry other labels, and are left out.")
    return Comparison(head["task"], (_label(head), _label(other_head)), len(shared), rows, tuple(notes))


def _open(folder: Path) -> tuple[dict[str, Any], Table]:
    try:
        header, cases, answers = load(folder)
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise InputError(
            f"{folder} holds no records of a run ({type(error).__name__}).",
            remedy="Give the folder that `faceagent eval run` names as Records.",
        ) from error
    return header, tables(cases, answers)[0]


def _label(header: dict[str, Any]) -> str:
    tool = str(header["tool"])
    return f"{tool} {header['versions'].get(f'tool {tool}', '')}".strip()


def _points(measurement: Measurement, n: int) -> dict[str, float | None]:
    values = {name: float(value[0]) for name, value in measurement(np.ones((1, n))).items()}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _verdict(name: str, change: float, p: float | None) -> str:
    """Whether the second run is better, worse, or not to be told apart."""
    if p is None or p >= CLEAR or change == 0:
        return "no clear difference"
    return "better" if (change < 0) == lower_is_better(name) else "worse"
