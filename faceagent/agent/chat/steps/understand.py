"""The text becomes a plan, policy decides on every question of it, and every decision is recorded."""

from langgraph.runtime import Runtime

from faceagent import policy
from faceagent.agent.chat import commands, queries
from faceagent.agent.chat.events import Planned
from faceagent.agent.chat.state import MOST_TEXT, TurnContext, TurnState
from faceagent.agent.chat.steps.load_images import comparing
from faceagent.router import DialogueContext, Plan
from faceagent.router.plan import NOTHING_RUNS
from faceagent.types import QUESTIONS, Question, Request


def understand(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """The text becomes a plan; policy decides on every question of it, and every decision is recorded."""
    context, store = runtime.context, runtime.context.store
    items, has_reference = queries.items_of(store), bool(queries.references_of(store))
    focus = state.get("focus_questions", [])
    known = DialogueContext(
        pictures=len(items),
        has_reference=has_reference,
        questions=tuple(focus),
        purpose=state.get("purpose", context.request.purpose),
        jurisdiction=state.get("jurisdiction", context.request.jurisdiction),
    )
    text = state["text"][:MOST_TEXT]
    new = state.get("new", [])
    if not text.strip() and new:
        # A picture without a word is a question as well: what about this one?
        plan = Plan(kind="analyse", questions=known.questions, purpose=known.purpose, jurisdiction=known.jurisdiction)
    else:
        before = state.get("plan", {}).get("language", "en")
        plan = commands.planned(text, known, before) or context.routed(text, known)
    if plan.kind == "new_picture" and new:
        plan = plan.model_copy(update={"kind": "analyse", "pictures": ("this",)})
    runtime.stream_writer(Planned(plan=plan))
    allowed = _decided(context, plan, has_reference)
    wanted = queries.pointed(plan.pictures, items, new, state.get("focus_items", []))
    return {
        "plan": plan.model_dump(mode="json"), "items": wanted, "subjects": {}, "allowed": allowed, "calls": [],
        "unread": bool(queries.unread(store, wanted)) or comparing(context, plan, wanted, allowed),
        "signing": context.sign_off, "stage": "pointing", "rounds": 0, "made": 0, "remarks": [], "signed": None,
        "purpose": plan.purpose, "jurisdiction": plan.jurisdiction,
    }  # fmt: skip


def _decided(context: TurnContext, plan: Plan, has_reference: bool) -> list[Question]:
    """The questions that may be answered; decisions and refused topics are put into the notebook."""
    topics = {one.topic for one in plan.refused}
    asked = [*plan.questions, *(question for question in QUESTIONS if question in topics)]
    decisions = [policy.decide(question, plan.purpose, plan.jurisdiction) for question in dict.fromkeys(asked)]
    if not plan.questions and plan.kind not in NOTHING_RUNS:
        whole = Request(purpose=plan.purpose, jurisdiction=plan.jurisdiction)
        decisions += policy.review(whole, has_reference=has_reference)
    for one in decisions:
        context.record_decision(one)
    for refusal in plan.refused:
        if refusal.topic not in QUESTIONS:
            context.store.put(f"policy/topic:{refusal.topic}", refusal)
    context.store.keep()
    return list(dict.fromkeys(one.question for one in decisions if one.decision != "refuse"))
