"""What the verdicts rest on, and what would change them: from the record and from the judge."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.explain.explanation_prompt import CONCLUSION
from faceagent.judge.counterfactual import Change
from faceagent.judge.counterfactual import what_would_change as changes_of
from faceagent.router.replies import format_questions
from faceagent.storage.keys import explanation_key, picture_key, record_key
from faceagent.types import QUESTIONS, Evidence, Explanation, Face, Picture, Verdict


def why(context: ReplyContext) -> Iterator[str]:
    """Each verdict, how far it can be trusted where it is open, and what it rests on, as it was checked."""
    for item, verdict in context.meant():
        yield from context.header(item)
        summary = context.summary(item, [verdict], "plain")
        yield summary.answer
        if summary.trust and verdict.status != "stable":
            yield summary.trust
        key = explanation_key(item, verdict)
        if not context.record.is_a(key, Explanation):
            continue
        explanation = context.record.get(key, Explanation)
        yield phrases.say(context.language, "rests_on")
        for step in explanation.steps:
            # The answer above is the conclusion.
            if step.section != CONCLUSION:
                yield f"- {step.text}{context.format_citations(item, step.cites)}"
        if explanation.struck:
            yield phrases.say(context.language, "struck", count=str(len(explanation.struck)))
    yield from _other_verdicts(context)


def what_would_change(context: ReplyContext) -> Iterator[str]:
    """The smallest moves that would change each verdict, from the judge."""
    for item, verdict in context.meant():
        yield from _title(context, item, verdict)
        evidence = [context.record.get(key, Evidence) for key in context.record.keys(item, Evidence)]
        with context.turn.stopwatch.work():
            found = changes_of(verdict, _subject(context, item, verdict), evidence)
        for change in found.changes:
            yield _change(context, "change", item, change)
        for change in found.even:
            yield _change(context, "even", item, change)
        for name in found.fixed:
            yield phrases.say(context.language, "fixed", evidence=context.format_id(item, name))
        if not (found.changes or found.fixed):
            yield phrases.say(context.language, "unchangeable")
        if found.missing:
            names = ", ".join(context.format_id(item, name) for name in found.missing)
            yield phrases.say(context.language, "unmeasured", evidence=names)
    yield from _other_verdicts(context)


def _other_verdicts(context: ReplyContext) -> Iterator[str]:
    listed_already = {(item, verdict.id) for item, verdict in context.meant()}
    questions = {
        verdict.question
        for item in context.state["items"]
        for verdict in context.verdicts_of(item, context.plan.questions or QUESTIONS)
        if (item, verdict.id) not in listed_already
    }
    if questions:
        names = format_questions([question for question in QUESTIONS if question in questions], context.language)
        yield phrases.say(context.language, "more_verdicts", questions=names)


def _title(context: ReplyContext, item: str, verdict: Verdict) -> Iterator[str]:
    yield from context.header(item)
    yield phrases.say(
        context.language,
        "would_change",
        subject=verdict.subject,
        question=phrases.question(context.language, verdict.question),
        label=phrases.label(context.language, verdict.label),
    )


def _subject(context: ReplyContext, item: str, verdict: Verdict) -> Face | Picture:
    key = record_key(item, verdict.subject)
    return (
        context.record.get(key, Face)
        if context.record.is_a(key, Face)
        else context.record.get(picture_key(item), Picture)
    )


def _change(context: ReplyContext, name: str, item: str, change: Change) -> str:
    return phrases.say(
        context.language,
        name,
        evidence=context.format_id(item, change.evidence),
        entry=f" ({phrases.label(context.language, change.entry)})" if change.entry else "",
        needed=f"{change.needed:.2f}",
        measured=f"{change.measured:.2f}",
        label=phrases.label(context.language, change.label),
    )
