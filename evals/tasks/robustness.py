"""Robustness: the same protocol on spoiled pictures, and how far the figure falls.

A face that is no longer found on a spoiled picture is left out of that condition and counted in ``kept``: a figure on
fewer faces is not the same figure. Differences are paired; a drop is in the metric's own unit.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.synthesis.degradation_sweep import SWEEP
from evals.metrics.arrays import Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure, Plot, line
from evals.runner import Reading, Runner
from evals.task import CaseTable, EvalTask, Values, lower_is_better
from evals.tasks import attack_scores, attributes, expression, forgery, morph, spoof
from faceagent.tools.base import View
from faceagent.types import Evidence, Question

CLEAN = "clean"
CONDITIONS = (CLEAN, *(one.name for one in SWEEP))


class Base(NamedTuple):
    """The task behind a tool, the metric that is followed, and metrics that are given beside it."""

    task: EvalTask
    metric: str
    reading: Reading
    beside: tuple[str, ...] = ()


def _detector(question: Question) -> Reading:
    def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
        del view
        return attack_scores.score_of(evidence, question)

    return reading


BASES: Mapping[str, Base] = {
    "forgery": Base(forgery.TASK, "auc", _detector("forgery"), ("auc_way.forgery_synthetic",)),
    "spoof": Base(spoof.TASK, "auc", _detector("spoof")),
    "morph": Base(morph.TASK, "auc", _detector("morph")),
    "morph_differential": Base(morph.TASK, "auc", _detector("morph")),
    "expression": Base(expression.TASK, "accuracy", expression.reading),
    "attributes": Base(attributes.TASK, "gender_accuracy", attributes.reading),
}


def read(dataset: Dataset, tool: str) -> Cases:
    """The cases of the tool's own task; each carries the tool's name."""
    found = BASES[tool].task.read(dataset, tool)
    return found._replace(cases=tuple(case._replace(truth={**case.truth, "tool": tool}) for case in found.cases))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """The tool's answer on the picture and on every spoiled copy of it: one record under each condition's name."""
    reading = BASES[runner.subject].reading
    clean = runner.faces(cases, reading)
    return [
        answer if isinstance(answer, Skip) else {CLEAN: dict(answer), **_spoiled(runner, case, reading)}
        for case, answer in zip(cases, clean, strict=True)
    ]


def _spoiled(runner: Runner, case: Case, reading: Reading) -> dict[str, Values]:
    view = runner.look(runner.root / case.file)
    if isinstance(view, Skip):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        views = [runner.presented(case, one.write(view.pixels(), Path(folder))) for one in SWEEP]
        answers = runner.read(views, reading, [one.name for one in SWEEP])
    return {one.name: answer for one, answer in zip(SWEEP, answers, strict=True) if not isinstance(answer, Skip)}


def measurement(table: CaseTable) -> Measurement:
    """The metric when clean and under every condition, the largest drop, and the share of faces kept."""
    base = BASES[table.labels("tool")[0]]
    parts: dict[str, tuple[Reals, Callable[[Reals], Mapping[str, Reals]]]] = {}
    for name in CONDITIONS:
        there = np.array([name in values for values in table.values], dtype=bool)
        inner = CaseTable.of(
            (case, values[name]) for case, values in zip(table.cases, table.values, strict=True) if name in values
        )
        if len(inner):
            parts[name] = (there, base.task.measurement(inner))
    sign = 1.0 if lower_is_better(base.metric) else -1.0

    def measure(weights: Reals) -> Mapping[str, Reals]:
        blank = np.full(weights.shape[:-1], np.nan)
        every = {name: inner(weights[..., there > 0]) for name, (there, inner) in parts.items()}
        values = {name: found.get(base.metric, blank) for name, found in every.items()}
        beside = {
            metric if name == CLEAN else f"{metric}.{name}": found[metric]
            for metric in base.beside
            for name, found in every.items()
            if metric in found
        }
        drops = {name: sign * (value - values[CLEAN]) + 0.0 for name, value in values.items() if name != CLEAN}
        worst = np.max(np.stack([np.nan_to_num(drop, nan=-np.inf) for drop in drops.values()]), axis=0)
        return {
            base.metric: values[CLEAN],
            f"{base.metric}_drop_worst": np.where(np.isfinite(worst), worst, np.nan),
            **{f"{base.metric}.{name}": value for name, value in values.items() if name != CLEAN},
            **beside,
            **{f"drop.{name}": drop for name, drop in drops.items()},
            **{f"kept.{name}": mean(there, weights) for name, (there, _) in parts.items() if name != CLEAN},
        }

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Curves of the metric over the steps of every degradation, and the metric per condition."""
    metric = BASES[table.labels("tool")[0]].metric
    values = {name: float(value[0]) for name, value in measurement(table)(np.ones((1, len(table)))).items()}
    families: dict[str, list[str]] = {}
    for one in SWEEP:
        families.setdefault(one.family, []).append(one.name)
    curves = tuple(
        line(
            ", ".join(names).replace(f", {family}_", ", ").replace("_", " "),
            range(len(names) + 1),
            [values.get(key, np.nan) for key in (metric, *(f"{metric}.{name}" for name in names))],
        )
        for family, names in families.items()
    )
    words = metric.replace("_", " ")
    bars = (("as it is", metric), *((one.name.replace("_", " "), f"{metric}.{one.name}") for one in SWEEP))
    return (
        Plot(f"{words} along every degradation", "step (0: as it is)", words, curves, unit=False),
        Bars(f"{words} under every degradation", bars),
    )


TASK = EvalTask(
    name="robustness",
    title="Robustness to degradation",
    protocol="JPEG 90, 70, 50, 30; a half and a quarter of the size; blur 1 and 2 px; noise 5 and 15; a screenshot. "
    "Faces are found anew on every copy.",
    tools=tuple(BASES),
    needs="the labels of the tool's own task",
    read=read,
    observe=observe,
    measurement=measurement,
    figures=figures,
    names=(),
)
