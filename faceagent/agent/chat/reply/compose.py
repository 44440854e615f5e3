"""Refusals first, then what was asked back or found, then remarks."""

from collections.abc import Iterator

from faceagent.agent.chat import looking, phrases
from faceagent.agent.chat.reply import follow_ups, listing, verdicts
from faceagent.agent.chat.reply.telling import Telling
from faceagent.agent.chat.state import Talk, Turn
from faceagent.agent.route import Plan
from faceagent.agent.route.replies import listed
from faceagent.types import QUESTIONS, Problem

LINES = {
    "why": follow_ups.why,
    "what_would_change": follow_ups.what_would_change,
    "evidence": listing.evidence,
    "list_faces": listing.faces,
}
"""What is told, by kind of turn; for all others the verdicts."""


def compose_reply(state: Turn, talk: Talk, plan: Plan) -> str:
    """The whole reply; never empty."""
    language = plan.language
    parts = [phrases.refusal(language, one) for one in plan.refused]
    if plan.clarification:
        parts.append(plan.clarification)
    elif plan.kind in ("help", "out_of_scope"):
        parts.append(phrases.say(language, plan.kind, questions=listed(QUESTIONS, language)))
    elif plan.kind == "new_picture":
        parts.append(phrases.say(language, "give_picture"))
    elif plan.kind != "refused":
        parts += _body(state, talk, plan)
    parts += [phrases.say(language, one["key"], **one["values"]) for one in state.get("remarks", [])]
    return "\n".join(part for part in parts if part) or phrases.say(language, "no_record")


def _body(state: Turn, talk: Talk, plan: Plan) -> list[str]:
    language = plan.language
    if not state["items"]:
        total = len(looking.items_of(talk.book))
        return [phrases.say(language, "no_such_picture", total=str(total)) if total else ""]
    if state["stage"] == "lost":
        return []
    if state.get("signed") == "no":
        return [phrases.say(language, "withheld")]
    lost = list(_unreadable(state, talk, plan))
    if len(lost) == len(state["items"]):
        return lost
    found = [*lost, *LINES.get(plan.kind, verdicts.lines)(Telling.of(state, talk, plan))]
    if state.get("signed") == "yes":
        found.append(phrases.say(language, "released"))
    return found or [phrases.say(language, "no_record")]


def _unreadable(state: Turn, talk: Talk, plan: Plan) -> Iterator[str]:
    """The pictures spoken of that could never be read."""
    for item in state["items"]:
        key = looking.subject_key(item)
        if talk.book.is_a(key, Problem):
            yield phrases.unreadable(plan.language, looking.name_of(talk.book, item), talk.book.get(key, Problem))
