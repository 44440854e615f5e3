"""Two runs side by side: paired differences on the cases that both could score, and of how often each was silent.

Unpaired intervals of two runs overlap long before their difference is in doubt, because the cases are the same. Here
every bootstrap round draws the same cases for both.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evals.data.dataset import differ
from evals.metrics.arrays import mean
from evals.metrics.bootstrap import ROUNDS, Measurement, difference
from evals.records import SortedRecords, load, sort_records
from evals.task import CaseTable, lower_is_better
from evals.tasks import TASKS
from faceagent.errors import InputError

CLEAR = 0.05
"""p-value below which a difference is called one."""


class MetricChange(NamedTuple):
    """One metric of both runs; the interval and p-value are of the change, second minus first."""

    metric: str
    first: float | None
    second: float | None
    change: float
    low: float | None
    high: float | None
    p: float | None
    verdict: str


class RunComparison(NamedTuple):
    """All metrics that both runs have."""

    task: str
    names: tuple[str, str]
    n: int
    rows: tuple[MetricChange, ...]
    notes: tuple[str, ...]


def compare(first: Path, second: Path, *, rounds: int = ROUNDS, seed: int = 0) -> RunComparison:
    """Compare two run folders. Raises InputError when they are of different tasks, or of different data."""
    (head, one), (other_head, two) = _open(first), _open(second)
    if head["task"] != other_head["task"]:
        raise InputError(
            f"{first} is a run of {head['task']}, {second} one of {other_head['task']}.",
            remedy="Compare runs of the same task.",
        )
    mine, theirs = _common(one.presented, two.presented)
    if not len(mine):
        raise InputError(
            f"{first} and {second} are of different data: they have no case with the same name and label in common "
            f"({Path(head['root']).name}, {len(one.presented)} cases; {Path(other_head['root']).name}, "
            f"{len(two.presented)} cases).",
            remedy="Run both on the same set.",
        )
    roots = Path(head["root"]), Path(other_head["root"])
    other = [case.id for case in mine.cases if differ(roots, case)] if roots[0] != roots[1] else []
    if other:
        raise InputError(
            f"{first} and {second} are of different data: {len(other)} of {len(mine)} common names stand for another "
            f"picture, {other[0]} for one.",
            remedy="Run both on the same set.",
        )
    TASKS.freeze()
    task = TASKS.get(head["task"])
    scored = _common(one.scored, two.scored)
    parts = ((task.measurement, *scored), (task.responses, mine, theirs), (_silence, mine, theirs))
    rows = {row.metric: row for part in parts for row in _rows(*part, rounds, seed)}
    notes = []
    if head["sha256"] != other_head["sha256"]:
        notes.append("The two runs are not on the same selection of pictures and labels; only common cases count.")
    left = len(one.presented) + len(two.presented) - 2 * len(mine)
    if left:
        notes.append(f"{left} cases were presented to one run only, or carry other labels, and are left out.")
    if len(scored[0]) < len(mine):
        notes.append(
            f"Of {len(mine)} cases presented to both, {len(scored[0])} were answered by both: figures of answers are "
            "over these, rates of non-response over all."
        )
    return RunComparison(
        head["task"], (_label(head), _label(other_head)), len(scored[0]), tuple(rows.values()), tuple(notes)
    )


def _common(one: CaseTable, two: CaseTable) -> tuple[CaseTable, CaseTable]:
    """The cases of both tables that have the same name and the same labels."""
    labels = {case.id: dict(case.truth) for case in one.cases}
    shared = {case.id for case in two.cases if labels.get(case.id) == dict(case.truth)}
    return one.keep([case.id in shared for case in one.cases]), two.keep([case.id in shared for case in two.cases])


def _rows(
    measurement: Callable[[CaseTable], Measurement], one: CaseTable, two: CaseTable, rounds: int, seed: int
) -> Iterator[MetricChange]:
    """Paired differences of the metrics that are defined on both tables, which hold the same cases."""
    if not len(one):
        return
    both = measurement(one), measurement(two)
    points = [_points(measure, len(one)) for measure in both]
    for name, gap in difference(*both, one.clusters, rounds=rounds, seed=seed).items():
        if gap.value is not None:
            verdict = _verdict(name, gap.value, gap.p)
            yield MetricChange(
                name, points[0].get(name), points[1].get(name), gap.value, gap.low, gap.high, gap.p, verdict
            )


def _silence(table: CaseTable) -> Measurement:
    """Abstention whatever the class: the share of presented cases without an answer."""
    silent = table.numbers("answered") == 0
    return lambda weights: {"non_response": mean(silent, weights)}


def _open(folder: Path) -> tuple[dict[str, Any], SortedRecords]:
    try:
        header, rows = load(folder)
        return header, sort_records(rows)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder} holds no records of a run ({type(error).__name__}).",
            remedy="Give the folder that `faceagent eval run` names as Records.",
        ) from error


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
