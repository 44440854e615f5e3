"""A line per verdict, what more was measured and why, and the notices that apply."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases
from faceagent.agent.chat.further import LOOKS
from faceagent.agent.chat.reply.telling import Telling
from faceagent.judge import wording
from faceagent.types import INCONCLUSIVE, Evidence, PolicyDecision, Verdict


def lines(tell: Telling) -> Iterator[str]:
    """The answer to what was asked."""
    if not tell.state["allowed"]:
        purpose = phrases.purpose(tell.language, tell.plan.purpose)
        yield phrases.say(tell.language, "nothing_allowed", purpose=purpose)
    for item in tell.state["items"]:
        found = [_line(tell, item, verdict) for verdict in tell.chosen(item, tell.state["allowed"])]
        if found:
            yield from tell.header(item)
        yield from found
        yield from _second_looks(tell, item)
    yield from _notices(tell)


def _line(tell: Telling, item: str, verdict: Verdict) -> str:
    answer = verdict.wording if tell.language == "en" else _translated(tell, verdict)
    said = verdict.status == "stable" or (verdict.label == INCONCLUSIVE and verdict.status == "uncertain")
    return phrases.say(
        tell.language, "verdict", subject=verdict.subject, question=phrases.question(tell.language, verdict.question),
        answer=answer, status="" if said else phrases.say(tell.language, verdict.status),
        cites=tell.cites(item, (*verdict.supports, *verdict.contradicts)),
    )  # fmt: skip


def _translated(tell: Telling, verdict: Verdict) -> str:
    language, label = tell.language, phrases.label(tell.language, verdict.label)
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


def _second_looks(tell: Telling, item: str) -> Iterator[str]:
    """What was looked at again because a verdict was open, and how it came out."""
    for verdict in tell.chosen(item, tell.state["allowed"]):
        keys = [key for key in tell.book.keys(item, Evidence) if key.endswith(LOOKS)]
        looks = [
            one
            for key in keys
            if (one := tell.book.get(key, Evidence)).subject == verdict.subject and one.question == verdict.question
        ]
        if not looks or verdict.status == "stable":
            continue
        yield phrases.say(
            tell.language, "second_look", subject=verdict.subject,
            question=phrases.question(tell.language, verdict.question),
            status=phrases.status(tell.language, verdict.status), total=str(len(looks)),
            agree=str(sum(one.facts.get("agrees") == "yes" for one in looks)),
            cites=tell.cites(item, [one.id for one in looks]),
        )  # fmt: skip


def _notices(tell: Telling) -> Iterator[str]:
    """Each once, although several questions may share it."""
    said = {
        phrases.notice(tell.language, decision)
        for decision in tell.book.all(PolicyDecision)
        if decision.notice
        and decision.decision == "allow_with_notice"
        and decision.question in tell.state["allowed"]
        and (decision.purpose, decision.jurisdiction) == (tell.plan.purpose, tell.plan.jurisdiction)
    }
    yield from sorted(said)
