"""The answer to what was asked: first the answer, then the reasons, then what to ask next; notices once."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases
from faceagent.agent.chat.reply import compare, expected, file_facts, parts
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.agent.chat.reply.expected import AGE
from faceagent.explain.summary.answers import ATTACKS
from faceagent.judge import PICTURE_QUESTIONS
from faceagent.report.headings import headings_in
from faceagent.storage.conversation_store import Exchange
from faceagent.storage.keys import record_key
from faceagent.types import Evidence, PolicyDecision, Question, Summary, Verdict

ATTACKED = frozenset[Question]({*ATTACKS, "identity"})
"""Questions whose answer says what to do next."""
TOLD_WHY = frozenset({"age", "bona_fide", "neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust"})
"""Expected answers that are followed by the reasons; an action unit is its own reason."""
MOVING = frozenset[Question]({"expression", "action_units"})
"""Questions that are answered by what is said of an expected answer or of a part of the face."""
MOST_IN_FULL = 2
"""Pictures up to which each answer has its reasons; with more, each picture has its answer only."""


def lines(context: ReplyContext) -> Iterator[str]:
    """The answer to what was asked."""
    if not context.state["allowed"]:
        purpose = phrases.purpose(context.language, context.plan.purpose)
        yield phrases.say(context.language, "nothing_allowed", purpose=purpose)
        return
    if context.plan.file_facts:
        yield from file_facts.lines(context)
        return
    yield from compare.lines(context)
    told = False
    for item in context.state["items"]:
        verdicts = context.answered(item)
        if verdicts:
            told = True
            yield from context.header(item)
            if "provenance" in context.plan.questions:
                yield from file_facts.declared(context, item)
            yield from _picture(context, item, verdicts)
    if told and context.style != "short":
        yield phrases.say(context.language, "offer")
    yield from notices(context)


def _picture(context: ReplyContext, item: str, verdicts: list[Verdict]) -> Iterator[str]:
    """The answer about one picture with the evidence it rests on, then why, how sure and what next."""
    direct = [*expected.lines(context, item, verdicts), *parts.lines(context, item)]
    yield from direct
    answered = _answered(context) if direct else frozenset()
    rest = [one for one in verdicts if one.question not in answered]
    if rest:
        summary = context.summary(item, rest)
        yield f"{_whose(context, item, rest)}{summary.answer}"
    elif (context.plan.expected or "").partition(":")[0] in TOLD_WHY:
        summary = context.summary(item, verdicts)
    else:
        return
    if len(context.state["items"]) <= MOST_IN_FULL:
        yield from _reasons(context, item, summary)


def _answered(context: ReplyContext) -> frozenset[Question]:
    """The questions that are answered by what is said of an expected answer or of a part of the face."""
    named = context.plan.expected or ""
    if named.startswith(AGE):
        return frozenset({"age"})
    return frozenset({"forgery"}) if named in ("bona_fide", "generated") else MOVING


def _whose(context: ReplyContext, item: str, verdicts: list[Verdict]) -> str:
    """Which face an answer is about, where the picture shows others too; an answer about several names them itself."""
    subjects = {one.subject for one in verdicts if one.question not in PICTURE_QUESTIONS}
    return context.lead(item, subjects.pop()) if len(subjects) == 1 else ""


def _reasons(context: ReplyContext, item: str, summary: Summary) -> Iterator[str]:
    """Why, with the evidence it rests on; how far to trust it; and what to do next.

    Several lines, one per question, stand below a heading.
    """
    if not ATTACKED & set(context.asked):
        summary = summary.model_copy(update={"next_step": None})
    for heading, text in headings_in(context.language).head(summary):
        if "\n" in text:
            yield f"{heading}:"
        cited = summary.cites if text == summary.reason else ()
        evidence = [name for name in cited if context.record.is_a(record_key(item, name), Evidence)]
        yield f"{text}{context.format_citations(item, evidence)}"


def notices(context: ReplyContext) -> Iterator[str]:
    """Policy's notices about the questions asked, each once in a conversation."""
    said = [one.reply for one in context.record.all(Exchange)]
    found = {
        phrases.notice(context.language, decision)
        for decision in context.record.all(PolicyDecision)
        if decision.notice
        and decision.decision == "allow_with_notice"
        and decision.question in context.asked
        and (decision.purpose, decision.jurisdiction) == (context.plan.purpose, context.plan.jurisdiction)
    }
    yield from sorted(notice for notice in found if not any(notice in reply for reply in said))
