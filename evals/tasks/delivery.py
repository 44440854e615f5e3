"""Delivery: whether the verdict on a face survives that its picture is saved again.

The label of the verdict on every copy is compared with that on the picture as it is; "inconclusive" is a label of its
own, so that an answer which becomes open counts as changed, and so does a face that is no longer found. Attacks and
others are counted apart: a detector that never answers is steady and of no use, so the share of answers stands beside.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evals.data import Case, Skip
from evals.data.synthesis.degradation_sweep import DELIVERIES
from evals.metrics.arrays import Reals, mean, mean_among
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from evals.tasks import forgery
from evals.tasks.attack_detection import ATTACK
from evals.tasks.attack_scores import decided_score_of
from faceagent.tools.base import View
from faceagent.types import INCONCLUSIVE, Evidence

PLAIN, LOST = "plain", "no face"


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """The label of the verdict on the picture as it is, and on every copy."""
    clean = runner.faces(cases, _label)
    return [
        answer if isinstance(answer, Skip) else {PLAIN: answer["label"], **_copies(runner, case)}
        for case, answer in zip(cases, clean, strict=True)
    ]


def _label(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
    values = decided_score_of(evidence, view, "forgery")
    return values if isinstance(values, Skip) else {"label": values["answer"]}


def _copies(runner: Runner, case: Case) -> dict[str, str]:
    names = [one.name for one in DELIVERIES]
    view = runner.look(runner.root / case.file)
    if isinstance(view, Skip):
        return dict.fromkeys(names, LOST)
    with tempfile.TemporaryDirectory() as folder:
        views = [runner.presented(case, one.write(view.pixels(), Path(folder))) for one in DELIVERIES]
        answers = runner.read(views, _label, names)
    return {
        name: LOST if isinstance(answer, Skip) else str(answer["label"])
        for name, answer in zip(names, answers, strict=True)
    }


def measurement(table: CaseTable) -> Measurement:
    """Share of pictures whose label is the same on every copy, and on each kind of copy; share that was answered."""
    attack = np.array(table.labels("class")) == ATTACK
    plain = np.array(table.words(PLAIN))
    same = {one.name: (np.array(table.words(one.name)) == plain).astype(float) for one in DELIVERIES}
    every = np.min(np.stack(list(same.values())), axis=0)
    answered = (plain != INCONCLUSIVE).astype(float)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found = {f"equal_{name}": mean(values, weights) for name, values in same.items()}
        for name, rows in (("attacks", attack), ("others", ~attack)):
            if rows.any():
                kinds = [mean_among(values, rows, weights) for values in same.values()]
                found[f"equal.{name}"] = np.mean(kinds, axis=0)
                found[f"equal_all.{name}"] = mean_among(every, rows, weights)
                found[f"answered.{name}"] = mean_among(answered, rows, weights)
        return found

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Share of equal verdicts by kind of copy."""
    del table
    return (Bars("Equal verdicts", tuple((one.name.replace("_", " "), f"equal_{one.name}") for one in DELIVERIES)),)


TASK = EvalTask(
    name="delivery",
    title="The same verdict after the picture was saved again",
    protocol="Saved as JPEG 85 and 50, as WebP 75, at half the size, and as a screenshot; faces are found anew. The "
    "label of the verdict is compared with that on the picture as it is.",
    tools=("forgery",),
    needs="label (real or fake)",
    read=forgery.TASK.read,
    observe=observe,
    measurement=measurement,
    figures=figures,
    names=("equal.attacks", "equal.others"),
)
