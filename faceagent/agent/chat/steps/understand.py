"""The text becomes a plan, policy decides on every question of it, and every decision is recorded."""

from langgraph.runtime import Runtime

from faceagent import policy
from faceagent.agent.chat import commands, looking
from faceagent.agent.chat.events import Planned
from faceagent.agent.chat.state import MOST_TEXT, Talk, Turn
from faceagent.agent.chat.steps.look import comparing
from faceagent.agent.route import Context as Known
from faceagent.agent.route import Plan
from faceagent.agent.route.plan import NOTHING_RUNS
from faceagent.types import QUESTIONS, Question, Request


def understand(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """The text becomes a plan; policy decides on every question of it, and every decision is recorded."""
    talk, book = runtime.context, runtime.context.book
    items, has_reference = looking.items_of(book), bool(looking.references_of(book))
    focus = state.get("focus_questions", [])
    known = Known(
        pictures=len(items),
        has_reference=has_reference,
        questions=tuple(focus),
        purpose=state.get("purpose", talk.request.purpose),
        jurisdiction=state.get("jurisdiction", talk.request.jurisdiction),
    )
    text = state["text"][:MOST_TEXT]
    new = state.get("new", [])
    if not text.strip() and new:
        # A picture without a word is a question as well: what about this one?
        plan = Plan(kind="analyse", questions=known.questions, purpose=known.purpose, jurisdiction=known.jurisdiction)
    else:
        before = state.get("plan", {}).get("language", "en")
        plan = commands.planned(text, known, before) or talk.routed(text, known)
    if plan.kind == "new_picture" and new:
        plan = plan.model_copy(update={"kind": "analyse", "pictures": ("this",)})
    runtime.stream_writer(Planned(plan=plan))
    allowed = _decided(talk, plan, has_reference)
    wanted = looking.pointed(plan.pictures, items, new, state.get("focus_items", []))
    return {
        "plan": plan.model_dump(mode="json"), "items": wanted, "subjects": {}, "allowed": allowed, "calls": [],
        "unread": bool(looking.unread(book, wanted)) or comparing(talk, plan, wanted, allowed),
        "signing": talk.sign_off, "stage": "pointing", "rounds": 0, "made": 0, "remarks": [], "signed": None,
        "purpose": plan.purpose, "jurisdiction": plan.jurisdiction,
    }  # fmt: skip


def _decided(talk: Talk, plan: Plan, has_reference: bool) -> list[Question]:
    """The questions that may be answered; decisions and refused topics are put into the notebook."""
    topics = {one.topic for one in plan.refused}
    asked = [*plan.questions, *(question for question in QUESTIONS if question in topics)]
    decisions = [policy.decide(question, plan.purpose, plan.jurisdiction) for question in dict.fromkeys(asked)]
    if not plan.questions and plan.kind not in NOTHING_RUNS:
        whole = Request(purpose=plan.purpose, jurisdiction=plan.jurisdiction)
        decisions += policy.review(whole, has_reference=has_reference)
    for one in decisions:
        talk.record_decision(one)
    for refusal in plan.refused:
        if refusal.topic not in QUESTIONS:
            talk.book.put(f"policy/topic:{refusal.topic}", refusal)
    talk.book.keep()
    return list(dict.fromkeys(one.question for one in decisions if one.decision != "refuse"))
