"""False alarms: what a detector says about faces that nobody altered.

Two kinds of alarm. The score may lie beyond the shipped operating point, and the judge may decide for the attack; the
judge abstains on weak or contradictory evidence, so its alarms are fewer. Of the forgery detector it is counted too
how often it calls a face unlike the ones it was trained on.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering
from evals.metrics.arrays import Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from evals.tasks import attack_detection, attack_scores
from faceagent.judge.fuse import unfamiliarity_of
from faceagent.tools.base import View
from faceagent.types import INCONCLUSIVE, Evidence, Question

QUESTIONS: Mapping[str, Question] = {"forgery": "forgery", "morph": "morph", "spoof": "spoof"}


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture of the set, taken for unaltered whatever its labels say."""
    del tool
    grouped, note = clustering(dataset, SUBJECT)
    truth = {"class": attack_detection.BONA_FIDE}
    cases = tuple(Case(item.id, item.file, truth, cluster_of(item, grouped)) for item in dataset.items)
    notes = ("Every picture is taken for unaltered.", *(() if note is None else (note,)))
    return Cases(cases, (), notes)


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Shipped decision, verdict, and familiarity of every face."""
    question = QUESTIONS[runner.subject]

    def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
        values = attack_scores.decided_score_of(evidence, view, question)
        if isinstance(values, Skip) or question != "forgery":
            return values
        return {**values, "doubt": unfamiliarity_of(evidence)}

    return runner.faces(cases, reading)


def measurement(table: CaseTable) -> Measurement:
    """Alarms at the shipped operating point and of the judge, verdicts left open, faces unlike the training ones."""
    columns: dict[str, Reals] = {
        "false_alarm_rate": table.numbers("called"),
        "verdict_false_alarm_rate": table.numbers("verdict_attack"),
        "inconclusive_rate": np.array([label == INCONCLUSIVE for label in table.words("verdict")], dtype=float),
    }
    doubts = table.words("doubt")
    if any(doubts):
        columns["unfamiliar_rate"] = np.array([doubt == "unfamiliar" for doubt in doubts], dtype=float)
        columns["unusual_or_unfamiliar_rate"] = np.array([doubt != "none" for doubt in doubts], dtype=float)
    known = {name: values for name, values in columns.items() if not np.isnan(values).any()}
    return lambda weights: {name: mean(values, weights) for name, values in known.items()}


def responses(table: CaseTable) -> Measurement:
    """Share of faces without an answer."""
    silent = table.numbers("answered") == 0
    return lambda weights: {"non_response": mean(silent, weights)}


def failures(table: CaseTable) -> Reals:
    """The highest scores among the faces that were called altered."""
    return np.where(table.numbers("called") > 0, table.numbers("score"), np.nan)


TASK = EvalTask(
    name="false_alarms",
    title="False alarms on unaltered faces",
    protocol="Every picture is taken for unaltered: share beyond the shipped operating point, share that the judge "
    "decides against, share it leaves open; for forgery also the share of faces unlike all training faces.",
    tools=tuple(QUESTIONS),
    needs="nothing but pictures that nobody altered",
    read=read,
    observe=observe,
    measurement=measurement,
    responses=responses,
    failures=failures,
    names=("false_alarm_rate", "verdict_false_alarm_rate"),
)
