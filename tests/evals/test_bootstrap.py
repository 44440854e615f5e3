import time

import numpy as np
import pytest

from evals.metrics import arrays, bootstrap, ranking


def _auc(scores, positive):
    ranked = ranking.Ranking(scores, positive)

    def measure(weights):
        points = ranked.curve(weights)
        return {
            "auc": ranking.area(points),
            "eer": ranking.equal_error(points),
            "ap": ranking.average_precision(points),
        }

    return measure


def test_interval_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(3).normal(size=400)
    names = [f"{number:04}" for number in range(400)]
    found = bootstrap.estimate(lambda weights: {"mean": arrays.mean(values, weights)}, names)["mean"]
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_clusters_widen_the_interval():
    values = np.repeat(np.random.default_rng(4).normal(size=20), 20)
    measure = lambda weights: {"mean": arrays.mean(values, weights)}  # noqa: E731
    alone = bootstrap.estimate(measure, [f"{number:04}" for number in range(400)])["mean"]
    people = bootstrap.estimate(measure, [f"{number // 20:02}" for number in range(400)])["mean"]
    assert people.high - people.low > 3 * (alone.high - alone.low)


def test_permuting_samples_changes_nothing():
    rng = np.random.default_rng(5)
    scores, positive = rng.normal(size=80).round(1), rng.random(80) < 0.5
    names = np.array([f"p{number % 17:02}" for number in range(80)])
    order = rng.permutation(80)
    one = bootstrap.estimate(_auc(scores, positive), names, rounds=200)
    other = bootstrap.estimate(_auc(scores[order], positive[order]), names[order], rounds=200)
    for name in one:
        assert other[name] == pytest.approx(one[name], abs=1e-12)


def test_what_is_undefined_stays_undefined():
    assert bootstrap.estimate(_auc([0.1, 0.2], [1, 1]), ["a", "b"])["auc"] == (None, None, None)
    alone = bootstrap.estimate(_auc([0.1, 0.2], [0, 1]), ["a", "a"])["auc"]
    assert alone == (1.0, None, None)  # one cluster: nothing to draw from
    assert bootstrap.estimate(_auc([], []), [])["auc"] == (None, None, None)


def test_same_seed_same_interval_and_every_round_draws_as_many_clusters():
    draws = bootstrap.draw(np.random.default_rng(0), 7, 50)
    assert draws.shape == (50, 7) and (draws.sum(axis=1) == 7).all()
    scores = np.random.default_rng(8).random(40)
    measure = _auc(scores, np.arange(40) % 2)
    names = [f"{number:02}" for number in range(40)]
    assert bootstrap.estimate(measure, names, seed=1) == bootstrap.estimate(measure, names, seed=1)
    assert bootstrap.estimate(measure, names, seed=1) != bootstrap.estimate(measure, names, seed=2)


def test_paired_difference_sees_what_unpaired_intervals_hide():
    rng = np.random.default_rng(6)
    hard = rng.normal(size=200)
    names = [f"{number:03}" for number in range(200)]
    first = lambda weights: {"mae": arrays.mean(np.abs(hard), weights)}  # noqa: E731
    second = lambda weights: {"mae": arrays.mean(np.abs(hard) + 0.02, weights)}  # noqa: E731
    gap = bootstrap.difference(first, second, names)["mae"]
    assert gap.value == pytest.approx(0.02) and gap.low > 0 and gap.p < 0.01
    same = bootstrap.difference(first, first, names)["mae"]
    assert same.value == 0.0 and same.p == 1.0


def test_ten_thousand_samples_and_a_thousand_rounds():
    rng = np.random.default_rng(7)
    positive = rng.random(10_000) < 0.5
    scores = rng.normal(size=10_000) + positive
    names = [f"{number:05}" for number in range(10_000)]
    started = time.process_time()
    found = bootstrap.estimate(_auc(scores, positive), names)
    assert time.process_time() - started < 10
    assert found["auc"].low < found["auc"].value < found["auc"].high
