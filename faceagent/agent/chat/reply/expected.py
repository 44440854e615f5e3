"""Yes or no, where a question names the expression or the movement that it expects: "are her eyes closed?"."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.explain.summary.answers import answer_of
from faceagent.explain.summary.power import is_unsure, scope
from faceagent.explain.summary.sentences import sentences_in
from faceagent.storage.keys import record_key
from faceagent.types import Evidence, Verdict

AGE = "age:"
"""Before the age that a question compares with."""


def lines(context: ReplyContext, item: str, verdicts: list[Verdict]) -> Iterator[str]:
    """One line per face of a picture that the question is about; nothing where it names no answer."""
    expected = context.plan.expected
    if expected is None:
        return
    if expected == "generated":
        yield phrases.say(context.language, "generated_open")
        return
    if expected == "bona_fide":
        yield from _real(context, item, verdicts)
        return
    if expected.startswith(AGE):
        yield from _ages(context, item, verdicts, int(expected.removeprefix(AGE)))
        return
    subjects = list(dict.fromkeys(one.subject for one in verdicts if one.question in ("expression", "action_units")))
    for subject in subjects:
        said = (
            _movement(context, item, subject, expected)
            if expected.startswith("AU")
            else _expression(context, item, expected, [one for one in verdicts if one.subject == subject])
        )
        if said:
            yield f"{context.lead(item, subject)}{said}"


def _ages(context: ReplyContext, item: str, verdicts: list[Verdict], limit: int) -> Iterator[str]:
    """For each face whether it looks older or younger than an age, or whether its range holds that age."""
    for verdict in verdicts:
        if verdict.question != "age":
            continue
        answer = context.summary(item, [verdict], "short").answer
        if answer_of(verdict) != "cannot_tell":
            low, _, high = verdict.label.removesuffix(" years").partition("-")
            side = "above" if int(low) >= limit else "below" if int(high) < limit else "within"
            said = phrases.say(context.language, f"age_{side}", age=str(limit))
            answer = f"{answer}{'' if context.language == 'zh' else ' '}{said}"
        yield f"{context.lead(item, verdict.subject)}{answer}"


def _real(context: ReplyContext, item: str, verdicts: list[Verdict]) -> Iterator[str]:
    """Whether one face is real, where that was asked: "no" to "is it fake?" would read as "not real"."""
    found = [one for one in verdicts if one.question == "forgery"]
    answer = answer_of(found[0]) if len(found) == 1 else "cannot_tell"
    if answer == "cannot_tell":
        return
    opposite = {"yes": "no", "leans_yes": "leans_no", "leans_no": "leans_yes", "no": "yes"}[answer]
    evidence = context.evidence_of(item)
    if opposite == "yes" and is_unsure(found[0], evidence):
        opposite = "leans_yes"
    words = sentences_in(context.language)
    said = words.paragraph([phrases.say(context.language, f"real_{opposite}"), *scope(words, found, evidence)])
    yield f"{context.lead(item, found[0].subject)}{said}"


def holds(context: ReplyContext, item: str, subject: str, verdicts: list[Verdict]) -> bool | None:
    """Whether the answer that a turn names holds for one face; None where it cannot be told."""
    expected = context.plan.expected or ""
    if expected.startswith("AU"):
        key = record_key(item, f"{subject}:{expected}")
        label = context.record.get(key, Evidence).label if context.record.is_a(key, Evidence) else None
        return None if label is None else label == "present"
    found = next((one for one in verdicts if one.subject == subject and one.question == "expression"), None)
    return None if found is None or answer_of(found) == "cannot_tell" else found.label == expected


def _movement(context: ReplyContext, item: str, subject: str, unit: str) -> str | None:
    """Whether an action unit shows, with its intensity."""
    key = record_key(item, f"{subject}:{unit}")
    if not context.record.is_a(key, Evidence):
        return None
    found = context.record.get(key, Evidence)
    cites = context.format_citations(item, [found.id])
    name = sentences_in(context.language).find("units", unit) or unit
    if found.score is None or found.label is None:
        reason = phrases.reason(context.language, found.reason or "not_measurable")
        return phrases.say(context.language, "unit_unknown", name=name, code=unit, reason=reason, cites=cites)
    told = "unit_yes" if found.label == "present" else "unit_no"
    return phrases.say(context.language, told, name=name, code=unit, value=f"{found.score.value:.1f}", cites=cites)


def _expression(context: ReplyContext, item: str, expected: str, verdicts: list[Verdict]) -> str | None:
    """Whether the apparent expression is the one named."""
    for verdict in verdicts:
        if verdict.question != "expression":
            continue
        answer = context.summary(item, [verdict], "short").answer
        if answer_of(verdict) == "cannot_tell":
            return answer
        key = "yes_that" if verdict.label == expected else "no_that"
        return phrases.say(context.language, key, answer=answer[:1].lower() + answer[1:])
    return None
