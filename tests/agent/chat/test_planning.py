"""What a turn may answer and which tools it needs, from its plan alone."""

import pytest

from faceagent.agent.chat.planning import allowed_questions, decide_plan, runs_nothing, tools_of_query, tools_of_turn
from faceagent.agent.runtime import build_tools
from faceagent.router import DialogueContext, Plan
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec

SPECS = [tool.spec for tool in build_tools(Settings()).values()]


def names(plan: Plan, **known: object) -> set[str]:
    return set(tools_of_query(plan, DialogueContext.model_validate({"pictures": 1, **known}), SPECS))


def test_a_question_by_name_needs_its_tools_and_no_other() -> None:
    assert names(Plan(kind="analyse", questions=("spoof",))) == {"spoof"}
    assert names(Plan(kind="analyse", questions=("expression",))) == {"expression", "action_units"}


def test_a_plan_without_questions_needs_all_that_policy_allows_unasked() -> None:
    everything = names(Plan(kind="analyse"))
    assert {"quality", "forgery", "morph", "spoof", "provenance"} <= everything
    assert not {"attributes", "identity", "opinion"} & everything
    assert "identity" in names(Plan(kind="analyse"), has_reference=True)


def test_what_policy_refuses_needs_no_tool() -> None:
    plan = Plan(kind="analyse", questions=("expression",), purpose="workplace")
    assert allowed_questions(decide_plan(plan, has_reference=False)) == [] and names(plan) == set()


def test_a_brief_answer_to_a_named_question_leaves_out_detail() -> None:
    whole, brief = (names(Plan(kind="analyse", questions=("forgery",), depth=depth)) for depth in ("normal", "brief"))
    skipped = {spec.name for spec in SPECS if spec.skip_when_brief}
    assert skipped and whole - brief == skipped
    assert names(Plan(kind="analyse", depth="brief")) == names(Plan(kind="analyse"))


@pytest.mark.parametrize("kind", ["why", "what_would_change", "evidence"])
def test_a_follow_up_runs_tools_only_while_nothing_is_decided(kind: str) -> None:
    plan = Plan.model_validate({"kind": kind, "questions": ("spoof",)})
    specs: list[ToolSpec] = SPECS
    assert set(tools_of_turn(plan, ["spoof"], specs, has_vlm=False, decided=False)) == {"spoof"}
    assert tools_of_turn(plan, ["spoof"], specs, has_vlm=False, decided=True) == {}


@pytest.mark.parametrize(
    "plan",
    [
        Plan(kind="help"),
        Plan(kind="new_picture"),
        Plan(kind="list_faces"),
        Plan(kind="analyse", questions=("spoof",), clarification="which one?"),
    ],
)
def test_turns_that_are_answered_without_measuring(plan: Plan) -> None:
    assert names(plan) == set()
    assert runs_nothing(plan) is (plan.kind != "list_faces")
