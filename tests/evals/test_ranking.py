import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from evals.metrics import pad, ranking, verification
from evals.metrics.arrays import mean, median, ratio, share


@pytest.mark.parametrize(
    ("scores", "positive", "auc", "eer", "ap"),
    [
        ([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0], 1.0, 0.0, 1.0),
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0.0, 1.0, 1 / 6 + 1 / 4),  # precision 1/3, then 2/4, recall .5 each
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], 0.75, 0.5, (1 + 2 / 3) / 2),
        ([0.5, 0.5, 0.5, 0.5], [1, 1, 0, 0], 0.5, 0.5, 0.5),  # all tied: chance
        ([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0], 0.875, 0.25, 0.5 + 0.5 * 2 / 3),  # one tie across the classes
    ],
)
def test_hand_computed(scores, positive, auc, eer, ap):
    assert float(ranking.auc(scores, positive)) == pytest.approx(auc)
    assert float(ranking.eer(scores, positive)) == pytest.approx(eer)
    assert float(ranking.ap(scores, positive)) == pytest.approx(ap)


@pytest.mark.parametrize("positive", [[1, 1, 1], [0, 0, 0]])
def test_one_class_has_no_ranking(positive):
    assert np.isnan(ranking.auc([0.1, 0.2, 0.3], positive))
    assert np.isnan(ranking.eer([0.1, 0.2, 0.3], positive))


def test_average_precision_of_one_class():
    assert np.isnan(ranking.ap([0.1, 0.2], [0, 0]))
    assert float(ranking.ap([0.1, 0.2], [1, 1])) == 1.0


def test_no_samples_are_nan_and_bad_scores_are_refused():
    assert np.isnan(ranking.auc([], []))
    with pytest.raises(ValueError, match="NaN"):
        ranking.auc([np.nan, 1.0], [0, 1])
    with pytest.raises(ValueError, match="equally long"):
        ranking.auc([1.0], [0, 1])


samples = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: 0 < sum(flag for _, flag in rows) < len(rows)
)


@given(samples)
def test_agrees_with_scikit_learn(rows):
    scores, positive = np.array([score for score, _ in rows], float), np.array([flag for _, flag in rows])
    assert float(ranking.auc(scores, positive)) == pytest.approx(reference.roc_auc_score(positive, scores))
    assert float(ranking.ap(scores, positive)) == pytest.approx(reference.average_precision_score(positive, scores))
    fpr, tpr, _ = reference.roc_curve(positive, scores, drop_intermediate=False)
    found = ranking.curve(scores, positive)
    assert np.allclose(found.fpr, fpr) and np.allclose(found.tpr, tpr)


@given(samples, st.randoms())
def test_order_of_samples_changes_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    for metric in (ranking.auc, ranking.eer, ranking.ap):
        one, other = (metric(*map(list, zip(*table, strict=True))) for table in (rows, shuffled))
        assert float(one) == pytest.approx(float(other), abs=1e-12)


@given(samples, st.integers(0, 100))
def test_a_weight_of_two_is_the_sample_twice(rows, seed):
    weights = np.random.default_rng(seed).integers(0, 3, len(rows))
    scores, positive = (np.array(column) for column in zip(*rows, strict=True))
    twice = np.repeat(np.arange(len(rows)), weights)
    for metric in (ranking.auc, ranking.eer, ranking.ap):
        weighted, repeated = float(metric(scores, positive, weights)), float(metric(scores[twice], positive[twice]))
        assert weighted == pytest.approx(repeated, nan_ok=True)


def test_operating_points():
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    found = ranking.curve(scores, [1, 1, 0, 1, 0, 0, 1, 0])
    assert float(ranking.tpr_at_fpr(found, 0.0)) == 0.5
    assert float(ranking.tpr_at_fpr(found, 0.25)) == 0.75
    assert float(ranking.tpr_at_fpr(found, 1.0)) == 1.0
    assert float(ranking.fpr_at_fnr(found, 0.25)) == 0.25
    assert float(ranking.fpr_at_fnr(found, 0.0)) == 0.75
    assert ranking.threshold_of_best_accuracy(scores, [1, 1, 0, 1, 0, 0, 1, 0]) in (0.8, 0.6)


def test_pad_names_the_worst_attack_type():
    scores = [0.9, 0.4, 0.8, 0.7, 0.1, 0.2, 0.6, 0.3]
    attack = [1, 1, 1, 1, 0, 0, 0, 0]
    types = ["print", "print", "replay", "replay", "", "", "", ""]
    found = pad.errors_at(0.5, scores, attack, types)
    assert {name: float(rate) for name, rate in found.apcer.items()} == {"print": 0.5, "replay": 0.0}
    assert (float(found.apcer_max), float(found.apcer_mean)) == (0.5, 0.25)
    assert float(found.bpcer) == 0.25
    assert float(found.acer) == 0.375  # (worst .5 + .25) / 2
    assert float(found.hter) == 0.25  # (all attacks .25 + .25) / 2


def test_pad_threshold_is_inclusive_and_one_class_is_nan():
    assert float(pad.errors_at(0.5, [0.5, 0.5], [1, 0], ["a", ""]).apcer_max) == 0.0
    only_live = pad.errors_at(0.5, [0.6, 0.1], [0, 0], ["", ""])
    assert float(only_live.bpcer) == 0.5 and np.isnan(only_live.apcer_max) and np.isnan(only_live.acer)
    assert np.isnan(pad.errors_at(0.5, [0.6], [1], ["a"]).bpcer)


def test_bpcer_at_apcer():
    points = ranking.curve([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1, 1, 0, 1, 0, 0])
    assert float(pad.bpcer_at_apcer(points, 0.10)) == pytest.approx(1 / 3)
    assert float(pad.bpcer_at_apcer(points, 0.34)) == 0.0
    assert float(pad.detection_eer(points)) == pytest.approx(1 / 3)
    tied = ranking.curve([0.5] * 4, [1, 1, 0, 0])
    assert float(pad.bpcer_at_apcer(tied, 0.10)) == 1.0


def test_verification_rates():
    points = ranking.curve([0.9, 0.8, 0.3, 0.7, 0.2, 0.1, 0.05], [1, 1, 1, 0, 0, 0, 0])
    assert float(verification.tar_at_far(points, 0.0)) == pytest.approx(2 / 3)
    assert float(verification.tar_at_far(points, 0.25)) == 1.0
    assert float(verification.fnmr_at_fmr(points, 0.1)) == pytest.approx(1 / 3)
    assert verification.supports(1e-3, 3000) and not verification.supports(1e-3, 2999)


def test_pairs_are_weighed_by_who_meets():
    pairs = verification.Pairs(np.array([0, 0, 1]), np.array([0, 1, 2]))
    assert pairs.weights([[2, 3, 0], [1, 1, 1]]).tolist() == [[2, 6, 0], [1, 1, 1]]


def test_means_shares_and_medians():
    assert float(ratio(1, 0)) != float(ratio(1, 0))
    assert float(mean([1, 2, 6])) == 3.0
    assert mean([1, 2, 6], [[1, 0, 1], [0, 0, 0]])[0] == 3.5
    assert np.isnan(mean([1, 2, 6], [0, 0, 0]))
    assert float(share([1, 0, 1], [1, 1, 0])) == 0.5 and np.isnan(share([1], [0]))
    assert [float(median(row)) for row in ([3, 1, 2], [4, 1, 2, 3], [5])] == [2.0, 2.5, 5.0]
    assert float(median([1, 2, 3], [0, 1, 3])) == 3.0 and np.isnan(median([]))
    with pytest.raises(ValueError, match="weights are for 2"):
        mean([1, 2, 3], [1, 1])
