"""Every metric on cases computed by hand, in whatever order, with weights as repetitions, and against other libraries.

The table is complete by test: a public function of ``evals.metrics`` without three cases, or without one of a class
that does not occur (or of nothing at all), fails.
"""

import inspect
import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from evals.metrics import (
    arrays,
    calibration,
    classification,
    landmarks,
    localisation,
    pad,
    proportion,
    quality,
    ranking,
    regression,
    text,
    verification,
)

NAN = float("nan")


def at(metric, *more):
    """A metric of a curve as one of scores and labels."""
    found = lambda scores, positive, weights=None: metric(ranking.curve(scores, positive, weights), *more)  # noqa: E731
    found.of = metric
    return found


def with_(metric, **more):
    """A metric with some arguments given."""

    def found(*columns, weights=None):
        return metric(*columns, **more, **({} if weights is None else {"weights": weights}))

    found.of = metric
    return found


def of_matrix(metric):
    """A metric of a confusion matrix as one of labels and answers (three labels)."""
    found = lambda truth, guess, weights=None: metric(classification.confusion(truth, guess, 3, weights))  # noqa: E731
    found.of = metric
    return found


def error(name, threshold=0.5):
    """One of the attack detection errors; attack types are letters, empty for bona fide."""

    def found(scores, types, weights=None):
        return getattr(pad.errors_at(threshold, scores, [kind != "" for kind in types], types, weights), name)

    found.of = pad.errors_at
    return found


LINE = [[0.0, 0.0]] * 36 + [[0.0, 0.0]] + [[0.0, 0.0]] * 8 + [[10.0, 0.0]] + [[0.0, 0.0]] * 22
"""68 points whose outer eye corners are 10 px apart."""


def moved(x, y, points=68):
    """The same with the first points moved."""
    return [[a + x * (place < points), b + y * (place < points)] for place, (a, b) in enumerate(LINE)]


FIVE = ([0.9, 0.8, 0.7, 0.6, 0.5], [1, 0, 1, 0, 1])
TIED = ([0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0])
ONLY, NONE = ([0.9, 0.1], [1, 1]), ([], [])

# metric, arguments, value. NaN: the figure is undefined.
CASES = [
    # Ranking. FIVE: of 6 pairs 3 are in config.
    (ranking.auc, FIVE, 3 / 6), (ranking.auc, TIED, 0.5), (ranking.auc, ONLY, NAN), (ranking.auc, NONE, NAN),
    (ranking.auc, ([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0]), 3.5 / 4),
    (at(ranking.area), FIVE, 3 / 6), (at(ranking.area), TIED, 0.5), (at(ranking.area), ONLY, NAN),
    (ranking.two_sample_auc, ([0.9, 0.7, 0.5], [0.8, 0.6]), 3 / 6), (ranking.two_sample_auc, ([1, 1], [1]), 0.5),
    (ranking.two_sample_auc, ([], [1.0]), NAN),
    (proportion.wilson, (0, 20), [0.0, 0.16112515805281938]),
    (proportion.wilson, (10, 20), [0.2992980081982123, 0.7007019918017877]),
    (proportion.wilson, (20, 20), [0.8388748419471806, 1.0]),
    (ranking.eer, FIVE, 0.5), (ranking.eer, TIED, 0.5), (ranking.eer, ONLY, NAN),
    (ranking.eer, ([3, 2, 1, 0], [1, 1, 0, 0]), 0.0),
    # Missed 1, 2/3, 2/3, 1/3, 1/3, 0 at false alarms 0, 0, 1/2, 1/2, 1, 1: between, at 1/2.
    (at(ranking.equal_error), FIVE, 0.5), (at(ranking.equal_error), TIED, 0.5), (at(ranking.equal_error), NONE, NAN),
    (ranking.ap, FIVE, (1 + 2 / 3 + 3 / 5) / 3), (ranking.ap, TIED, 0.5), (ranking.ap, ONLY, 1.0),
    (ranking.ap, ([0.9, 0.1], [0, 0]), NAN),
    (at(ranking.average_precision), FIVE, (1 + 2 / 3 + 3 / 5) / 3), (at(ranking.average_precision), TIED, 0.5),
    (at(ranking.average_precision), ([0.9, 0.1], [0, 0]), NAN),
    (at(ranking.tpr_at_fpr, 0.0), FIVE, 1 / 3), (at(ranking.tpr_at_fpr, 0.5), FIVE, 2 / 3),
    (at(ranking.tpr_at_fpr, 0.5), TIED, 0.0), (at(ranking.tpr_at_fpr, 0.5), ONLY, NAN),
    (at(ranking.threshold_at_fpr, 0.0), FIVE, 0.9), (at(ranking.threshold_at_fpr, 0.5), FIVE, 0.7),
    (at(ranking.threshold_at_fpr, 0.5), TIED, NAN), (at(ranking.threshold_at_fpr, 0.5), ONLY, NAN),
    (at(ranking.fpr_at_fnr, 0.0), FIVE, 1.0), (at(ranking.fpr_at_fnr, 0.34), FIVE, 0.5),
    (at(ranking.fpr_at_fnr, 0.5), TIED, 1.0), (at(ranking.fpr_at_fnr, 0.5), ONLY, NAN),
    (at(ranking.threshold_at_equal_error), ([4, 3, 2, 1], [1, 1, 0, 0]), 3),
    (at(ranking.threshold_at_equal_error), ([4, 3, 2, 1], [1, 0, 1, 0]), 3),
    (at(ranking.threshold_at_equal_error), TIED, 0.5),
    (ranking.threshold_of_best_accuracy, ([4, 3, 2, 1], [1, 1, 0, 0]), 3),
    (ranking.threshold_of_best_accuracy, ([4, 3, 2, 1], [1, 0, 0, 0]), 4),
    (ranking.threshold_of_best_accuracy, TIED, 0.5),
    # Attack detection. a: .9 found, .4 passes; b: .5 found (the line is inclusive); bona fide: .6 called, .1 passed.
    (error("apcer_max"), ([0.9, 0.4, 0.5, 0.6, 0.1], ["a", "a", "b", "", ""]), 0.5),
    (error("apcer_mean"), ([0.9, 0.4, 0.5, 0.6, 0.1], ["a", "a", "b", "", ""]), 0.25),
    (error("bpcer"), ([0.9, 0.4, 0.5, 0.6, 0.1], ["a", "a", "b", "", ""]), 0.5),
    (error("acer"), ([0.9, 0.4, 0.5, 0.6, 0.1], ["a", "a", "b", "", ""]), 0.5),
    (error("hter"), ([0.9, 0.4, 0.5, 0.6, 0.1], ["a", "a", "b", "", ""]), (1 / 3 + 1 / 2) / 2),
    (error("apcer_max"), ([0.9, 0.9, 0.1], ["a", "b", ""]), 0.0), (error("acer"), ([0.1, 0.9], ["a", ""]), 1.0),
    (error("apcer_max"), ([0.5, 0.5], ["", ""]), NAN), (error("bpcer"), ([0.5, 0.5], ["", ""]), 1.0),
    (error("bpcer"), ([0.5], ["a"]), NAN), (error("hter"), ([0.5], ["a"]), NAN), (error("acer"), ([], []), NAN),
    (at(pad.detection_eer), FIVE, 0.5), (at(pad.detection_eer), TIED, 0.5), (at(pad.detection_eer), ONLY, NAN),
    (at(pad.bpcer_at_apcer, 0.1), FIVE, 1.0), (at(pad.bpcer_at_apcer, 0.34), FIVE, 0.5),
    (at(pad.bpcer_at_apcer, 0.1), TIED, 1.0), (at(pad.bpcer_at_apcer, 0.1), ONLY, NAN),
    # Verification.
    (at(verification.tar_at_far, 0.0), FIVE, 1 / 3), (at(verification.tar_at_far, 0.5), FIVE, 2 / 3),
    (at(verification.tar_at_far, 0.1), TIED, 0.0), (at(verification.tar_at_far, 0.1), ONLY, NAN),
    (at(verification.fnmr_at_fmr, 0.0), FIVE, 2 / 3), (at(verification.fnmr_at_fmr, 0.5), FIVE, 1 / 3),
    (at(verification.fnmr_at_fmr, 0.1), TIED, 1.0), (at(verification.fnmr_at_fmr, 0.1), ONLY, NAN),
    # The line of the other fold lies at 2.5 for both. Where 2 is one person and 3 are two, every line errs: the lowest.
    (verification.fold_accuracy, ([4, 1, 3, 2], [1, 0, 1, 0], [0, 0, 1, 1]), 1.0),
    (verification.fold_accuracy, ([4, 1, 2, 3], [1, 0, 1, 0], [0, 0, 1, 1]), (0.5 + 0) / 2),
    (verification.fold_accuracy, ([5, 5, 5, 5], [1, 0, 1, 0], [0, 0, 1, 1]), 0.5),
    (verification.fold_accuracy, ([4, 1], [1, 1], [0, 1]), 1.0),  # one class: everything passes
    (verification.fold_accuracy, ([4, 1], [1, 0], [0, 0]), NAN), (verification.fold_accuracy, ([], [], []), NAN),
    (verification.supports, (1e-3, 3000), True), (verification.supports, (1e-3, 2999), False),
    (verification.supports, (1e-2, 0), False),
    # Labels. 0: two of three found; 1: both; 2: none of one.
    (of_matrix(classification.accuracy), ([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), 4 / 6),
    (of_matrix(classification.accuracy), ([1, 1], [1, 1]), 1.0), (of_matrix(classification.accuracy), NONE, NAN),
    (of_matrix(classification.uar), ([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), (2 / 3 + 1 + 0) / 3),
    (of_matrix(classification.uar), ([1, 1], [1, 0]), 0.5), (of_matrix(classification.uar), NONE, NAN),
    (of_matrix(classification.recalls), ([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), [2 / 3, 1, 0]),
    (of_matrix(classification.recalls), ([1, 1], [1, 0]), [NAN, 0.5, NAN]),
    (of_matrix(classification.recalls), NONE, [NAN, NAN, NAN]),
    (of_matrix(classification.f1_scores), ([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), [4 / 6, 4 / 5, 0]),
    (of_matrix(classification.f1_scores), ([1, 1], [1, 0]), [0, 2 / 3, NAN]),
    (of_matrix(classification.f1_scores), NONE, [NAN, NAN, NAN]),
    (of_matrix(classification.macro_f1), ([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), (4 / 6 + 4 / 5) / 3),
    (of_matrix(classification.macro_f1), ([1, 1], [1, 0]), 1 / 3), (of_matrix(classification.macro_f1), NONE, NAN),
    (with_(classification.confusion, labels=2), ([0, 1, 1], [1, 1, 1]), [[0, 1], [0, 2]]),
    (with_(classification.confusion, labels=2), ([0], [0]), [[1, 0], [0, 0]]),
    (with_(classification.confusion, labels=2), NONE, [[0, 0], [0, 0]]),
    (with_(classification.codes, labels=("a", "b")), (["b", "a"],), [1, 0]),
    (with_(classification.codes, labels=("a", "b")), (["b", "b"],), [1, 1]),
    (with_(classification.codes, labels=("a", "b")), ([],), []),
    (classification.binary_f1, ([1, 1, 0], [1, 0, 0]), 2 / 3), (classification.binary_f1, ([1, 0], [0, 1]), 0.0),
    (classification.binary_f1, ([0, 0], [0, 1]), 0.0), (classification.binary_f1, ([0, 0], [0, 0]), NAN),
    (classification.open_set_auroc, FIVE, 0.5), (classification.open_set_auroc, TIED, 0.5),
    (classification.open_set_auroc, ONLY, NAN),
    (classification.fpr95, ([0.9, 0.8, 0.7, 0.1], [1, 1, 0, 0]), 0.0), (classification.fpr95, FIVE, 1.0),
    (classification.fpr95, TIED, 1.0), (classification.fpr95, ONLY, NAN),
    # Numbers.
    (regression.mae, ([1, 2, 3], [2, 2, 5]), 1.0), (regression.mae, ([10, 20], [5, 25]), 5.0),
    (regression.mae, ([4], [4]), 0.0), (regression.mae, NONE, NAN),
    (regression.bias, ([1, 2, 3], [2, 2, 5]), 1.0), (regression.bias, ([10, 20], [5, 25]), 0.0),
    (regression.bias, ([4], [1]), -3.0), (regression.bias, NONE, NAN),
    (with_(regression.cumulative_score, within=5), ([10, 20, 30], [15, 26, 30]), 2 / 3),  # five itself counts
    (with_(regression.cumulative_score, within=5), ([10], [16]), 0.0),
    (with_(regression.cumulative_score, within=0), ([1, 1], [1, 2]), 0.5),
    (with_(regression.cumulative_score, within=5), NONE, NAN),
    (regression.icc, ([0, 1, 2, 3], [1, 2, 3, 4]), 1.0), (regression.icc, ([0, 1], [1, 0]), -1.0),
    # Means of rows .5, 1, 1.5; between .5 in the mean, residual 1/6: (1/2 - 1/6) / (1/2 + 1/6).
    (regression.icc, ([0, 1, 2], [1, 1, 1]), 0.0), (regression.icc, ([0, 2, 4], [0, 1, 2]), 0.8),
    (regression.icc, ([2, 2, 2], [2, 2, 2]), NAN), (regression.icc, ([1], [1]), NAN),
    # Points.
    (landmarks.normalised_error, ([LINE], [moved(3, 4)]), [0.5]), (landmarks.normalised_error, ([LINE], [LINE]), [0]),
    (landmarks.normalised_error, ([LINE], [moved(0, 10, 34)]), [0.5]),
    (landmarks.normalised_error, ([[[1.0, 1.0]] * 68], [LINE]), [NAN]),
    (landmarks.failure_rate, ([0.05, 0.10, 0.15, 0.0],), 0.25), (landmarks.failure_rate, ([0.2, 0.2],), 1.0),
    (landmarks.failure_rate, ([0.1],), 0.0), (landmarks.failure_rate, ([],), NAN),
    (landmarks.error_area, ([0.05, 0.10, 0.15, 0.0],), (0.5 + 0 + 0 + 1) / 4), (landmarks.error_area, ([0.2],), 0.0),
    (landmarks.error_area, ([0.0, 0.0],), 1.0), (landmarks.error_area, ([],), NAN),
    # Calibration.
    (calibration.ece, ([0.95] * 4, [1, 1, 1, 0]), 0.2), (calibration.ece, ([1.0, 1.0, 0.0], [1, 1, 0]), 0.0),
    (with_(calibration.ece, bins=2), ([0.25, 0.75], [1, 1]), 0.5), (calibration.ece, NONE, NAN),
    (calibration.ece, ([0.0, 0.0], [1, 1]), 1.0),
    (calibration.brier, ([1, 0, 0.5], [1, 1, 0]), 1.25 / 3), (calibration.brier, ([0.3, 0.3], [1, 1]), 0.49),
    (calibration.brier, ([0.5, 0.5], [1, 0]), 0.25), (calibration.brier, NONE, NAN),
    (calibration.brier_of_many, ([[1, 0, 0], [0.5, 0.5, 0]], [0, 1]), 0.25),
    (calibration.brier_of_many, ([[1, 0, 0]], [1]), 2.0), (calibration.brier_of_many, ([[0.5, 0.5]] * 2, [0, 1]), 0.5),
    (calibration.brier_of_many, (np.zeros((0, 3)), []), NAN),
    (calibration.cllr, ([0, 0, 0], [1, 0, 0]), 1.0), (calibration.cllr, ([1, -1], [1, 0]), np.log2(1.1)),
    (calibration.cllr, ([-2, 2], [1, 0]), np.log2(101)), (calibration.cllr, ([1, 2], [1, 1]), NAN),
    (calibration.aurc, ([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1]), (0 + 0 + 1 / 3 + 0.5) / 4),
    (calibration.aurc, ([0.5] * 4, [0, 0, 1, 1]), 0.5), (calibration.aurc, ([0.1, 0.2], [0, 0]), 0.0),
    (calibration.aurc, ([0.9, 0.9, 0.5], [1, 0, 1]), (2 * 0.5 + 2 / 3) / 3), (calibration.aurc, NONE, NAN),
    (with_(calibration.risk_at_coverage, coverage=0.5), ([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1]), 0.0),
    (with_(calibration.risk_at_coverage, coverage=0.6), ([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1]), 1 / 3),
    (with_(calibration.risk_at_coverage, coverage=0.1), ([0.5] * 4, [0, 0, 1, 1]), 0.5),  # ties come together
    (with_(calibration.risk_at_coverage, coverage=0.8), ([0.5, 0.6], [1, 1]), 1.0),
    (lambda *columns: calibration.risk_coverage(*columns)[1], ([0.9, 0.8, 0.7], [0, 1, 1]), [0, 0.5, 2 / 3]),
    (lambda *columns: calibration.risk_coverage(*columns)[0], ([0.9, 0.7, 0.7], [0, 1, 1]), [1 / 3, 1]),
    (lambda *columns: calibration.risk_coverage(*columns)[1], NONE, []),
    (lambda *columns: calibration.reliability(*columns, bins=2).accuracy, ([0.2, 0.5, 0.9], [1, 0, 1]), [1, 0.5]),
    (lambda *columns: calibration.reliability(*columns, bins=2).confidence, ([0.2, 0.4], [1, 0]), [0.3, NAN]),
    (lambda *columns: calibration.reliability(*columns, bins=2).share, NONE, [NAN, NAN]),
    # Places. Tied regions share the point.
    (localisation.pointing, ([[0.9, 0.1], [0.1, 0.9]], [[1, 0], [1, 0]]), [1, 0]),
    (localisation.pointing, ([[0.5, 0.5, 0.1]], [[1, 0, 0]]), [0.5]),
    (localisation.pointing, ([[0.9, 0.1]], [[0, 0]]), [NAN]),
    (localisation.iou, ([[1, 1, 0], [0, 1, 0]], [[1, 0, 0], [1, 0, 0]]), [0.5, 0]),
    (localisation.iou, ([[1, 1]], [[1, 1]]), [1]), (localisation.iou, ([[0, 0]], [[0, 0]]), [NAN]),
    (with_(localisation.spread, box=(0, 0, 2, 2), height=2, width=2), ([[1, 2], [3, 4]],), [[1, 2], [3, 4]]),
    (with_(localisation.spread, box=(1, 0, 2, 1), height=1, width=2), ([[7]],), [[NAN, 7]]),
    (with_(localisation.spread, box=(5, 5, 6, 6), height=1, width=1), ([[7]],), [[NAN]]),
    # Quality. Without the worst: errors of the rest.
    (lambda *columns: quality.error_versus_discard(*columns).error, ([1, 2, 3, 4], [1, 1, 0, 0]), [0.5, 1 / 3, 0, 0]),
    (lambda *columns: quality.error_versus_discard(*columns).discarded, ([1, 1, 2], [1, 0, 0]), [0, 2 / 3]),
    (lambda *columns: quality.error_versus_discard(*columns).error, NONE, []),
    (with_(quality.error_after_discard, discarded=0.5), ([1, 2, 3, 4], [1, 1, 0, 0]), 0.0),
    (with_(quality.error_after_discard, discarded=0.2), ([1, 2, 3, 4], [1, 1, 0, 0]), 1 / 3),
    (with_(quality.error_after_discard, discarded=0.5), ([1, 1, 1, 1], [1, 1, 0, 0]), 0.5),  # ties stay together
    (with_(quality.error_after_discard, discarded=0.5), ([1, 2], [0, 0]), 0.0),
    (quality.discard_area, ([1, 2, 3, 4], [8, 4, 2, 2]), (2 + 2 + 8 / 3 + 4) / 4),
    (quality.discard_area, ([1, 1], [1, 0]), 0.5), (quality.discard_area, NONE, NAN),
    (quality.discard_gain, ([1, 2, 3, 4], [1, 1, 0, 0]), 1 - (0.5 + 1 / 3) / 4 / 0.5),
    (quality.discard_gain, ([1, 1, 1, 1], [1, 1, 0, 0]), 0.0), (quality.discard_gain, ([1, 2], [0, 0]), NAN),
    # Texts.
    (text.rouge_l, ("the mouth is open", "The mouth opens."), 4 / 7), (text.rouge_l, ("a b", "a, b!"), 1.0),
    (text.rouge_l, ("a b c", "c b a"), 1 / 3), (text.rouge_l, ("", "a"), 0.0),
    (text.rege, (0.5, 0.25), 0.75), (text.rege, (1.0, 1.0), 2.0), (text.rege, (NAN, 0.5), NAN),
    (text.words, ("Left-eye, 2 px!",), ["left", "eye", "2", "px"]), (text.words, ("Augenlid öffnet",),
     ["augenlid", "öffnet"]), (text.words, ("...",), []),
]  # fmt: skip
MODULES = (
    calibration, classification, landmarks, localisation, pad, proportion, quality, ranking, regression, text,
    verification,
)  # fmt: skip
NOT_A_FIGURE = {"curve", "dealt", "area_over"}
"""Functions that give a curve or a deal of folds, and the area that AURC and the discard area share."""


def _metric(function):
    inner = getattr(function, "of", function)
    if inner.__name__ == "<lambda>":
        return next(
            name
            for name in inner.__code__.co_names
            if name not in {module.__name__ for module in MODULES} and name not in ("calibration", "quality")
        )
    return inner.__name__


@pytest.mark.parametrize(("function", "columns", "expected"), CASES, ids=[_metric(case[0]) for case in CASES])
def test_by_hand(function, columns, expected):
    found = function(*columns)
    if isinstance(expected, list) and expected and isinstance(expected[0], str):
        assert found == expected
    else:
        np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), atol=1e-12, equal_nan=True)


def test_no_metric_is_left_out():
    cases = Counter(_metric(case[0]) for case in CASES)
    functions = [
        one
        for module in MODULES
        for one in vars(module).values()
        if inspect.isfunction(one) and one.__module__ == module.__name__
    ]
    public = {one.__name__ for one in functions if one.__name__[0] != "_"} - NOT_A_FIGURE
    assert {name: cases[name] for name in public if cases[name] < 3} == {}
    assert set(cases) == public


# Columns for the properties below: few distinct values, so that ties are the rule.
grades = st.integers(0, 4).map(lambda grade: grade / 4)
flag = st.booleans()
BY_SAMPLE = {
    "auc": (ranking.auc, grades, flag), "eer": (ranking.eer, grades, flag), "ap": (ranking.ap, grades, flag),
    "tpr_at_fpr": (at(ranking.tpr_at_fpr, 0.2), grades, flag),
    "bpcer_at_apcer": (at(pad.bpcer_at_apcer, 0.1), grades, flag),
    "d_eer": (at(pad.detection_eer), grades, flag), "tar_at_far": (at(verification.tar_at_far, 0.3), grades, flag),
    "fnmr_at_fmr": (at(verification.fnmr_at_fmr, 0.3), grades, flag),
    **{name: (error(name), grades, st.sampled_from(["", "a", "b"]))
       for name in ("apcer_max", "apcer_mean", "bpcer", "acer", "hter")},
    "fold_accuracy": (verification.fold_accuracy, grades, flag, st.integers(0, 2)),
    "accuracy": (of_matrix(classification.accuracy), st.integers(0, 2), st.integers(0, 2)),
    "uar": (of_matrix(classification.uar), st.integers(0, 2), st.integers(0, 2)),
    "macro_f1": (of_matrix(classification.macro_f1), st.integers(0, 2), st.integers(0, 2)),
    "binary_f1": (classification.binary_f1, flag, flag), "fpr95": (classification.fpr95, grades, flag),
    "open_set_auroc": (classification.open_set_auroc, grades, flag),
    "mae": (regression.mae, grades, grades), "bias": (regression.bias, grades, grades),
    "cs": (with_(regression.cumulative_score, within=0.25), grades, grades),
    "icc": (regression.icc, grades, grades),
    "fr": (with_(landmarks.failure_rate, beyond=0.5), grades), "area": (with_(landmarks.error_area, up_to=1), grades),
    "ece": (calibration.ece, grades, flag), "brier": (calibration.brier, grades, flag),
    "brier_of_many": (calibration.brier_of_many, st.tuples(grades, grades), st.integers(0, 1)),
    "cllr": (calibration.cllr, grades, flag), "aurc": (calibration.aurc, grades, flag),
    "risk_at_coverage": (with_(calibration.risk_at_coverage, coverage=0.5), grades, flag),
    "error_after_discard": (with_(quality.error_after_discard, discarded=0.4), grades, flag),
    "discard_gain": (quality.discard_gain, grades, flag), "discard_area": (quality.discard_area, grades, grades),
    "mean": (arrays.mean, grades), "median": (arrays.median, grades), "share": (arrays.share, flag, flag),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_SAMPLE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_order_is_all_one_and_a_weight_of_two_is_the_sample_twice(name, data):
    function, *kinds = BY_SAMPLE[name]
    rows = data.draw(st.lists(st.tuples(*kinds), min_size=1, max_size=12))
    order = data.draw(st.permutations(range(len(rows))))
    weights = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)).filter(any))

    def columns(chosen):
        return [list(column) for column in zip(*(rows[index] for index in chosen), strict=True)]

    plain = float(function(*columns(range(len(rows)))))
    assert float(function(*columns(order))) == pytest.approx(plain, abs=1e-12, nan_ok=True)
    twice = float(function(*columns(np.repeat(np.arange(len(rows)), weights))))
    both = function(*columns(range(len(rows))), weights=np.array([weights, np.ones(len(rows))]))
    assert both == pytest.approx([twice, plain], abs=1e-9, nan_ok=True)


@pytest.fixture(scope="module")
def torchmetrics():
    from faceagent.encoder.torchvision_ops import declare_missing_operators

    declare_missing_operators()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchmetrics.functional as functional
    return functional


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(11)
    positive = rng.random(300) < 0.4
    scores = (1 / (1 + np.exp(-(rng.normal(size=300) + positive)))).round(2)
    return scores, positive, rng.integers(4, size=300), rng.integers(4, size=300)


def test_agrees_with_torchmetrics(torchmetrics, drawn):
    import torch

    scores, positive, truth, guess = drawn
    p, t = torch.tensor(scores), torch.tensor(positive.astype(int))
    y, z = torch.tensor(truth), torch.tensor(guess)
    many = np.random.default_rng(3).dirichlet(np.ones(4), 300)
    matrix = classification.confusion(truth, guess, 4)
    one = torchmetrics.classification
    for ours, theirs in (
        (ranking.auc(scores, positive), one.binary_auroc(p, t)),
        (ranking.ap(scores, positive), one.binary_average_precision(p, t)),
        (calibration.ece(scores - 0.003, positive), one.binary_calibration_error(p - 0.003, t, n_bins=10)),
        (classification.uar(matrix), one.multiclass_accuracy(z, y, 4, average="macro")),
        (classification.macro_f1(matrix), one.multiclass_f1_score(z, y, 4, average="macro")),
        (classification.binary_f1(positive, scores >= 0.5), one.binary_f1_score((p >= 0.5).int(), t)),
        (localisation.iou(scores >= 0.5, positive), one.binary_jaccard_index((p >= 0.5).int(), t)),
        (regression.mae(scores, positive), torchmetrics.mean_absolute_error(p, t.double())),
        (
            calibration.brier_of_many(many, truth),
            4 * torchmetrics.mean_squared_error(torch.tensor(many), torch.nn.functional.one_hot(y, 4).double()),
        ),
    ):
        assert float(ours) == pytest.approx(float(theirs), abs=1e-5)
    for pair in (("The mouth opens, wide.", "the mouth is open wide"), ("a b c d", "d c a b"), ("one", "two")):
        found = torchmetrics.text.rouge_score(pair[1], pair[0], rouge_keys="rougeL")["rougeL_fmeasure"]
        assert text.rouge_l(*pair) == pytest.approx(float(found), abs=1e-6)


def test_agrees_with_scikit_learn(drawn):
    scores, positive, truth, guess = drawn
    fpr, fnr, thresholds = sklearn.det_curve(positive, scores)
    for rate in pad.POINTS:
        expected = fpr[fnr <= rate].min()
        assert float(pad.bpcer_at_apcer(ranking.curve(scores, positive), rate)) == pytest.approx(expected)
    crossing = np.abs(fpr - fnr).argmin()
    assert float(ranking.eer(scores, positive)) == pytest.approx((fpr + fnr)[crossing] / 2, abs=0.02)
    assert float(calibration.brier(scores, positive)) == pytest.approx(sklearn.brier_score_loss(positive, scores))
    assert float(regression.mae(truth, guess)) == pytest.approx(sklearn.mean_absolute_error(truth, guess))
    recalls = classification.recalls(classification.confusion(truth, guess, 4))
    assert recalls == pytest.approx(sklearn.recall_score(truth, guess, average=None))
    ratios = np.log10(scores / (1 - scores + 1e-9) + 1e-9)  # at even odds Cllr is the balanced log loss in bits
    weights = np.where(positive, 1 / positive.sum(), 1 / (~positive).sum())
    loss = sklearn.log_loss(positive, 1 / (1 + 10.0**-ratios), sample_weight=weights) / np.log(2)
    assert float(calibration.cllr(ratios, positive)) == pytest.approx(loss, rel=1e-6)


def test_folds_are_judged_by_lines_of_the_others():
    rng = np.random.default_rng(0)
    scores, same, fold = rng.normal(size=120).round(1), rng.random(120) < 0.5, np.arange(120) % 3
    scores = scores + same
    right = []
    for name in range(3):
        rest = fold != name
        seen = np.unique(scores[rest])
        lines = [-np.inf, *((seen[1:] + seen[:-1]) / 2), np.inf]
        best = max(lines, key=lambda line: (np.mean((scores[rest] >= line) == same[rest]), -line))
        right.append(np.mean((scores[~rest] >= best) == same[~rest]))
    assert float(verification.fold_accuracy(scores, same, fold)) == pytest.approx(np.mean(right))
    dealt = verification.dealt(scores, same, 10)
    assert Counter(dealt) == Counter(np.arange(120) % 10)
    order = rng.permutation(120)
    again = verification.fold_accuracy(scores[order], same[order], verification.dealt(scores[order], same[order]))
    assert float(again) == pytest.approx(float(verification.fold_accuracy(scores, same, dealt)))
