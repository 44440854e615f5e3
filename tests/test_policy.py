import pytest

from faceagent import policy
from faceagent.errors import InputError, PolicyRefusal
from faceagent.types import QUESTIONS, Request


def test_every_question_has_a_decision_for_every_purpose_and_jurisdiction() -> None:
    for question in QUESTIONS:
        for purpose in policy.PURPOSES:
            for jurisdiction in policy.JURISDICTIONS:
                decision = policy.decide(question, purpose, jurisdiction)
                assert decision.rule
                assert (decision.notice is None) == (decision.decision == "allow")


@pytest.mark.parametrize("purpose", ["workplace", "education"])
@pytest.mark.parametrize("jurisdiction", ["strictest", "eu"])
def test_emotion_at_work_or_school_is_refused(purpose: str, jurisdiction: str) -> None:
    assert policy.decide("expression", purpose, jurisdiction).decision == "refuse"
    assert policy.decide("action_units", purpose, jurisdiction).decision == "refuse"


def test_the_default_jurisdiction_is_the_strictest() -> None:
    order = {"allow": 0, "allow_with_notice": 1, "refuse": 2}
    for question in QUESTIONS:
        for purpose in policy.PURPOSES:
            default = order[policy.decide(question, purpose, Request().jurisdiction).decision]
            assert all(default >= order[policy.decide(question, purpose, one).decision] for one in policy.JURISDICTIONS)


def test_attributes_are_answered_only_when_asked_for() -> None:
    unasked = {decision.question for decision in policy.review(Request(), has_reference=True)}
    assert unasked == set(QUESTIONS) - {"age", "gender"}
    asked = policy.review(Request(questions=policy.expand(["attributes"])), has_reference=False)
    assert [decision.decision for decision in asked] == ["allow_with_notice"] * 2


def test_identity_is_a_default_question_only_with_a_reference() -> None:
    assert "identity" not in {one.question for one in policy.review(Request(), has_reference=False)}
    assert "identity" in {one.question for one in policy.review(Request(), has_reference=True)}


def test_a_request_that_is_refused_whole_raises_and_names_the_rule() -> None:
    request = Request(questions=("expression",), purpose="workplace")
    with pytest.raises(PolicyRefusal) as refusal:
        policy.review(request, has_reference=False)
    assert "Art. 5(1)(f)" in refusal.value.rule
    assert "Art. 5(1)(f)" in str(refusal.value)


def test_a_request_that_is_refused_in_part_goes_on() -> None:
    request = Request(questions=("expression", "quality"), purpose="workplace")
    decisions = {one.question: one.decision for one in policy.review(request, has_reference=False)}
    assert decisions == {"expression": "refuse", "quality": "allow"}


@pytest.mark.parametrize("name", ["race", "ethnicity", "attractiveness", "orientation", "health", "", "Expression"])
def test_what_has_no_question_cannot_be_asked(name: str) -> None:
    with pytest.raises(InputError, match="no question called"):
        policy.expand([name])


def test_groups_expand_without_repeats() -> None:
    assert policy.expand(["age", "attributes", "gender"]) == ("age", "gender")


def test_unknown_purpose_is_an_error_with_the_choices() -> None:
    with pytest.raises(InputError, match="forensics"):
        policy.decide("quality", "fun", "eu")
    with pytest.raises(InputError, match="strictest"):
        policy.decide("quality", "research", "atlantis")
