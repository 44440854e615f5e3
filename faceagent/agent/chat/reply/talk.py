"""Replies about the conversation and the program: help, thanks, terms, purposes, refusals. Nothing is measured."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.state import TurnContext
from faceagent.explain.glossary import define
from faceagent.router import Plan
from faceagent.router.replies import format_questions
from faceagent.types import QUESTIONS, Evidence, PolicyDecision, Refused
from faceagent.version import __version__


def lines(context: TurnContext, plan: Plan) -> Iterator[str]:
    """The reply to a turn that is about no picture."""
    language = plan.language
    if plan.kind == "define":
        yield _definition(context, plan)
    elif plan.kind == "why_refused":
        yield from _refusals(context, plan)
    elif plan.kind == "purpose":
        key = {"stated": "purpose_stated", "revoked": "purpose_revoked"}.get(plan.purpose_change, "purpose_same")
        yield phrases.say(language, key, purpose=phrases.purpose(language, plan.purpose))
    elif plan.kind == "about":
        yield phrases.say(language, "about", version=__version__)
    elif plan.kind in ("thanks", "bye", "quit"):
        yield phrases.say(language, "bye" if plan.kind == "quit" else plan.kind)
    elif plan.kind == "out_of_scope":
        yield phrases.say(language, "out_of_scope", questions=format_questions(QUESTIONS, language))
    elif plan.kind == "help":
        yield phrases.say(language, "help", questions=format_questions(QUESTIONS, language))


def _definition(context: TurnContext, plan: Plan) -> str:
    """The meaning of a term; of an item of evidence, what it recorded."""
    if plan.term is None:
        return phrases.say(plan.language, "which_term")
    term = plan.term
    keys = context.record.evidence_keys()
    number = term[1:] if term[:1] in "eE" and term[1:].isdecimal() else ""
    if number and 1 <= int(number) <= len(keys):
        return " ".join(context.record.get(keys[int(number) - 1], Evidence).statement.split())
    return define(term, plan.language) or phrases.say(plan.language, "unknown_term", term=term)


def _refusals(context: TurnContext, plan: Plan) -> Iterator[str]:
    """The rule behind everything that was refused, each once, and what can be asked instead."""
    barred = [
        Refused(topic=one.question, rule=one.rule, notice=one.notice or "")
        for one in context.record.all(PolicyDecision)
        if one.decision == "refuse"
    ]
    found = list(dict.fromkeys(phrases.refusal(plan.language, one) for one in [*context.record.all(Refused), *barred]))
    yield from found or [phrases.say(plan.language, "nothing_refused")]


def report_lines(context: TurnContext, plan: Plan, items: list[str]) -> Iterator[str]:
    """How to get the written report on the pictures meant."""
    for item in items:
        name = queries.name_of(context.record, item)
        yield phrases.say(plan.language, "report_ready", picture=name, number=item)
