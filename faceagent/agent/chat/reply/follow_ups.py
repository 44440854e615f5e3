"""What the verdicts rest on, and what would change them: from the record and from the judge."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases
from faceagent.agent.chat.reply.telling import Telling
from faceagent.agent.route.replies import listed
from faceagent.judge.counterfactual import Change
from faceagent.judge.counterfactual import what_would_change as moves
from faceagent.types import INCONCLUSIVE, QUESTIONS, SUBJECT, Evidence, Explanation, Face, Picture, Verdict

MOST_TOLD = 4
"""Verdicts explained at once when no question was named."""


def why(tell: Telling) -> Iterator[str]:
    """What each verdict rests on, step by step, as it was checked."""
    for item, verdict in _spoken_of(tell):
        yield from _title(tell, "why", item, verdict)
        key = f"{item}/E:{verdict.subject}:{verdict.question}"
        if not tell.book.is_a(key, Explanation):
            continue
        explanation = tell.book.get(key, Explanation)
        for step in explanation.steps:
            yield f"- {step.text}{tell.cites(item, step.cites)}"
        if explanation.struck:
            yield phrases.say(tell.language, "struck", count=str(len(explanation.struck)))
    yield from _untold(tell)


def what_would_change(tell: Telling) -> Iterator[str]:
    """The smallest moves that would change each verdict, from the judge."""
    for item, verdict in _spoken_of(tell):
        yield from _title(tell, "would_change", item, verdict)
        evidence = [tell.book.get(key, Evidence) for key in tell.book.keys(item, Evidence)]
        with tell.talk.meter.work():
            found = moves(verdict, _subject(tell, item, verdict), evidence)
        for change in found.changes:
            yield _change(tell, "change", item, change)
        for change in found.even:
            yield _change(tell, "even", item, change)
        for name in found.fixed:
            yield phrases.say(tell.language, "fixed", evidence=tell.named(item, name))
        if not (found.changes or found.fixed):
            yield phrases.say(tell.language, "unchangeable")
        if found.missing:
            names = ", ".join(tell.named(item, name) for name in found.missing)
            yield phrases.say(tell.language, "unmeasured", evidence=names)
    yield from _untold(tell)


def _spoken_of(tell: Telling) -> list[tuple[str, Verdict]]:
    """The verdicts a follow-up is about; few when it names none, those with an answer first."""
    questions = tell.plan.questions or tell.state.get("focus_questions", []) or QUESTIONS
    found = [(item, verdict) for item in tell.state["items"] for verdict in tell.chosen(item, questions)]
    if tell.plan.questions:
        return found
    return sorted(found, key=lambda pair: pair[1].label == INCONCLUSIVE)[:MOST_TOLD]


def _untold(tell: Telling) -> Iterator[str]:
    told = {(item, verdict.id) for item, verdict in _spoken_of(tell)}
    questions = {
        verdict.question
        for item in tell.state["items"]
        for verdict in tell.chosen(item, tell.plan.questions or QUESTIONS)
        if (item, verdict.id) not in told
    }
    if questions:
        names = listed([question for question in QUESTIONS if question in questions], tell.language)
        yield phrases.say(tell.language, "more_verdicts", questions=names)


def _title(tell: Telling, name: str, item: str, verdict: Verdict) -> Iterator[str]:
    yield from tell.header(item)
    yield phrases.say(
        tell.language, name, subject=verdict.subject, question=phrases.question(tell.language, verdict.question),
        label=phrases.label(tell.language, verdict.label),
    )  # fmt: skip


def _subject(tell: Telling, item: str, verdict: Verdict) -> Face | Picture:
    key = f"{item}/{verdict.subject}"
    return tell.book.get(key, Face) if tell.book.is_a(key, Face) else tell.book.get(f"{item}/{SUBJECT}", Picture)


def _change(tell: Telling, name: str, item: str, change: Change) -> str:
    return phrases.say(
        tell.language, name, evidence=tell.named(item, change.evidence),
        entry=f" ({phrases.label(tell.language, change.entry)})" if change.entry else "",
        needed=f"{change.needed:.2f}", measured=f"{change.measured:.2f}",
        label=phrases.label(tell.language, change.label),
    )  # fmt: skip
