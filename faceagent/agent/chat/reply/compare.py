"""What a comparison of faces comes to: which is better, older, more suspicious, or that no one can say."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faceagent.agent.chat import phrases
from faceagent.agent.chat.reply import expected
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.explain.summary.answers import ATTACKS, YES
from faceagent.explain.summary.sentences import sentences_in
from faceagent.judge import PICTURE_QUESTIONS
from faceagent.judge.wording import percent
from faceagent.types import INCONCLUSIVE, Question, Verdict

LEAST = 5
"""Points of quality from which one face is called better; two pictures of one scene differ by less."""


class Side(NamedTuple):
    """One of the faces compared."""

    name: str
    item: str
    verdict: Verdict


def lines(context: ReplyContext) -> Iterator[str]:
    """A conclusion per question about several faces, where the turn compares, names several or names an answer."""
    sides = _sides(context)
    wanted = context.plan.kind == "compare" or len(context.plan.faces) >= 2 or _names_an_answer(context)
    if not wanted or len(sides) < 2:
        return
    for question in context.asked:
        found = [side for side in sides if side.verdict.question == question]
        if len(found) >= 2 and question != "identity":
            yield sentences_in(context.language).capital(_conclusion(context, question, found))


def _names_an_answer(context: ReplyContext) -> bool:
    """Whether the turn asks for an expression or a movement by name, so that it holds for some faces and not others."""
    return context.plan.expected is not None and context.plan.expected not in ("bona_fide", "generated")


def _sides(context: ReplyContext) -> list[Side]:
    """The largest face of every picture compared; the faces themselves where they are in one picture."""
    items = context.state["items"]
    found: list[Side] = []
    for item in items:
        verdicts = context.answered(item)
        subjects = list(dict.fromkeys(one.subject for one in verdicts if one.question not in PICTURE_QUESTIONS))
        for verdict in verdicts:
            if len(items) == 1:
                found.append(Side(context.face_name(item, verdict.subject), item, verdict))
            elif verdict.question in PICTURE_QUESTIONS or verdict.subject in subjects[:1]:
                found.append(Side(phrases.say(context.language, "picture_number", number=item), item, verdict))
    return found


def _conclusion(context: ReplyContext, question: Question, sides: Sequence[Side]) -> str:
    language = context.language
    named = {"question": phrases.question(language, question)}
    if question == "quality":
        return _quality(context, sides)
    if _names_an_answer(context) and question in ("expression", "action_units"):
        return _holding(context, sides)
    known = [side for side in sides if side.verdict.label != INCONCLUSIVE]
    if len(known) < 2:
        return phrases.say(language, "compare_open", **named)
    if question == "age":
        low, high = min(known, key=_middle), max(known, key=_middle)
        apart = _years(low.verdict)[1] < _years(high.verdict)[0]
        values = {name: phrases.label(language, side.verdict.label) for name, side in (("low", low), ("high", high))}
        key = "compare_age" if apart else "compare_age_same"
        return phrases.say(language, key, older=high.name, younger=low.name, **values)
    if question in ATTACKS:
        return _attack(context, question, known)
    said = [f"{side.name}: {phrases.label(language, side.verdict.label)}" for side in known]
    same = len({side.verdict.label for side in known}) == 1
    return phrases.say(language, "compare_same" if same else "compare_differ", list="; ".join(said), **named)


def _holding(context: ReplyContext, sides: Sequence[Side]) -> str:
    """For which faces the answer that was named holds: "which of them is smiling?"."""
    said = {
        side.name: expected.holds(context, side.item, side.verdict.subject, context.answered(side.item))
        for side in sides
    }
    words = sentences_in(context.language)
    yes, no = (words.join([name for name, held in said.items() if held is wanted]) for wanted in (True, False))
    if not (yes or no):
        return phrases.say(context.language, "compare_open", question=phrases.question(context.language, "expression"))
    key = "compare_who" if yes and no else "compare_all" if yes else "compare_none"
    return phrases.say(context.language, key, yes=yes, no=no)


def _quality(context: ReplyContext, sides: Sequence[Side]) -> str:
    faces = [(side, face) for side in sides for face in context.faces_of(side.item) if face.id == side.verdict.subject]
    if len(faces) < 2:
        return phrases.say(context.language, "compare_open", question=phrases.question(context.language, "quality"))
    ranked = sorted(faces, key=lambda pair: pair[1].quality.unified)
    (worst, low), (best, high) = ranked[0], ranked[-1]
    apart = high.quality.unified - low.quality.unified >= LEAST
    return phrases.say(
        context.language,
        "compare_quality" if apart else "compare_quality_same",
        better=best.name,
        worse=worst.name,
        high=f"{high.quality.unified:.0f}",
        low=f"{low.quality.unified:.0f}",
        sharp_high=f"{high.quality.sharpness:.0f}",
        sharp_low=f"{low.quality.sharpness:.0f}",
    )


def _attack(context: ReplyContext, question: Question, sides: Sequence[Side]) -> str:
    language, named = context.language, phrases.question(context.language, question)
    ranked = sorted((side for side in sides if side.verdict.probability), key=_suspicion)
    if len(ranked) < 2:
        return phrases.say(language, "compare_open", question=named)
    low, high = ranked[0], ranked[-1]
    values = {"low": percent(_suspicion(low)), "high": percent(_suspicion(high))}
    apart = _interval(low)[1] < _interval(high)[0]
    key = "compare_attack" if apart else "compare_attack_same"
    return phrases.say(language, key, more=high.name, less=low.name, question=named, **values)


def _suspicion(side: Side) -> float:
    """The probability of an attack, whatever the verdict's label."""
    probability = side.verdict.probability
    value = probability.value if probability else 0.5
    return value if side.verdict.label in YES[side.verdict.question] else 1 - value


def _interval(side: Side) -> tuple[float, float]:
    probability = side.verdict.probability
    if probability is None:
        return 0.0, 1.0
    if side.verdict.label in YES[side.verdict.question]:
        return probability.low, probability.high
    return 1 - probability.high, 1 - probability.low


def _years(verdict: Verdict) -> tuple[float, float]:
    low, _, high = verdict.label.removesuffix(" years").partition("-")
    return float(low), float(high or low)


def _middle(side: Side) -> float:
    return sum(_years(side.verdict)) / 2
