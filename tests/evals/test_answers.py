"""Metrics of answers: classification, regression, landmarks, calibration, localisation, quality, text."""

import numpy as np
import pytest
from sklearn import metrics as reference

from evals.metrics import calibration, classification, landmarks, localisation, quality, regression, text


def test_confusion_and_its_summaries():
    matrix = classification.confusion([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0], 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert float(classification.accuracy(matrix)) == pytest.approx(4 / 6)
    assert float(classification.uar(matrix)) == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert classification.f1_scores(matrix) == pytest.approx([4 / 6, 4 / 5, 0.0])


def test_classification_of_one_class_and_of_nothing():
    matrix = classification.confusion([1, 1], [1, 0], 3)
    assert float(classification.uar(matrix)) == 0.5
    assert np.isnan(classification.f1_scores(matrix)[2])
    assert np.isnan(classification.accuracy(classification.confusion([], [], 2)))


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


@pytest.mark.parametrize(
    ("truth", "guess", "f1"), [([1, 1, 0], [1, 0, 0], 2 / 3), ([1, 0], [0, 1], 0.0), ([1, 1], [1, 1], 1.0)]
)
def test_binary_f1(truth, guess, f1):
    assert float(classification.binary_f1(truth, guess)) == pytest.approx(f1)


def test_binary_f1_of_a_label_that_never_occurs():
    assert np.isnan(classification.binary_f1([0, 0], [0, 0]))


def test_open_set():
    assert float(classification.open_set_auroc([0.9, 0.8, 0.1], [1, 1, 0])) == 1.0
    assert float(classification.open_set_auroc([0.5, 0.5], [1, 0])) == 0.5
    assert np.isnan(classification.open_set_auroc([0.5, 0.5], [1, 1]))
    known = np.linspace(0.5, 1.0, 20)
    assert float(classification.fpr95([*known, 0.51, 0.4], [1] * 20 + [0, 0])) == 0.0
    assert float(classification.fpr95([*known, 0.55, 0.4], [1] * 20 + [0, 0])) == 0.5
    assert float(classification.fpr95([0.5] * 3, [1, 1, 0])) == 1.0


def test_codes_name_the_unknown_label():
    assert classification.codes(["b", "a"], ["a", "b"]).tolist() == [1, 0]
    with pytest.raises(ValueError, match="c is none of a, b"):
        classification.codes(["c"], ["a", "b"])


def test_regression():
    assert float(regression.mae([1, 2, 3], [2, 2, 5])) == 1.0
    assert float(regression.bias([1, 2, 3], [2, 2, 5])) == 1.0
    assert float(regression.mae([10, 20], [5, 25])) == 5.0 and float(regression.bias([10, 20], [5, 25])) == 0.0
    assert float(regression.cumulative_score([10, 20, 30], [15, 26, 30], 5)) == pytest.approx(2 / 3)
    assert np.isnan(regression.mae([], []))


def test_icc():
    assert float(regression.icc([0, 1, 2, 3], [0, 1, 2, 3])) == 1.0
    assert float(regression.icc([0, 1, 2, 3], [1, 2, 3, 4])) == pytest.approx(1.0)  # consistency: an offset is no error
    assert float(regression.icc([0, 1], [1, 0])) == pytest.approx(-1.0)
    assert np.isnan(regression.icc([2, 2, 2], [2, 2, 2])) and np.isnan(regression.icc([1], [1]))


def test_icc_against_the_analysis_of_variance():
    # Shrout and Fleiss (1979), first two raters of their table 2.
    table = np.array([[9, 2], [6, 1], [8, 4], [7, 1], [10, 5], [6, 2]], float)
    rows, total = table.mean(1), table.mean()
    between = 2 * ((rows - total) ** 2).sum() / 5
    residual = ((table - rows[:, None] - table.mean(0) + total) ** 2).sum() / 5
    expected = (between - residual) / (between + residual)
    assert float(regression.icc(table[:, 0], table[:, 1])) == pytest.approx(expected)


def test_landmark_errors():
    truth = np.zeros((2, 68, 2))
    truth[:, 36], truth[:, 45] = (0, 0), (100, 0)
    guess = truth + [3.0, 4.0]
    assert landmarks.normalised_error(truth, guess).tolist() == pytest.approx([0.05, 0.05])
    assert landmarks.normalised_error(truth, truth).tolist() == [0.0, 0.0]
    assert np.isnan(landmarks.normalised_error(np.zeros((1, 68, 2)), guess[:1])).all()
    errors = [0.05, 0.10, 0.15, 0.0]
    assert float(landmarks.failure_rate(errors)) == 0.25  # .10 itself is no failure
    assert float(landmarks.error_area(errors)) == pytest.approx((0.5 + 0 + 0 + 1) / 4)
    assert float(landmarks.error_area([0.2, 0.3])) == 0.0 and np.isnan(landmarks.failure_rate([]))


def test_calibration_errors():
    assert float(calibration.ece([0.95] * 4, [1, 1, 1, 0])) == pytest.approx(0.2)
    assert float(calibration.ece([1.0, 1.0, 0.0], [1, 1, 0])) == 0.0
    assert float(calibration.ece([0.25, 0.75], [1, 1], bins=2)) == pytest.approx((0.75 + 0.25) / 2)
    assert np.isnan(calibration.ece([], []))
    assert float(calibration.brier([1, 0, 0.5], [1, 1, 0])) == pytest.approx((0 + 1 + 0.25) / 3)
    assert float(calibration.brier([0.3, 0.3], [1, 1])) == pytest.approx(0.49)
    assert float(calibration.brier_of_many([[1, 0, 0], [0.5, 0.5, 0]], [0, 1])) == pytest.approx(0.25)
    rng = np.random.default_rng(2)
    probability, truth = rng.random(100), rng.random(100) < 0.4
    assert float(calibration.brier(probability, truth)) == pytest.approx(reference.brier_score_loss(truth, probability))


def test_cllr():
    assert float(calibration.cllr([0, 0, 0], [1, 0, 0])) == pytest.approx(1.0)
    assert float(calibration.cllr([50, -50], [1, 0])) == pytest.approx(0.0, abs=1e-9)
    assert float(calibration.cllr([1, -1], [1, 0])) == pytest.approx(np.log2(1.1))
    assert float(calibration.cllr([-2, 2], [1, 0])) == pytest.approx(np.log2(101))
    assert np.isnan(calibration.cllr([1, 2], [1, 1]))


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


def test_pointing_and_overlap():
    found = localisation.pointing([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]], [[1, 0], [1, 0], [1, 0]])
    assert found.tolist() == [1, 0, 0.5]
    assert np.isnan(localisation.pointing([[0.9, 0.1]], [[0, 0]])).all()
    assert localisation.iou([[1, 1, 0], [0, 1, 0], [0, 0, 0]], [[1, 0, 0], [1, 0, 0], [0, 0, 0]])[:2].tolist() == [
        0.5,
        0,
    ]
    assert np.isnan(localisation.iou([0, 0], [0, 0]))


def test_error_versus_discard():
    values, error = [1.0, 2.0, 3.0, 4.0], [1, 1, 0, 0]
    found = quality.error_versus_discard(values, error)
    assert found.discarded.tolist() == [0, 0.25, 0.5, 0.75] and found.error.tolist() == pytest.approx(
        [0.5, 1 / 3, 0, 0]
    )
    assert float(quality.error_after_discard(values, error, 0.5)) == 0.0
    assert float(quality.error_after_discard(values, error, 0.2)) == pytest.approx(1 / 3)
    assert float(quality.discard_gain(values, error)) == pytest.approx(1 - (0.5 + 1 / 3) / 4 / 0.5)
    assert float(quality.discard_gain([1, 1, 1, 1], error)) == 0.0  # ties: quality says nothing
    assert float(quality.discard_gain([4, 3, 2, 1], error)) < 0  # and here it misleads
    assert np.isnan(quality.discard_gain(values, [0, 0, 0, 0]))
    assert float(quality.discard_area(values, [8.0, 4.0, 2.0, 2.0])) == pytest.approx((2 + 2 + 8 / 3 + 4) / 4)


def test_rouge():
    assert text.rouge_l("the mouth is open", "the mouth is open") == 1.0
    assert text.rouge_l("the mouth is open", "the Mouth opens") == pytest.approx(4 / 7)
    assert text.rouge_l("a b c", "x y") == 0.0 and text.rouge_l("", "x") == 0.0
    assert float(text.rege(np.array(0.5), np.array(0.25))) == 0.75


def test_patches_are_laid_over_their_box():
    laid = localisation.spread([[0.1, 0.9], [0.2, 0.3]], (1.0, 0.0, 3.0, 2.0), 2, 4)
    assert np.isnan(laid[:, [0, 3]]).all() and laid[:, 1:3].tolist() == [[0.1, 0.9], [0.2, 0.3]]
    beyond = localisation.spread([[0.1, 0.9], [0.2, 0.3]], (-2.0, -2.0, 2.0, 2.0), 2, 2)
    assert (beyond == 0.3).all()
    assert np.isnan(localisation.spread([[1.0]], (5.0, 5.0, 6.0, 6.0), 2, 2)).all()
