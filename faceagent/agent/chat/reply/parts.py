"""Answers about one part of a face: whether it can be seen, how it moves, and whether a detector reacts to it."""

from collections.abc import Iterator, Mapping, Sequence

from faceagent.agent.chat import phrases
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.explain.heat import COLD, HOT
from faceagent.explain.summary.sentences import Sentences, sentences_in
from faceagent.faces.needs import hidden_parts, table
from faceagent.types import PARTS, Evidence, Face, FacePart, Region

REGION: Mapping[FacePart, Region] = {
    "forehead": "skin", "right_brow": "right_eye", "left_brow": "left_eye", "right_eye": "right_eye",
    "left_eye": "left_eye", "nose": "nose", "right_cheek": "skin", "left_cheek": "skin", "mouth": "mouth",
    "chin": "outer_face",
}  # fmt: skip
"""The region of a heat map that a part lies in."""
MOST_UNITS = 5
"""Movements listed of one part."""


def lines(context: ReplyContext, item: str) -> Iterator[str]:
    """What is known about the parts asked about, face by face of one picture; nothing where none was named."""
    if not context.plan.parts or context.plan.expected is not None:
        return
    subjects = context.state["subjects"].get(item, [])
    faces = [face for face in context.faces_of(item) if not subjects or face.id in subjects]
    for face in faces:
        told = list(_face(context, item, face))
        if told:
            told[0] = f"{context.lead(item, face.id)}{told[0]}"
        yield from told


def _face(context: ReplyContext, item: str, face: Face) -> Iterator[str]:
    hidden = hidden_parts(face)
    asked = context.plan.parts
    unseen = [part for part in asked if part in hidden]
    for part in unseen:
        reason = phrases.reason(context.language, hidden[part].reason or "occluded")
        yield phrases.say(context.language, "part_hidden", part=phrases.part(context.language, part), reason=reason)
    seen = [part for part in asked if part not in hidden]
    if not seen:
        return
    evidence = [one for one in context.evidence_of(item) if one.subject == face.id and one.status == "ok"]
    if {"action_units", "expression"} & set(context.asked):
        yield from _movements(context, item, seen, evidence)
    if "forgery" in context.asked:
        yield from _traces(context, item, seen, evidence)
    if not {"action_units", "expression", "forgery"} & set(context.asked):
        names = ", ".join(phrases.part(context.language, part) for part in seen)
        yield phrases.say(context.language, "part_seen", part=names)


def _movements(context: ReplyContext, item: str, parts: Sequence[FacePart], evidence: list[Evidence]) -> Iterator[str]:
    """The action units of these parts: those that show, else those that do not, each with its intensity."""
    words = sentences_in(context.language)
    units = [one for one in evidence if one.question == "action_units" and one.score and _unit_in(one, parts)]
    shown = [one for one in units if one.label == "present"]
    listed = sorted(shown or units, key=lambda one: -(one.score.value if one.score else 0))[:MOST_UNITS]
    if not listed:
        return
    names = words.join([_unit(words, one) for one in listed])
    cited = context.format_citations(item, [one.id for one in listed])
    where = _places(context, parts)
    yield phrases.say(context.language, "part_moves" if shown else "part_still", where=where, units=names, cites=cited)


def _unit_in(item: Evidence, parts: Sequence[FacePart]) -> bool:
    """Whether the unit is read from one of these parts."""
    code = int(item.id.rpartition("AU")[2])
    need = table().action_unit.get(code)
    return need is not None and bool(set(need.all) & set(parts))


def _unit(words: Sentences, item: Evidence) -> str:
    code = item.id.rpartition(":")[2]
    value = item.score.value if item.score else 0.0
    return f"{words.find('units', code) or code} ({code}, {value:.1f}/5)"


def _traces(context: ReplyContext, item: str, parts: Sequence[FacePart], evidence: list[Evidence]) -> Iterator[str]:
    """What the forgery detector's heat map shows in the regions of these parts."""
    words = sentences_in(context.language)
    regions = {REGION[part] for part in parts}
    found = [one for one in evidence if one.question == "forgery" and one.region in regions and one.score]
    for one in found:
        value = one.score.value if one.score else 0.0
        key = "part_hot" if value >= HOT else "part_warm" if value > COLD else "part_cold"
        where = words.say("where", one.region or "overall")
        cited = context.format_citations(item, [one.id])
        yield phrases.say(context.language, key, where=where, value=f"{value:.2f}", cites=cited)


def _places(context: ReplyContext, parts: Sequence[FacePart]) -> str:
    names = [phrases.part(context.language, part) for part in PARTS if part in parts]
    return sentences_in(context.language).join(names)
