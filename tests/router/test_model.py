"""What a model may add to the rules."""

import json

import pytest

from faceagent.errors import ModelUnavailable
from faceagent.router import DialogueContext, route
from faceagent.vlm.scripted import Scripted

ODD = "Does the countenance betray an inner storm?"


def reads(*questions: str) -> Scripted:
    return Scripted(lambda ask: json.dumps({"questions": list(questions)}))


def test_the_rules_alone_ask_back() -> None:
    assert route(ODD).kind == "unclear"


def test_a_model_reads_what_the_rules_leave_open() -> None:
    backend = reads("expression")
    plan = route(ODD, backend=backend)
    assert (plan.kind, plan.questions, plan.clarification) == ("analyse", ("expression",), None)
    assert ODD in backend.asked[0].turns[0].text
    assert backend.asked[0].format is not None


def test_what_a_model_reads_is_subject_to_policy() -> None:
    plan = route(ODD, DialogueContext(purpose="workplace"), reads("expression", "quality"))
    assert plan.questions == ("quality",)
    assert [one.topic for one in plan.refused] == ["expression"]


@pytest.mark.parametrize("answer", ['{"questions": []}', '{"questions": ["race"]}', "not json", '{"questions": "all"}'])
def test_a_model_that_names_nothing_registered_leaves_the_question_back(answer: str) -> None:
    plan = route(ODD, backend=Scripted([answer]))
    assert plan == route(ODD)


def test_a_model_that_is_not_there_leaves_the_question_back() -> None:
    assert route(ODD, backend=Scripted([ModelUnavailable("no model here")])) == route(ODD)


@pytest.mark.parametrize(
    "text", ["", "Is it real?", "What race is she?", "Write a poem", "a" * 10_000, "the age but not the age", "hello"]
)
def test_a_model_is_not_asked_where_the_rules_know(text: str) -> None:
    backend = reads("forgery")
    assert route(text, backend=backend) == route(text)
    assert backend.asked == []
