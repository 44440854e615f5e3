"""The text becomes a plan, policy decides on every question of it, and every decision is recorded."""

from langgraph.runtime import Runtime

from faceagent.agent.chat import commands, planning, queries
from faceagent.agent.chat.events import Planned
from faceagent.agent.chat.state import MOST_TEXT, TurnContext, TurnState
from faceagent.agent.chat.steps.load_images import comparing
from faceagent.router import DialogueContext, Plan
from faceagent.router.plan import FOLLOW_UPS, NOTHING_RUNS
from faceagent.storage.keys import topic_key
from faceagent.types import QUESTIONS, PolicyDecision


def understand(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """The text becomes a plan; policy decides on every question of it, and every decision is recorded."""
    context, store = runtime.context, runtime.context.record
    items, new = queries.items_of(store), state.get("new", [])
    borrowed = state.get("borrowed", False)
    plan = _plan(state, context)
    if borrowed and not _compares_on(plan):
        queries.drop_references(store)
        borrowed = False
        plan = _plan(state, context)
    has_reference = bool(queries.references_of(store))
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
        "borrowed": borrowed,
        "wording": plan.wording or state.get("wording", "plain"),
        "purpose": plan.purpose,
        "jurisdiction": plan.jurisdiction,
    }


def _plan(state: TurnState, context: TurnContext) -> Plan:
    """What the text asks for, in a conversation with what it has now."""
    store, new = context.record, state.get("new", [])
    known = DialogueContext(
        pictures=len(queries.items_of(store)),
        has_reference=bool(queries.references_of(store)),
        questions=tuple(state.get("focus_questions", [])),
        purpose=state.get("purpose", context.request.purpose),
        settings_purpose=context.request.purpose,
        jurisdiction=state.get("jurisdiction", context.request.jurisdiction),
        language=state.get("plan", {}).get("language", "en"),
    )
    text = state["text"][:MOST_TEXT]
    if not text.strip() and new:
        # A picture without a word is a question as well: what about this one?
        plan = Plan(kind="analyse", questions=known.questions, purpose=known.purpose, jurisdiction=known.jurisdiction)
    else:
        plan = commands.plan_command(text, known, known.language) or context.plan_of(text, known)
    if plan.kind == "new_picture" and new:
        plan = plan.model_copy(update={"kind": "analyse", "pictures": ("this",)})
    return plan


def _compares_on(plan: Plan) -> bool:
    """Whether a turn goes on with a comparison for which a picture of the conversation became the reference.

    It does not where other pictures are to be compared, or where something else is asked.
    """
    if plan.kind in NOTHING_RUNS or (plan.kind in FOLLOW_UPS and plan.kind not in ("compare", "rerun")):
        return True
    return "identity" in plan.questions and not {"both", "all"} & set(plan.pictures) and len(plan.pictures) < 2


def _record_decisions(context: TurnContext, plan: Plan, decisions: list[PolicyDecision]) -> None:
    """Every decision, and every topic that was refused and has no question."""
    for one in decisions:
        context.record_decision(one)
    for refusal in plan.refused:
        if refusal.topic not in QUESTIONS:
            context.record.put(topic_key(refusal.topic), refusal)
    context.record.flush()
