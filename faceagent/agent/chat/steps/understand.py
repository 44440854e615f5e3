"""The text becomes a plan, policy decides on every question of it, and every decision is recorded."""

from langgraph.runtime import Runtime

from faceagent.agent.chat import commands, planning, queries
from faceagent.agent.chat.events import Planned
from faceagent.agent.chat.state import MOST_TEXT, TurnContext, TurnState
from faceagent.agent.chat.steps.load_images import comparing
from faceagent.router import DialogueContext, Plan
from faceagent.storage.keys import topic_key
from faceagent.types import QUESTIONS, PolicyDecision


def understand(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """The text becomes a plan; policy decides on every question of it, and every decision is recorded."""
    context, store = runtime.context, runtime.context.record
    items, has_reference = queries.items_of(store), bool(queries.references_of(store))
    focus = state.get("focus_questions", [])
    known = DialogueContext(
        pictures=len(items),
        has_reference=has_reference,
        questions=tuple(focus),
        purpose=state.get("purpose", context.request.purpose),
        settings_purpose=context.request.purpose,
        jurisdiction=state.get("jurisdiction", context.request.jurisdiction),
    )
    text = state["text"][:MOST_TEXT]
    new = state.get("new", [])
    if not text.strip() and new:
        # A picture without a word is a question as well: what about this one?
        plan = Plan(kind="analyse", questions=known.questions, purpose=known.purpose, jurisdiction=known.jurisdiction)
    else:
        before = state.get("plan", {}).get("language", "en")
        plan = commands.plan_command(text, known, before) or context.plan_of(text, known)
    if plan.kind == "new_picture" and new:
        plan = plan.model_copy(update={"kind": "analyse", "pictures": ("this",)})
    runtime.stream_writer(Planned(plan=plan))
    decisions = planning.decide_plan(plan, has_reference=has_reference)
    _record_decisions(context, plan, decisions)
    allowed = planning.allowed_questions(decisions)
    wanted = queries.pictures_meant(plan.pictures, items, new, state.get("focus_items", []))
    return {
        "plan": plan.model_dump(mode="json"),
        "items": wanted,
        "subjects": {},
        "targets": [],
        "allowed": allowed,
        "calls": [],
        "unread": bool(queries.unread(store, wanted)) or comparing(store, plan, wanted, allowed),
        "signing": context.sign_off,
        "stage": "resolving",
        "rounds": 0,
        "made": 0,
        "remarks": [],
        "signed": None,
        "wording": plan.wording or state.get("wording", "plain"),
        "purpose": plan.purpose,
        "jurisdiction": plan.jurisdiction,
    }


def _record_decisions(context: TurnContext, plan: Plan, decisions: list[PolicyDecision]) -> None:
    """Every decision, and every topic that was refused and has no question."""
    for one in decisions:
        context.record_decision(one)
    for refusal in plan.refused:
        if refusal.topic not in QUESTIONS:
            context.record.put(topic_key(refusal.topic), refusal)
    context.record.flush()
