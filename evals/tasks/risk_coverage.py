"""Risk and coverage of answers: how many faces get an answer, and how many of the answers are wrong, at every line.

A line is a likelihood ratio from which the side with more support is given as an answer. Beside the lines stand the two
rules of the product: firm verdicts alone, and firm verdicts with leans. The probability of the attack that every
verdict carries ranks the faces for lines of one's own. The positive class is the attack.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.metrics import calibration, ranking
from evals.metrics.arrays import Flags, Reals, mean, share
from evals.metrics.bootstrap import Measurement
from evals.plots import Figure, Plot, line
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from evals.tasks import attack_detection, attack_scores, forgery, morph, spoof
from faceagent.types import INCONCLUSIVE, Question

LINES = (1, 2, 3, 5, 10)
"""Likelihood ratios from which the side with more support is given."""
ROUNDING = 0.005
FALSE_CALLS = (0.01, 0.02, 0.05)
"""Shares of bona fide faces called or leaning to an attack at which the share of attacks found is read."""
TASKS: Mapping[str, EvalTask] = {"forgery": forgery.TASK, "morph": morph.TASK, "spoof": spoof.TASK}
QUESTIONS: Mapping[str, Question] = {"forgery": "forgery", "morph": "morph", "spoof": "spoof"}


def read(dataset: Dataset, tool: str) -> Cases:
    """The cases of the detector's own task."""
    return TASKS[tool].read(dataset, tool)


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Score, ratio, verdict and its answer of every face."""
    question = QUESTIONS[runner.subject]
    return runner.faces(cases, lambda evidence, view: attack_scores.decided_score_of(evidence, view, question))


class Answers:
    """What is answered of every face, and whether it is right, by line and by rule."""

    def __init__(self, table: CaseTable) -> None:
        columns = attack_detection.AttackColumns(table)
        self.attack: Flags = columns.attack
        self.llr = table.numbers("llr")
        self.positive = table.numbers("positive")
        attack_label = np.array([word in attack_scores.VERDICTS.values() for word in table.words("answer")], dtype=bool)
        given = np.array([word != INCONCLUSIVE for word in table.words("answer")], dtype=bool)
        firm = np.array([word != INCONCLUSIVE for word in table.words("verdict")], dtype=bool)
        action = np.array(table.words("action"))
        self.rules: dict[str, tuple[Flags, Flags]] = {
            "firm": (firm, columns.verdict > 0),
            "with_leans": (given, attack_label & given),
        }
        for one in LINES:
            # Floors and caps of calibrations are rounded; a ratio of exactly 1 supports neither side.
            size = np.abs(self.llr) >= np.log10(one) - ROUNDING
            self.rules[f"lr_{one}"] = (size & (self.llr != 0), size & (self.llr > 0))
        self.reviewed = action == "review"
        self.ranking = ranking.Ranking(self.positive, self.attack)


def measurement(table: CaseTable) -> Measurement:
    """Per rule: share answered, error among answered, attacks and bona fide called; attacks found at false calls."""
    answers = Answers(table)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found: dict[str, Reals] = {}
        for name, (given, called) in answers.rules.items():
            found[f"answered.{name}"] = mean(given, weights)
            found[f"error_answered.{name}"] = share(called != answers.attack, given, weights)
            found[f"attacks_called.{name}"] = share(called, answers.attack, weights)
            found[f"false_calls.{name}"] = share(called, ~answers.attack, weights)
        points = answers.ranking.curve(weights)
        for rate in FALSE_CALLS:
            found[f"attacks_found_at.{rate:g}"] = ranking.tpr_at_fpr(points, rate)
        found["reviewed.attack"] = share(answers.reviewed, answers.attack, weights)
        found["reviewed.bona_fide"] = share(answers.reviewed, ~answers.attack, weights)
        return found

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Error among answered over the share answered, by the probability that every verdict carries."""
    answers = Answers(table)
    confidence = np.maximum(answers.positive, 1 - answers.positive)
    wrong = (answers.positive >= 0.5) != answers.attack
    coverage, risk = calibration.risk_coverage(confidence, wrong)
    curve = line("judge", coverage, risk)
    return (Plot("Risk and coverage", "share answered", "error among answered", (curve,)),)


TASK = EvalTask(
    name="risk_coverage",
    title="Risk and coverage of answers about attacks",
    protocol="At every line on the likelihood ratio, and under the rules of the product (firm verdicts; with leans): "
    "share of faces answered, error among the answered, attacks and bona fide faces called; attacks found at fixed "
    "shares of false calls by the probability that every verdict carries; share that the policy of action sends to "
    "review.",
    tools=tuple(TASKS),
    needs="what the detector's own task needs",
    read=read,
    observe=observe,
    measurement=measurement,
    responses=attack_detection.non_response,
    figures=figures,
    names=("answered.firm", "answered.with_leans", "error_answered.firm", "error_answered.with_leans"),
)
