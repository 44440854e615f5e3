"""A line per verdict, what more was measured and why, and the notices that apply."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases
from faceagent.agent.chat.follow_up import SUFFIXES
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.judge import wording
from faceagent.types import INCONCLUSIVE, Evidence, PolicyDecision, Verdict


def lines(context: ReplyContext) -> Iterator[str]:
    """The answer to what was asked."""
    if not context.state["allowed"]:
        purpose = phrases.purpose(context.language, context.plan.purpose)
        yield phrases.say(context.language, "nothing_allowed", purpose=purpose)
    for item in context.state["items"]:
        found = [_line(context, item, verdict) for verdict in context.verdicts_of(item, context.state["allowed"])]
        if found:
            yield from context.header(item)
        yield from found
        yield from _second_looks(context, item)
    yield from _notices(context)


def _line(context: ReplyContext, item: str, verdict: Verdict) -> str:
    answer = verdict.wording if context.language == "en" else _translated(context, verdict)
    clear = verdict.status == "stable" or (verdict.label == INCONCLUSIVE and verdict.status == "uncertain")
    return phrases.say(
        context.language,
        "verdict",
        subject=verdict.subject,
        question=phrases.question(context.language, verdict.question),
        answer=answer,
        status="" if clear else phrases.say(context.language, verdict.status),
        cites=context.format_citations(item, (*verdict.supports, *verdict.contradicts)),
    )


def _translated(context: ReplyContext, verdict: Verdict) -> str:
    language, label = context.language, phrases.label(context.language, verdict.label)
    if verdict.label == INCONCLUSIVE and verdict.reason:
        return phrases.say(language, "because", label=label, reason=phrases.reason(language, verdict.reason))
    if verdict.probability is None:
        return phrases.say(language, "plain", label=label)
    low, high = (wording.percent(value) for value in (verdict.probability.low, verdict.probability.high))
    if verdict.llr is not None:
        ratio = wording.ratio(abs(verdict.llr)).removeprefix("LR ")
        return phrases.say(language, "ratio", label=label, ratio=ratio, low=low, high=high)
    value = wording.percent(verdict.probability.value)
    return phrases.say(language, "probability", label=label, value=value, low=low, high=high)


def _second_looks(context: ReplyContext, item: str) -> Iterator[str]:
    """What was measured again because a verdict was open, and the result."""
    for verdict in context.verdicts_of(item, context.state["allowed"]):
        keys = [key for key in context.record.keys(item, Evidence) if key.endswith(SUFFIXES)]
        looks = [
            one
            for key in keys
            if (one := context.record.get(key, Evidence)).subject == verdict.subject
            and one.question == verdict.question
        ]
        if not looks or verdict.status == "stable":
            continue
        yield phrases.say(
            context.language,
            "second_look",
            subject=verdict.subject,
            question=phrases.question(context.language, verdict.question),
            status=phrases.status(context.language, verdict.status),
            total=str(len(looks)),
            agree=str(sum(one.facts.get("agrees") == "yes" for one in looks)),
            cites=context.format_citations(item, [one.id for one in looks]),
        )


def _notices(context: ReplyContext) -> Iterator[str]:
    """Each once, although several questions may share it."""
    lines = {
        phrases.notice(context.language, decision)
        for decision in context.record.all(PolicyDecision)
        if decision.notice
        and decision.decision == "allow_with_notice"
        and decision.question in context.state["allowed"]
        and (decision.purpose, decision.jurisdiction) == (context.plan.purpose, context.plan.jurisdiction)
    }
    yield from sorted(lines)
