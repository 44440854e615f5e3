"""Evidence by number, and the faces of a picture."""

from collections.abc import Iterator, Sequence

from faceagent import policy
from faceagent.agent.chat import looking, phrases
from faceagent.agent.chat.reply.telling import Telling
from faceagent.agent.notebook import Notebook
from faceagent.agent.route import Refused
from faceagent.agent.route.replies import listed
from faceagent.types import Evidence

MOST_LISTED = 60


def evidence(tell: Telling) -> Iterator[str]:
    """The items asked for by number or id, or all of the pictures spoken of."""
    ordered = tell.book.numbered()
    if not tell.plan.evidence:
        mine = [key for key in ordered if key.partition("/")[0] in tell.state["items"]]
        if tell.plan.questions:
            mine = [key for key in mine if tell.book.get(key, Evidence).question in tell.plan.questions]
        yield from (line for key in mine[:MOST_LISTED] if (line := _item(tell, key)))
        return
    for name in tell.plan.evidence:
        keys = _named(tell.book, name, tell.state["items"])
        yield from (_item(tell, key) or _barred(tell, key) for key in keys)
        if not keys:
            last = phrases.say(tell.language, "range", last=str(len(ordered))) if ordered else ""
            yield phrases.say(tell.language, "no_such_evidence", name=name, range=last)


def faces(tell: Telling) -> Iterator[str]:
    """Every face: size, place, quality, and what it cannot be used for."""
    for item in tell.state["items"]:
        yield from tell.header(item)
        found = looking.faces_of(tell.book, item, None)
        if not found:
            yield phrases.say(tell.language, "no_face")
        ordered = sorted(found, key=lambda one: one.box[0] + one.box[2])
        for face in found:
            x0, y0, x1, y1 = face.box
            barred = listed(tuple(face.reasons), tell.language)
            yield phrases.say(
                tell.language, "face", face=face.id, width=f"{x1 - x0:.0f}", height=f"{y1 - y0:.0f}",
                place=str(ordered.index(face) + 1), total=str(len(found)), quality=f"{face.quality.unified:.0f}",
                use=phrases.say(tell.language, "limited", questions=barred) if barred
                else phrases.say(tell.language, "usable"),
            )  # fmt: skip


def _named(book: Notebook, name: str, items: Sequence[str]) -> list[str]:
    """Keys of the evidence that "E7" or "F1:AU12" names; an id is looked for in ``items`` first."""
    ordered = book.numbered()
    if name[:1] in "Ee" and name[1:].isdecimal():
        place = int(name[1:])
        return [ordered[place - 1]] if 1 <= place <= len(ordered) else []
    same = [key for key in ordered if key.partition("/")[2].casefold() == name.casefold()]
    return [key for key in same if key.partition("/")[0] in items] or same


def _item(tell: Telling, key: str) -> str:
    """One item on one line: number, id, what was measured, by which tool. Empty where policy bars it."""
    item = tell.book.get(key, Evidence)
    if not tell.permitted(item.question):
        return ""
    statement = " ".join(item.statement.split())
    return f"E{tell.numbers[key]} {item.id}: {statement} ({item.tool.name} {item.tool.version})"


def _barred(tell: Telling, key: str) -> str:
    decision = policy.decide(tell.book.get(key, Evidence).question, tell.plan.purpose, tell.plan.jurisdiction)
    refused = Refused(topic=decision.question, rule=decision.rule, notice=decision.notice or "")
    return phrases.refusal(tell.language, refused)
