"""The results of all planned runs as one value: what ``docs/results.json`` holds; the pages are made of it alone."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from evals import records
from evals.data.queries import FIRST, REFUSALS
from evals.metrics.proportion import wilson
from evals.plans import PlannedRun
from evals.result import MetricEstimate, Result
from evals.thresholds import FigureThreshold, thresholds
from faceagent.errors import InputError
from faceagent.types import FrozenModel

FIRST_RUNS, FIRST_REFUSALS = "first_runs", "first_refusals"
"""Names of the entries that hold what was recorded when sets of queries were new."""
NOTE = "Written by `make results DATA=folder`; do not edit."


class RunSummary(FrozenModel):
    """One run. ``presented`` faces were shown to the tool; ``unanswered`` of them got no answer."""

    name: str
    task: str
    tool: str
    version: str
    data: str
    part: str
    note: str
    n: int
    skipped: int
    presented: int
    unanswered: int
    metrics: Mapping[str, MetricEstimate]
    baselines: Mapping[str, MetricEstimate]

    def figure(self, metric: str) -> MetricEstimate | None:
        """A metric or baseline, if it was measured."""
        return self.metrics.get(metric) or self.baselines.get(metric)


class Summary(FrozenModel):
    """All runs, in the order of the plans, and the versions they were measured with."""

    note: str
    versions: Mapping[str, str]
    runs: tuple[RunSummary, ...]

    def run(self, name: str) -> RunSummary | None:
        """The run of that name."""
        return next((run for run in self.runs if run.name == name), None)

    def figure(self, reference: str) -> MetricEstimate | None:
        """The figure ``RUN:METRIC``; None where it was not measured or is undefined."""
        name, _, metric = reference.partition(":")
        run = self.run(name)
        found = run.figure(metric) if run else None
        return found if found is not None and found.value is not None else None


class FinishedRun(NamedTuple):
    """A planned run that has a result, the folder it lies in, and the part of the set that was taken."""

    plan: PlannedRun
    result: Result
    folder: Path
    part: str


def summarise(finished: Iterable[FinishedRun]) -> Summary:
    """The summary of finished runs, with the recorded first runs of the sets of queries at the end."""
    runs, versions = [], dict[str, str]()
    for one in finished:
        runs.append(_run(one))
        versions |= one.result.versions
    return Summary(note=NOTE, versions=dict(sorted(versions.items())), runs=(*runs, *first_runs()))


def renewed(before: Summary, now: Summary, names: Iterable[str]) -> Summary:
    """``now`` with the runs of ``before`` that it lacks, in the order of ``names``, those of the planned runs.

    A run that was measured elsewhere, and not again here, keeps its figures and the version of its tool.
    """
    found = {one.name: one for one in (*before.runs, *now.runs)}
    planned = tuple(found[name] for name in names if name in found)
    recorded = tuple(one for one in now.runs if one.name in (FIRST_RUNS, FIRST_REFUSALS))
    versions = {**before.versions, **now.versions}
    return Summary(note=NOTE, versions=dict(sorted(versions.items())), runs=planned + recorded)


def _run(one: FinishedRun) -> RunSummary:
    _, rows = records.load(one.folder)
    answered = records.sort_records(rows).presented.numbers("answered")
    result = one.result
    return RunSummary(
        name=one.plan.name,
        task=result.task,
        tool=result.tool,
        version=result.versions.get(f"tool {result.tool}", ""),
        data=one.plan.data,
        part=one.part,
        note=one.plan.note,
        n=result.dataset.n,
        skipped=result.dataset.skipped,
        presented=len(answered),
        unanswered=int((answered == 0).sum()),
        metrics=result.metrics,
        baselines=result.baselines,
    )


def first_runs() -> tuple[RunSummary, RunSummary]:
    """What the rules made of each set of queries when it was new, as recorded then: exact plans, and refusals.

    Intervals are Wilson's. Of refusals, n counts those that were due.
    """
    plans = {f"plan_exact.{name}": _share(hits, n) for name, (hits, n) in FIRST.items()}
    refusals: dict[str, MetricEstimate] = {}
    for name, (right, made, due) in REFUSALS.items():
        refusals |= {f"refusal_precision.{name}": _share(right, made), f"refusal_recall.{name}": _share(right, due)}
    return (
        _recorded(FIRST_RUNS, sum(n for _, n in FIRST.values()), plans),
        _recorded(FIRST_REFUSALS, sum(due for _, _, due in REFUSALS.values()), refusals),
    )


def _recorded(name: str, n: int, metrics: Mapping[str, MetricEstimate]) -> RunSummary:
    return RunSummary(
        name=name, task="routing", tool="analyze", version="", data="queries at their first run",
        part="refusals" if name == FIRST_REFUSALS else "plans",
        note="recorded when the sets were new; not measured again, because the rules have learnt from them since",
        n=n, skipped=0, presented=0, unanswered=0, metrics=metrics, baselines={},
    )  # fmt: skip


def _share(hits: int, n: int) -> MetricEstimate:
    low, high = wilson(hits, n)
    return MetricEstimate(value=round(hits / n, 6), low=round(low, 6), high=round(high, 6))


class Miss(NamedTuple):
    """A figure that does not reach its threshold."""

    run: str
    metric: str
    value: float
    threshold: FigureThreshold

    def __str__(self) -> str:
        return f"{self.run}: {self.metric} is {self.value:.4g}, needed {self.threshold.sign} {self.threshold.limit:g}"


def misses(summary: Summary) -> list[Miss]:
    """Every figure that was measured and misses its threshold."""
    found = []
    for run, metrics in thresholds().items():
        for metric, threshold in metrics.items():
            figure = summary.figure(f"{run}:{metric}")
            if figure is not None and figure.value is not None and not threshold.met(figure.value):
                found.append(Miss(run, metric, figure.value, threshold))
    return found


def read(path: Path) -> Summary:
    """The summary in a file. Raises InputError when it holds none."""
    try:
        return Summary.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} holds no results ({type(error).__name__}).", remedy="Write them: make results DATA=folder"
        ) from error
