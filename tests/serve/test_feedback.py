"""Feedback and the calibration report that it feeds."""

import pytest
from fake_service import Server, picture_bytes

from faceagent.serve.calibration_report import calibration_report
from faceagent.types.service import Feedback, FeedbackLabel, MeasuredVerdict

PNG = picture_bytes()


def given(label: FeedbackLabel, positive: float, case: str) -> Feedback:
    verdict = MeasuredVerdict(question="forgery", label="forged" if positive > 0.9 else "bona_fide", positive=positive)
    return Feedback(id=case, case_id=case, label=label, verdicts=(verdict,), created=1.0)


def test_probabilities_are_compared_with_what_was_said() -> None:
    found = calibration_report(
        [
            given("REAL", 0.1, "a"),
            given("REAL", 0.95, "b"),
            given("MANIPULATED", 0.95, "c"),
            given("SYNTHETIC", 0.3, "d"),
            given("UNKNOWN", 0.5, "e"),
        ]
    )
    assert found.counts == {"REAL": 2, "MANIPULATED": 1, "SYNTHETIC": 1, "UNKNOWN": 1}
    assert found.brier == pytest.approx((0.01 + 0.9025 + 0.0025 + 0.49) / 4)
    assert [(one.n, one.share_not_real) for one in found.bins] == [(1, 0), (1, 1), (0, None), (0, None), (2, 0.5)]
    forgery = next(one for one in found.questions if one.question == "forgery")
    assert (forgery.n, forgery.accused) == (2, 1)


def test_of_identity_a_high_probability_accuses_nobody() -> None:
    same = MeasuredVerdict(question="identity", label="same_person", positive=0.99)
    one = Feedback(id="a", case_id="a", label="REAL", verdicts=(same,), created=1.0)
    assert calibration_report([one]).brier is None


def test_feedback_is_given_on_a_case_and_read_by_a_reviewer(server: Server) -> None:
    case_id = server.analyse(PNG).json()["case_id"]
    for label in ("MANIPULATED", "REAL"):
        assert server.post("/v1/feedback", json={"case_id": case_id, "label": label}).status_code == 201
    assert server.get("/v1/feedback/calibration").status_code == 403
    found = server.get("/v1/feedback/calibration", "review").json()
    assert found["counts"] == {"REAL": 1}, "the last statement about a case counts"
    assert server.post("/v1/feedback", json={"case_id": "case_x", "label": "REAL"}).status_code == 404
    assert server.post("/v1/feedback", json={"case_id": case_id, "label": "FAKE"}).status_code == 422
