import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from evals.metrics import pad, ranking, verification
from evals.metrics.arrays import mean, median, ratio, share


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


def test_two_rows_of_scores_give_the_same_auc():
    positive, negative = [3.0, 1.0, 2.0], [1.0, 0.0]
    assert ranking.two_sample_auc(positive, negative) == float(ranking.auc([*positive, *negative], [1, 1, 1, 0, 0]))
    assert np.isnan(ranking.two_sample_auc([], negative))
