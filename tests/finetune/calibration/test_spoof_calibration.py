"""The spoof detector's output counts for less without room around the face, and changes without a step."""

import numpy as np
import pytest

from faceagent.judge.calibrate import Platt
from finetune.calibration.spoof import FULL_ROOM, NO_ROOM, Take, fit_room, room_record


@pytest.fixture(scope="module")
def made() -> list[Take]:
    """Outputs that separate the classes the better the more room there is."""
    rng = np.random.default_rng(0)
    found = []
    for source in range(400):
        for kind in ("live", "print", "replay"):
            room = float(rng.uniform(0.9, 2.0))
            apart = float(np.interp(room, (NO_ROOM, FULL_ROOM), (0.5, 3.0)))
            found.append(Take(kind, float(rng.normal(-apart if kind == "live" else apart, 2.5)), room, source))
    return found


def test_an_output_counts_for_less_without_room(made: list[Take]) -> None:
    scale = fit_room(made)
    assert scale.within[0] > 2 * scale.without[0] > 0
    # Normal classes at ±d with standard deviation s: the log likelihood ratio has the slope 2d / s².
    assert scale.within[0] == pytest.approx(2 * 3.0 / 2.5**2, rel=0.2)


def test_the_room_moves_the_score_without_a_step(made: list[Take]) -> None:
    scale = fit_room(made)
    rooms = np.linspace(NO_ROOM - 0.2, FULL_ROOM + 0.2, 141)
    for logit in (-8.0, 0.0, 8.0):
        scores = np.array([scale.weigh(logit, float(room)) for room in rooms])
        assert np.abs(np.diff(scores)).max() <= 0.06 * (1 + np.ptp(scores))
        assert scores[0] == scale.weigh(logit, NO_ROOM) and scores[-1] == scale.weigh(logit, FULL_ROOM)


def test_the_record_is_one_that_the_judge_reads(made: list[Take]) -> None:
    record = room_record(made)
    fitted = Platt.model_validate(record)
    # The score is a log likelihood ratio already.
    assert fitted.slope == pytest.approx(1.0, abs=0.1) and fitted.intercept == pytest.approx(0.0, abs=0.1)
    lines = [point.threshold for point in fitted.operating_points]
    assert lines == sorted(lines)
    scale, live = fit_room(made), [one for one in made if one.kind == "live"]
    for point, rate in zip(fitted.operating_points, (0.05, 0.02, 0.01), strict=True):
        for roomy in (True, False):
            some = [scale.weigh(one.logit, one.room) for one in live if (one.room >= FULL_ROOM) == roomy]
            assert np.mean(np.array(some) >= point.threshold) <= rate + 0.005
