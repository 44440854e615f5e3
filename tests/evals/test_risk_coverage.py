"""Risk and coverage: the figures of a table whose answers are known by hand."""

import numpy as np
import pytest

from evals.data import Case
from evals.task import CaseTable
from evals.tasks import risk_coverage

ROWS = (
    # class, log10 LR, firm verdict, answer, action
    ("attack", 1.5, "forged", "forged", "act"),
    ("attack", 0.9, "inconclusive", "forged", "review"),
    ("attack", -0.3, "inconclusive", "bona_fide", "allow"),
    ("attack", 0.0, "inconclusive", "inconclusive", "allow"),
    ("bona_fide", -0.3, "inconclusive", "bona_fide", "allow"),
    ("bona_fide", -0.3, "inconclusive", "bona_fide", "allow"),
    ("bona_fide", 0.6, "inconclusive", "inconclusive", "allow"),
    ("bona_fide", 0.85, "inconclusive", "forged", "review"),
)


@pytest.fixture
def table() -> CaseTable:
    rows = []
    for number, (kind, llr, verdict, answer, action) in enumerate(ROWS):
        case = Case(
            str(number), f"{number}.png", {"class": kind, "type": "", "video": "", "validation": 0.0}, str(number)
        )
        chance = 1 / (1 + 10**-llr)
        values = {
            "score": llr,
            "llr": llr,
            "probability": chance,
            "positive": chance,
            "called": float(verdict == "forged"),
            "verdict": verdict,
            "verdict_attack": float(verdict == "forged"),
            "answer": answer,
            "action": action,
        }
        rows.append((case, values))
    return CaseTable.of(rows)


def test_answers_and_errors_are_counted_by_rule_and_by_line(table: CaseTable) -> None:
    found = {name: float(value) for name, value in risk_coverage.measurement(table)(np.ones(len(ROWS))).items()}
    assert found["answered.firm"] == pytest.approx(1 / 8)
    assert found["error_answered.firm"] == 0.0
    assert found["answered.with_leans"] == pytest.approx(6 / 8)
    # One attack leans to bona fide, one bona fide face to an attack.
    assert found["error_answered.with_leans"] == pytest.approx(2 / 6)
    assert (found["attacks_called.with_leans"], found["false_calls.with_leans"]) == (0.5, 0.25)
    # A ratio of one half counts from the line 2 on; a ratio of 1 is never an answer.
    assert found["answered.lr_2"] == pytest.approx(7 / 8) == found["answered.lr_1"]
    assert found["answered.lr_10"] == pytest.approx(1 / 8)


def test_the_probability_of_the_verdict_ranks_for_lines_of_ones_own(table: CaseTable) -> None:
    found = risk_coverage.measurement(table)(np.ones(len(ROWS)))
    assert found["attacks_found_at.0.02"] == pytest.approx(0.5)
    assert (found["reviewed.attack"], found["reviewed.bona_fide"]) == (0.25, 0.25)
    (figure,) = risk_coverage.figures(table)
    assert figure
