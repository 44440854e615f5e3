"""Evidence by number, and the faces of a picture."""

from collections.abc import Iterator, Sequence

from faceagent import policy
from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.router import Refused
from faceagent.router.replies import format_questions
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.keys import item_of, name_in, picture_key
from faceagent.types import Evidence, Picture

MAX_LISTED = 60


def evidence(context: ReplyContext) -> Iterator[str]:
    """The items asked for by number or id, or all of the pictures meant."""
    ordered = context.record.evidence_keys()
    if not context.plan.evidence:
        mine = [key for key in ordered if item_of(key) in context.state["items"]]
        if context.plan.questions:
            mine = [key for key in mine if context.record.get(key, Evidence).question in context.plan.questions]
        yield from (line for key in mine[:MAX_LISTED] if (line := _item(context, key)))
        return
    for name in context.plan.evidence:
        keys = _named(context.record, name, context.state["items"])
        yield from (_item(context, key) or _barred(context, key) for key in keys)
        if not keys:
            last = phrases.say(context.language, "range", last=str(len(ordered))) if ordered else ""
            yield phrases.say(context.language, "no_such_evidence", name=name, range=last)


def faces(context: ReplyContext) -> Iterator[str]:
    """Every face: size, place, quality, and what it cannot be used for."""
    for item in context.state["items"]:
        yield from context.header(item)
        found = queries.faces_of(context.record, item, None)
        if not found:
            yield phrases.say(context.language, "no_face")
            continue
        key = "face_found" if len(found) == 1 else "faces_found"
        yield phrases.say(context.language, key, total=str(len(found)))
        ordered = sorted(found, key=lambda one: one.box[0] + one.box[2])
        for face in found:
            x0, y0, x1, y1 = face.box
            barred = format_questions(tuple(face.reasons), context.language)
            yield phrases.say(
                context.language,
                "face",
                face=face.id,
                width=f"{x1 - x0:.0f}",
                height=f"{y1 - y0:.0f}",
                place=str(ordered.index(face) + 1),
                total=str(len(found)),
                quality=f"{face.quality.unified:.0f}",
                use=phrases.say(context.language, "limited", questions=barred)
                if barred
                else phrases.say(context.language, "usable"),
            )
        covering = context.record.get(picture_key(item), Picture).faces_covering
        if covering:
            yield phrases.say(context.language, "faces_covering", faces=", ".join(covering))


def _named(store: ConversationStore, name: str, items: Sequence[str]) -> list[str]:
    """Keys of the evidence that "E7" or "F1:AU12" names; an id is searched in ``items`` first."""
    ordered = store.evidence_keys()
    if name[:1] in "Ee" and name[1:].isdecimal():
        place = int(name[1:])
        return [ordered[place - 1]] if 1 <= place <= len(ordered) else []
    same = [key for key in ordered if name_in(key).casefold() == name.casefold()]
    return [key for key in same if item_of(key) in items] or same


def _item(context: ReplyContext, key: str) -> str:
    """One item on one line: number, id, what was measured, by which tool. Empty where policy bars it."""
    item = context.record.get(key, Evidence)
    if not context.permitted(item.question):
        return ""
    statement = " ".join(item.statement.split())
    return f"E{context.numbers[key]} {item.id}: {statement} ({item.tool.name} {item.tool.version})"


def _barred(context: ReplyContext, key: str) -> str:
    decision = policy.decide(
        context.record.get(key, Evidence).question, context.plan.purpose, context.plan.jurisdiction
    )
    refused = Refused(topic=decision.question, rule=decision.rule, notice=decision.notice or "")
    return phrases.refusal(context.language, refused)
