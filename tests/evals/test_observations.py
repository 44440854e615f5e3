"""Metrics of answers, beyond the golden cases: what they refuse, and against other ways of computing them."""

import numpy as np
import pytest
from sklearn import metrics as reference

from evals.metrics import calibration, classification, localisation, regression


def test_classification_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    truth, guess = rng.integers(4, size=200), rng.integers(4, size=200)
    matrix = classification.confusion(truth, guess, 4)
    assert np.array_equal(matrix, reference.confusion_matrix(truth, guess))
    assert float(classification.uar(matrix)) == pytest.approx(reference.balanced_accuracy_score(truth, guess))
    assert float(classification.macro_f1(matrix)) == pytest.approx(reference.f1_score(truth, guess, average="macro"))
    assert float(classification.binary_f1(truth > 1, guess > 1)) == pytest.approx(
        reference.f1_score(truth > 1, guess > 1)
    )


def test_codes_name_the_unknown_label():
    assert classification.codes(["b", "a"], ["a", "b"]).tolist() == [1, 0]
    with pytest.raises(ValueError, match="c is none of a, b"):
        classification.codes(["c"], ["a", "b"])


def test_icc_against_the_analysis_of_variance():
    # Shrout and Fleiss (1979), first two raters of their table 2.
    table = np.array([[9, 2], [6, 1], [8, 4], [7, 1], [10, 5], [6, 2]], float)
    rows, total = table.mean(1), table.mean()
    between = 2 * ((rows - total) ** 2).sum() / 5
    residual = ((table - rows[:, None] - table.mean(0) + total) ** 2).sum() / 5
    expected = (between - residual) / (between + residual)
    assert float(regression.icc(table[:, 0], table[:, 1])) == pytest.approx(expected)


def test_risk_and_coverage():
    coverage, risk = calibration.risk_coverage([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0] and risk.tolist() == pytest.approx([0, 0, 1 / 3, 0.5])
    assert float(calibration.aurc([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1])) == pytest.approx((0 + 0 + 1 / 3 + 0.5) / 4)
    assert float(calibration.aurc([0.5] * 4, [0, 0, 1, 1])) == 0.5  # ties: one group, one risk
    assert float(calibration.aurc([0.1, 0.2], [0, 0])) == 0.0
    assert float(calibration.risk_at_coverage([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1], 0.5)) == 0.0
    assert float(calibration.risk_at_coverage([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1], 0.6)) == pytest.approx(1 / 3)


def test_reliability_bins():
    found = calibration.reliability([0.05, 0.95, 1.0], [0, 1, 0], bins=10)
    assert found.accuracy[9] == 0.5 and found.confidence[9] == pytest.approx(0.975) and np.isnan(found.accuracy[5])


def test_patches_are_laid_over_their_box():
    laid = localisation.spread([[0.1, 0.9], [0.2, 0.3]], (1.0, 0.0, 3.0, 2.0), 2, 4)
    assert np.isnan(laid[:, [0, 3]]).all() and laid[:, 1:3].tolist() == [[0.1, 0.9], [0.2, 0.3]]
    beyond = localisation.spread([[0.1, 0.9], [0.2, 0.3]], (-2.0, -2.0, 2.0, 2.0), 2, 2)
    assert (beyond == 0.3).all()
    assert np.isnan(localisation.spread([[1.0]], (5.0, 5.0, 6.0, 6.0), 2, 2)).all()
