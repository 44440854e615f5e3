"""Refusals first, then what was asked back or found, then remarks."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.reply import follow_ups, listing, verdicts
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.agent.chat.state import TurnContext, TurnState
from faceagent.router import Plan
from faceagent.router.plan import NOTHING_RUNS
from faceagent.router.replies import format_questions
from faceagent.storage.keys import picture_key
from faceagent.types import QUESTIONS, Problem

LINES = {
    "why": follow_ups.why,
    "what_would_change": follow_ups.what_would_change,
    "evidence": listing.evidence,
    "certainty": follow_ups.why,
    "where": follow_ups.why,
    "which_tool": listing.evidence,
    "simplify": follow_ups.why,
    "list_faces": listing.faces,
}
"""The lines of the reply by kind of turn; for all others the verdicts."""


def compose_reply(state: TurnState, context: TurnContext, plan: Plan) -> str:
    """The whole reply; never empty."""
    language = plan.language
    parts = [phrases.refusal(language, one) for one in plan.refused]
    if plan.clarification:
        parts.append(plan.clarification)
    elif plan.kind in NOTHING_RUNS - {"refused"}:
        name = "out_of_scope" if plan.kind == "out_of_scope" else "help"
        parts.append(phrases.say(language, name, questions=format_questions(QUESTIONS, language)))
    elif plan.kind == "new_picture":
        parts.append(phrases.say(language, "give_picture"))
    elif plan.kind != "refused":
        parts += _body(state, context, plan)
    parts += [phrases.say(language, one["key"], **one["values"]) for one in state.get("remarks", [])]
    return "\n".join(part for part in parts if part) or phrases.say(language, "no_record")


def _body(state: TurnState, context: TurnContext, plan: Plan) -> list[str]:
    language = plan.language
    if not state["items"]:
        total = len(queries.items_of(context.record))
        return [phrases.say(language, "no_such_picture", total=str(total)) if total else ""]
    if state["stage"] == "lost":
        return []
    if state.get("signed") == "no":
        return [phrases.say(language, "withheld")]
    lost = list(_unreadable(state, context, plan))
    if len(lost) == len(state["items"]):
        return lost
    found = [*lost, *LINES.get(plan.kind, verdicts.lines)(ReplyContext.of(state, context, plan))]
    if state.get("signed") == "yes":
        found.append(phrases.say(language, "released"))
    return found or [phrases.say(language, "no_record")]


def _unreadable(state: TurnState, context: TurnContext, plan: Plan) -> Iterator[str]:
    """The pictures meant that could never be read."""
    for item in state["items"]:
        key = picture_key(item)
        if context.record.is_a(key, Problem):
            yield phrases.unreadable(
                plan.language, queries.name_of(context.record, item), context.record.get(key, Problem)
            )
