"""Where a turn goes next."""

from typing import Any

import pytest
from langgraph.types import Send

from faceagent.agent.chat.state import TurnState
from faceagent.agent.chat.steps import branches
from faceagent.router import Plan


def turn(**values: Any) -> TurnState:
    plan = Plan(kind="analyse", questions=("spoof",)).model_dump(mode="json")
    return TurnState(**{"plan": plan, "items": ["1"], "unread": False, "calls": [], "signing": False, **values})


def test_pictures_are_read_before_faces_are_resolved() -> None:
    assert branches.after_understanding(turn(unread=True)) == "load_images"
    assert branches.after_understanding(turn()) == "resolve_faces"


@pytest.mark.parametrize("values", [{"items": []}, {"plan": Plan(kind="help").model_dump(mode="json")}])
def test_a_turn_without_pictures_or_with_nothing_to_run_is_answered(values: dict[str, Any]) -> None:
    assert branches.after_understanding(turn(**values)) == "reply"


@pytest.mark.parametrize(
    ("stage", "to"),
    [
        ("again", "understand"),
        ("lost", "reply"),
        ("resolving", "resolve_faces"),
        ("measuring", "weigh"),
        ("follow_up", "weigh"),
    ],
)
def test_without_calls_the_stage_decides(stage: str, to: str) -> None:
    assert branches.send_calls(turn(stage=stage)) == to


def test_every_call_gets_a_branch_that_knows_the_language() -> None:
    sends = branches.send_calls(turn(stage="measuring", calls=[{"tool": "spoof"}, {"tool": "morph"}]))
    assert isinstance(sends, list) and all(isinstance(one, Send) for one in sends)
    assert [(one.arg["tool"], one.arg["language"]) for one in sends] == [("spoof", "en"), ("morph", "en")]


def test_after_weighing_and_explaining() -> None:
    assert branches.after_weighing(turn(stage="measuring")) == "explain"
    assert isinstance(branches.after_weighing(turn(stage="follow_up", calls=[{"tool": "spoof"}])), list)
    assert branches.after_explaining(turn()) == "reply"
    assert branches.after_explaining(turn(signing=True)) == "sign_off"
