"""The shipped policy of action, row by row."""

import pytest

from faceagent.judge.action import action_of
from faceagent.types import OperatingPoint, Question, Verdict

POINT = OperatingPoint(name="BPCER 1 %", threshold=1.0, scale="logit", measured_on="a set")


def verdict(question: Question, label: str, **changes: object) -> Verdict:
    values: dict[str, object] = {
        "id": f"V:F1:{question}",
        "question": question,
        "subject": "F1",
        "label": label,
        "wording": "Recorded.",
        "status": "stable",
        "operating_point": POINT,
    }
    return Verdict.model_validate(values | changes)


@pytest.mark.parametrize(
    ("given", "action"),
    [
        (verdict("forgery", "forged"), "act"),
        (verdict("forgery", "forged", status="leans"), "review"),
        (verdict("forgery", "bona_fide", status="leans"), "allow"),
        (verdict("forgery", "inconclusive", reason="weak_evidence"), "allow"),
        (verdict("forgery", "inconclusive", reason="contradictory"), "review"),
        (verdict("spoof", "inconclusive", reason="open_set"), "review"),
        (verdict("morph", "inconclusive", reason="face_unusable"), "review"),
        (verdict("identity", "genuine"), "allow"),
        (verdict("identity", "other_person"), "act"),
        (verdict("identity", "inconclusive", reason="weak_evidence", leaning="genuine"), "review"),
        (verdict("identity", "inconclusive", reason="no_reference"), None),
        (verdict("provenance", "declares_synthetic", operating_point=None), "review"),
        (verdict("provenance", "inconclusive", reason="absent", operating_point=None), None),
        (verdict("expression", "anger"), None),
        (verdict("age", "20-30 years"), None),
    ],
)
def test_the_action_follows_the_stated_rules(given: Verdict, action: str | None) -> None:
    assert action_of(given) == action
