"""Calibration: do probabilities and likelihood ratios mean what they say, and what does abstaining buy?

The shipped calibrations are judged as they are; nothing is refitted. The verdict is the judge's own.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.metrics import calibration
from evals.metrics.arrays import Flags, Reals, mean, share
from evals.metrics.bootstrap import Measurement
from evals.plots import Figure, Plot, line, reliability_diagram
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from evals.tasks import attack_detection, attack_scores, expression, forgery, morph, spoof
from faceagent.judge import weigh
from faceagent.tools.base import View
from faceagent.types import INCONCLUSIVE, Evidence, Question

STRONG = 1.0
"""log10 likelihood ratio (LR 10) from which evidence for the wrong side counts as misleading."""
DETECTORS: Mapping[str, tuple[EvalTask, Question]] = {
    "forgery": (forgery.TASK, "forgery"),
    "spoof": (spoof.TASK, "spoof"),
    "morph": (morph.TASK, "morph"),
    "morph_differential": (morph.TASK, "morph"),
}


def read(dataset: Dataset, tool: str) -> Cases:
    """The cases of the task that the tool is for."""
    task = DETECTORS[tool][0] if tool in DETECTORS else expression.TASK
    return task.read(dataset, tool)


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Probability, likelihood ratio and verdict of a detector; confidence, answer and verdict of expression."""
    question: Question = DETECTORS[runner.subject][1] if runner.subject in DETECTORS else "expression"

    def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
        if runner.subject in DETECTORS:
            values = attack_scores.score_of(evidence, question)
        else:
            values = expression.reading(evidence, view)
        if isinstance(values, Skip) or view.face is None:
            return values
        if not any(key.startswith("probability") for key in values):
            return Skip("", "uncalibrated", f"The score of {runner.subject} has no probability.")
        return {**values, "verdict": weigh(question, view.face, evidence).firm_label}

    return runner.faces(cases, reading)


class Claims:
    """What was claimed with which confidence, and whether it was right."""

    def __init__(self, table: CaseTable) -> None:
        self.ratios: Reals | None = None
        self.answered: Flags = np.array([word != INCONCLUSIVE for word in table.words("verdict")], dtype=bool)
        if len(table) and "score" in table.values[0]:
            columns = attack_detection.AttackColumns(table)
            self.positive = columns.attack
            self.probability: Reals = columns.probability
            self.confidence = np.maximum(columns.probability, 1 - columns.probability)
            self.right: Flags = (columns.probability >= 0.5) == columns.attack
            llr = table.numbers("llr")
            self.ratios = None if np.isnan(llr).any() else llr
            self.chances: Reals | None = None
        else:
            answers = expression.ExpressionAnswers(table)
            self.confidence = answers.confidence
            self.right = answers.free == answers.truth
            self.chances = np.column_stack([table.numbers(f"probability_{name}") for name in answers.labels])
            codes = {name: place for place, name in enumerate(answers.labels)}
            self.truth = np.array([codes.get(word, -1) for word in answers.truth])


def measurement(table: CaseTable) -> Measurement:
    """ECE, Brier, Cllr, misleading ratios, AURC, risk at 80 % coverage; how often the judge answers and is right."""
    claims = Claims(table)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        wrong = ~claims.right
        found = {
            "aurc": calibration.aurc(claims.confidence, wrong, weights),
            "risk_at_coverage_80": calibration.risk_at_coverage(claims.confidence, wrong, 0.8, weights),
            "error_rate": mean(wrong, weights),
            "answered": mean(claims.answered, weights),
            "accuracy_answered": share(claims.right, claims.answered, weights),
        }
        if claims.chances is None:
            found["ece"] = calibration.ece(claims.probability, claims.positive, weights=weights)
            found["brier"] = calibration.brier(claims.probability, claims.positive, weights)
        else:
            found["ece"] = calibration.ece(claims.confidence, claims.right, weights=weights)
            known = claims.truth >= 0
            found["brier"] = calibration.brier_of_many(claims.chances[known], claims.truth[known], weights[..., known])
        if claims.ratios is not None:
            found["cllr"] = calibration.cllr(claims.ratios, claims.positive, weights)
            strong = np.where(claims.positive, claims.ratios <= -STRONG, claims.ratios >= STRONG)
            found["misleading.attack"] = share(strong, claims.positive, weights)
            found["misleading.bona_fide"] = share(strong, ~claims.positive, weights)
        return found

    return measure


def uninformed(table: CaseTable) -> Measurement:
    """What saying nothing costs: Brier of even odds (or of equal chances), Cllr 1."""
    claims = Claims(table)
    labels = 2 if claims.chances is None else claims.chances.shape[1]
    cost = 0.25 if claims.chances is None else 1.0 - 1.0 / labels

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {"uninformed_brier": np.full(weights.shape[:-1], cost)} | (
            {"uninformed_cllr": np.ones(weights.shape[:-1])} if claims.ratios is not None else {}
        )

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Reliability, and risk over coverage."""
    claims = Claims(table)
    diagram = (
        reliability_diagram(claims.probability, claims.positive)
        if claims.chances is None
        else reliability_diagram(claims.confidence, claims.right)
    )
    coverage, risk = calibration.risk_coverage(claims.confidence, ~claims.right)
    return diagram, Plot("Risk and coverage", "share answered", "error rate", (line("judge", coverage, risk),))


def failures(table: CaseTable) -> Reals:
    """Wrong answers, the most confident first."""
    claims = Claims(table)
    return np.where(claims.right, np.nan, claims.confidence)


TASK = EvalTask(
    name="calibration",
    title="Calibration and abstention",
    protocol="Shipped calibrations as they are; ECE in ten bins, Brier (summed over labels where there are several), "
    "Cllr in bits, risk over coverage. The judge's own abstentions are counted.",
    tools=(*DETECTORS, "expression"),
    needs="the labels of the tool's own task",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=uninformed,
    figures=figures,
    failures=failures,
    names=("ece", "brier", "aurc"),
)
