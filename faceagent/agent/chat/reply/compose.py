"""Refusals first, then what was asked back or found, then remarks."""

from collections.abc import Callable, Iterator, Mapping

from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.reply import answers, details, follow_ups, listing, talk
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.agent.chat.state import TurnContext, TurnState
from faceagent.router import Plan
from faceagent.router.plan import NOTHING_RUNS, Intent
from faceagent.storage.keys import picture_key
from faceagent.types import Problem

LINES: Mapping[Intent, Callable[[ReplyContext], Iterator[str]]] = {
    "why": follow_ups.why,
    "what_would_change": follow_ups.what_would_change,
    "evidence": listing.evidence,
    "list_faces": listing.faces,
    "certainty": details.certainty,
    "where": details.where,
    "which_tool": details.which_tool,
    "percent": details.percent,
    "yes_no": details.yes_no,
    "simplify": details.simplify,
}
"""The lines of the reply by kind of turn; for all others the answers to the questions asked."""


def compose_reply(state: TurnState, context: TurnContext, plan: Plan) -> str:
    """The whole reply; never empty."""
    language = plan.language
    parts = [phrases.refusal(language, one) for one in plan.refused]
    if plan.clarification:
        parts.append(plan.clarification)
    elif plan.kind == "new_picture":
        parts.append(phrases.say(language, "give_picture"))
    elif plan.kind == "refused":
        parts.append(phrases.say(language, "instead"))
    elif plan.kind in NOTHING_RUNS:
        parts += talk.lines(context, plan)
    else:
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
    reply = ReplyContext.of(state, context, plan)
    report = talk.report_lines(context, plan, state["items"]) if plan.kind == "report" else ()
    # "What software was used on the file" asks the file, not for the tool that read it.
    lines = answers.lines if plan.file_facts else LINES.get(plan.kind, answers.lines)
    found = [*lost, *report, *lines(reply)]
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
