"""Which further measurements open verdicts ask for."""

import pytest

from faceagent.agent.chat.follow_up import calls_for, offers_for, open_verdict
from faceagent.agent.runtime import build_tools
from faceagent.settings import Settings
from faceagent.types import Question, Reason, Stability, Verdict

SPECS = [tool.spec for tool in build_tools(Settings()).values()]


def verdict(
    question: Question, subject: str = "F1", status: Stability = "uncertain", reason: Reason | None = None
) -> Verdict:
    return Verdict(
        id=f"V:{subject}:{question}",
        question=question,
        subject=subject,
        label="inconclusive",
        wording="open",
        status=status,
        reason=reason,
    )


def test_the_most_informative_follow_up_comes_first() -> None:
    offers = [(one.tool, one.follow_up.crop) for one in offers_for(verdict("forgery"), SPECS)]
    assert offers == [("frequency", ""), ("morph_differential", "")]
    assert offers_for(verdict("age"), SPECS) == []


def test_no_two_follow_ups_to_one_verdict_share_a_priority() -> None:
    for question in ("forgery", "morph", "spoof"):
        places = [one.follow_up.priority for one in offers_for(verdict(question), SPECS)]
        assert places == list(range(len(places)))


@pytest.mark.parametrize("reason", ["face_unusable", "no_face", "no_reference", "uncalibrated"])
def test_a_verdict_that_more_evidence_cannot_help_is_not_open(reason: Reason) -> None:
    assert not open_verdict(verdict("spoof", reason=reason))
    assert not open_verdict(verdict("spoof", status="stable"))
    assert open_verdict(verdict("spoof", reason="weak_evidence"))


def test_one_call_per_tool_and_crop_with_every_face_it_is_for() -> None:
    decided = {"1": [verdict("spoof"), verdict("spoof", "F2")], "2": [verdict("spoof", status="stable")]}
    calls = calls_for(decided, SPECS, lambda item, one, offer: offer.follow_up.crop == "wider")
    assert [(call["tool"], call["crop"], call["items"], call["faces"]) for call in calls] == [
        ("spoof", "closer", ["1"], {"1": ["F1", "F2"]}),
    ]
    assert calls[0]["why"] == "spoof:uncertain"
