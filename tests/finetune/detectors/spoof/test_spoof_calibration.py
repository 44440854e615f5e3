"""The spoof detector's networks count for less without room around the face, without a step, and beside the branch."""

import numpy as np
import pytest

from faceagent.judge.calibrate import Platt
from faceagent.tools.spoof import TowerLine
from finetune.detectors.spoof.calibrate import (
    FULL_ROOM,
    NO_ROOM,
    fit_room,
    fit_tower,
    joined_record,
    networks_record,
    networks_score,
)
from finetune.detectors.spoof.data import TAPS, Takes

SETS = ("one", "two")


@pytest.fixture(scope="module")
def made() -> Takes:
    """Outputs that separate the classes the better the more room there is; features that know nothing."""
    rng = np.random.default_rng(0)
    rows = []
    for source in range(400):
        for kind in ("live", "print", "replay"):
            room = float(rng.uniform(0.9, 2.0))
            apart = float(np.interp(room, (NO_ROOM, FULL_ROOM), (0.5, 3.0)))
            rows.append(
                (kind, f"{source}", SETS[source % 2], rng.normal(-apart if kind == "live" else apart, 2.5), room)
            )
    kind, source, origin, networks, room_ = zip(*rows, strict=True)
    features = np.zeros((len(rows), 3 * len(TAPS)), np.float32)
    return Takes(np.array(kind), np.array(source), np.array(origin), np.array(networks), np.array(room_), features)


@pytest.fixture(scope="module")
def branch(made: Takes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A branch that tells the classes apart better than the networks do."""
    return np.where(made.attack, 1.0, -1.0) + np.random.default_rng(1).normal(0, 0.7, len(made.kind))


def test_an_output_counts_for_less_without_room(made: Takes) -> None:
    scale = fit_room(made)
    assert scale.within[0] > 2 * scale.without[0] > 0
    # Normal classes at ±d with standard deviation s: the log likelihood ratio has the slope 2d / s².
    assert scale.within[0] == pytest.approx(2 * 3.0 / 2.5**2, rel=0.2)


def test_the_room_moves_the_score_without_a_step(made: Takes) -> None:
    scale = fit_room(made)
    rooms = np.linspace(NO_ROOM - 0.2, FULL_ROOM + 0.2, 141)
    for logit in (-8.0, 0.0, 8.0):
        scores = np.array([scale.weigh(logit, float(room)) for room in rooms])
        assert np.abs(np.diff(scores)).max() <= 0.06 * (1 + np.ptp(scores))
        assert scores[0] == scale.weigh(logit, NO_ROOM) and scores[-1] == scale.weigh(logit, FULL_ROOM)


def test_the_record_is_one_that_the_judge_reads(made: Takes) -> None:
    scale = fit_room(made)
    fitted, score = Platt.model_validate(networks_record(made, scale)), networks_score(made, scale)
    # The score is a log likelihood ratio already.
    assert fitted.slope == pytest.approx(1.0, abs=0.1) and fitted.intercept == pytest.approx(0.0, abs=0.1)
    lines = [point.threshold for point in fitted.operating_points]
    assert lines == sorted(lines)
    for point, rate in zip(fitted.operating_points, (0.05, 0.02, 0.01), strict=True):
        for name in SETS:
            live = score[~made.attack & (made.origin == name)]
            assert np.mean(live >= point.threshold) <= rate + 0.005


def test_together_they_lose_less(made: Takes, branch: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    scale = fit_room(made)
    line = fit_tower(made, branch, scale)
    assert 0 < line.share < 1 and line.slope > 0
    alone, joined = networks_record(made, scale), joined_record(made, branch, scale, line)
    assert joined["cllr"] < alone["cllr"]
    assert joined["tower"] == line._asdict()
    Platt.model_validate(joined)


def test_a_share_of_nothing_is_the_networks_alone() -> None:
    networks, branch = np.array([-1.0, 2.0]), np.array([5.0, -5.0])
    np.testing.assert_allclose(TowerLine(2.0, 1.0, 0.0).joined(networks, branch), networks)
    np.testing.assert_allclose(TowerLine(2.0, 1.0, 1.0).joined(networks, branch), [11.0, -9.0])
