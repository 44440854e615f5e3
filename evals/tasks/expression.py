"""Apparent expression: accuracy and unweighted average recall among a set's own classes, and open-set rejection.

The tool chooses among more labels than most sets have. ``accuracy`` lets it choose among the classes of the set, as
published figures do; ``accuracy_free`` takes its answer as it is. Classes it has no label for (contempt) are unknown
ones: they measure whether its confidence drops.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering, need, translated
from evals.metrics import classification, ranking
from evals.metrics.arrays import Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.plots import ConfusionGrid, Figure, reliability_diagram
from evals.runner import Runner, skip_reason
from evals.task import CaseTable, EvalTask, Values
from faceagent.judge.calibrate import Temperature, calibration_of
from faceagent.tools.base import View
from faceagent.types import Evidence

COLUMN = ("emotion", "expression", "label", "class")
WORDS = {
    **dict.fromkeys(("neutral", "calm", "none"), "neutral"),
    **dict.fromkeys(("happy", "happiness", "joy", "smile", "smiling", "happily"), "happy"),
    **dict.fromkeys(("surprise", "surprised", "surprisal"), "surprise"),
    **dict.fromkeys(("sad", "sadness"), "sadness"),
    **dict.fromkeys(("fear", "fearful", "afraid", "scared"), "fear"),
    **dict.fromkeys(("anger", "angry", "mad"), "anger"),
    **dict.fromkeys(("disgust", "disgusted"), "disgust"),
    "contempt": "contempt",
}
UNKNOWN = frozenset({"contempt"})
"""Classes that no label of the tool stands for."""


def read(dataset: Dataset, tool: str) -> Cases:
    """One case per labelled picture."""
    del tool
    column = need(dataset, COLUMN, "expression")
    known, skips = translated(dataset.items, column, WORDS)
    grouped, note = clustering(dataset, SUBJECT)
    cases = (Case(item.id, item.file, {"emotion": word}, cluster_of(item, grouped)) for item, word in known)
    return Cases(tuple(cases), tuple(skips), () if note is None else (note,))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Logit per label, and probabilities where the tool is calibrated."""
    return runner.faces(cases, reading)


def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
    """The distribution of the first item that carries one."""
    del view
    item = next((one for one in evidence if one.status == "ok" and one.distribution), None)
    if item is None:
        return skip_reason(evidence)
    fitted = calibration_of(item)
    calibrated = fitted.probabilities(item.distribution) if isinstance(fitted, Temperature) else {}
    values = {f"logit_{label}": value for label, value in item.distribution.items()}
    values |= {f"probability_{label}": round(value, 6) for label, value in calibrated.items()}
    return {**values, "labels": "|".join(item.distribution), "answer": item.label or ""}


class ExpressionAnswers:
    """Logits and truth as arrays, the known classes of the set in the order of their names."""

    def __init__(self, table: CaseTable) -> None:
        truth = np.array(table.labels("emotion"))
        self.labels = tuple(table.values[0]["labels"].split("|")) if len(table) else ()
        self.known = np.array([word in self.labels for word in truth], dtype=bool)
        self.classes = tuple(sorted(set(truth[self.known].tolist())))
        logits = np.column_stack([table.numbers(f"logit_{name}") for name in self.labels]) if self.labels else None
        self.truth = truth
        self.free = np.array(table.words("answer"))
        chances = [table.numbers(f"probability_{name}") for name in self.labels]
        self.confidence: Reals = np.max(np.column_stack(chances), axis=1) if chances else np.zeros(0)
        if logits is None or not self.classes:
            self.guess = np.full(len(truth), "", dtype=str)
        else:
            columns = [self.labels.index(name) for name in self.classes]
            self.guess = np.array(self.classes)[logits[:, columns].argmax(axis=1)]

    def margins(self, table: CaseTable) -> dict[str, Reals]:
        """Of every class of the set, its logit less the highest of the tool's other labels."""
        logits = {name: table.numbers(f"logit_{name}") for name in self.labels}
        return {
            name: logits[name] - np.max(np.stack([logits[one] for one in self.labels if one != name]), axis=0)
            for name in self.classes
        }


def measurement(table: CaseTable) -> Measurement:
    """Closed-set accuracy, UAR, F1, recalls and AUC per class; free accuracy; open-set figures for unknown classes."""
    answers = ExpressionAnswers(table)
    known = answers.known
    truth = classification.codes(answers.truth[known].tolist(), answers.classes)
    guess = classification.codes(answers.guess[known].tolist(), answers.classes)
    right = answers.free[known] == answers.truth[known]
    one_against_rest = {
        name: ranking.Ranking(margins[known], answers.truth[known] == name)
        for name, margins in answers.margins(table).items()
    }
    open_set = known.any() and not known.all() and not np.isnan(answers.confidence).any()

    def measure(weights: Reals) -> Mapping[str, Reals]:
        inside = weights[..., known]
        matrix = classification.confusion(truth, guess, len(answers.classes), inside)
        recalls = classification.recalls(matrix)
        found = {
            "accuracy": classification.accuracy(matrix),
            "uar": classification.uar(matrix),
            "f1_macro": classification.macro_f1(matrix),
            "accuracy_free": mean(right, inside),
            **{f"recall.{name}": recalls[..., place] for place, name in enumerate(answers.classes)},
        }
        for name, ranked in one_against_rest.items():
            found[f"auc.{name}"] = ranking.area(ranked.curve(inside))
        if open_set:
            found["open_set_auroc"] = classification.open_set_auroc(answers.confidence, known, weights)
            found["open_set_fpr95"] = classification.fpr95(answers.confidence, known, weights)
        return found

    return measure


def majority(table: CaseTable) -> Measurement:
    """Always the most frequent class."""
    answers = ExpressionAnswers(table)
    truth = answers.truth[answers.known]
    names, counts = np.unique(truth, return_counts=True)
    top = names[int(np.argmax(counts))] if len(names) else ""

    def measure(weights: Reals) -> Mapping[str, Reals]:
        inside = weights[..., answers.known]
        return {
            "majority_accuracy": mean(truth == top, inside),
            "majority_uar": np.full(weights.shape[:-1], 1.0 / len(names) if len(names) else np.nan),
        }

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Confusion matrix and reliability of the free answer."""
    answers = ExpressionAnswers(table)
    known = answers.known
    if not known.any():
        return ()
    truth = classification.codes(answers.truth[known].tolist(), answers.classes)
    guess = classification.codes(answers.guess[known].tolist(), answers.classes)
    matrix = classification.confusion(truth, guess, len(answers.classes))
    grid = ConfusionGrid(
        "Confusion (rows: label of the set)", answers.classes, answers.classes, tuple(map(tuple, matrix.tolist()))
    )
    confidence = answers.confidence[known]
    if np.isnan(confidence).any():
        return (grid,)
    return grid, reliability_diagram(confidence, answers.free[known] == answers.truth[known])


def failures(table: CaseTable) -> Reals:
    """Wrong answers, the most confident first."""
    answers = ExpressionAnswers(table)
    wrong = answers.known & (answers.guess != answers.truth)
    return np.where(wrong, np.nan_to_num(answers.confidence, nan=0.5), np.nan)


TASK = EvalTask(
    name="expression",
    title="Apparent expression",
    protocol="Choice among the classes of the set (accuracy, UAR, F1, confusion), free choice beside it, and "
    "rejection of classes that the tool has no label for. People are drawn together where they are named.",
    tools=("expression",),
    needs="emotion (or expression, label); subject",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=majority,
    figures=figures,
    failures=failures,
    names=("accuracy", "uar", "f1_macro"),
)
