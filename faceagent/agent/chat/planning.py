"""What a turn may answer and which tools it needs, from its plan alone. Plain functions, evaluated as they are."""

from collections.abc import Iterable

from faceagent import policy
from faceagent.agent.pipeline import required_tools
from faceagent.router import DialogueContext, Plan
from faceagent.router.plan import FOLLOW_UPS as ABOUT_VERDICTS
from faceagent.router.plan import NOTHING_RUNS
from faceagent.tools.base import ToolSpec
from faceagent.types import QUESTIONS, PolicyDecision, Question, Request

FOLLOW_UPS = (ABOUT_VERDICTS | {"list_faces"}) - {"compare", "rerun"}
"""Kinds of turn that are answered from the record, once there is one; faces are listed without any measurement."""


def decide_plan(plan: Plan, *, has_reference: bool) -> list[PolicyDecision]:
    """Policy's decisions on every question of a plan, or on everything answered by default when it names none."""
    topics = {one.topic for one in plan.refused}
    questions = [*plan.questions, *(question for question in QUESTIONS if question in topics)]
    decisions = [policy.decide(question, plan.purpose, plan.jurisdiction) for question in dict.fromkeys(questions)]
    if not plan.questions and plan.kind not in NOTHING_RUNS:
        whole = Request(purpose=plan.purpose, jurisdiction=plan.jurisdiction)
        decisions += policy.review(whole, has_reference=has_reference)
    return decisions


def allowed_questions(decisions: Iterable[PolicyDecision]) -> list[Question]:
    """The questions that were not refused, without repeats."""
    return list(dict.fromkeys(one.question for one in decisions if one.decision != "refuse"))


def runs_nothing(plan: Plan) -> bool:
    """Whether the plan is answered without any picture: by a question back, a refusal, help."""
    return bool(plan.clarification) or plan.kind in NOTHING_RUNS or plan.kind == "new_picture"


def tools_of_turn(
    plan: Plan, allowed: Iterable[Question], specs: Iterable[ToolSpec], *, has_vlm: bool, decided: bool
) -> dict[str, tuple[Question, ...]]:
    """The tools that a turn needs, each with what it is to answer; those that have answered before included.

    Args:
        plan: what was asked.
        allowed: the questions that policy allows, see ``decide_plan``.
        specs: the tools there are.
        has_vlm: whether a vision-language model's own reading was asked for and is there.
        decided: whether there are verdicts about what the turn refers to, from which a follow-up is answered.
    """
    if runs_nothing(plan) or plan.kind == "list_faces" or (plan.kind in FOLLOW_UPS and decided):
        return {}
    brief = plan.depth == "brief" and bool(plan.questions)
    return required_tools(allowed, specs, has_vlm=has_vlm, brief=brief)


def tools_of_query(plan: Plan, known: DialogueContext, specs: Iterable[ToolSpec]) -> dict[str, tuple[Question, ...]]:
    """The tools that a conversation calls first for a plan, knowing no more than ``known`` and without a model."""
    allowed = allowed_questions(decide_plan(plan, has_reference=known.has_reference))
    return tools_of_turn(plan, allowed, specs, has_vlm=False, decided=bool(known.questions))
