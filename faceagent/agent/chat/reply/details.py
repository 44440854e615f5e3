"""Follow-ups about recorded verdicts: how sure, where, by which tool, in percent, yes or no, more simply."""

from collections.abc import Iterator

from faceagent.agent.chat import phrases
from faceagent.agent.chat.follow_up import SUFFIXES
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.explain.heat import HOT
from faceagent.explain.summary.sentences import sentences_in
from faceagent.judge import wording
from faceagent.types import INCONCLUSIVE, Evidence, Verdict

MOST_PLACES = 3
"""Places of a face that are named, the strongest first."""


def certainty(context: ReplyContext) -> Iterator[str]:
    """How far each verdict can be trusted: the test's power, the probability, and what second looks said."""
    for item, verdict in context.meant():
        summary = context.summary(item, [verdict], "plain")
        yield f"{_lead(context, item, verdict)}{summary.answer}"
        yield from (text for text in (summary.trust, _probability(context, verdict)) if text)
        yield from _second_look(context, item, verdict)


def percent(context: ReplyContext) -> Iterator[str]:
    """Each verdict as a probability with its interval, where it has one."""
    for item, verdict in context.meant():
        said = _probability(context, verdict) or phrases.say(context.language, "no_probability")
        yield f"{_lead(context, item, verdict)}{said}"


def yes_no(context: ReplyContext) -> Iterator[str]:
    """Each verdict as yes, no or cannot tell, and nothing more."""
    for item, verdict in context.meant():
        yield f"{_lead(context, item, verdict)}{context.summary(item, [verdict], 'short').answer}"


def simplify(context: ReplyContext) -> Iterator[str]:
    """Each verdict in plain words without a number of evidence."""
    for item, verdict in context.meant():
        summary = context.summary(item, [verdict], "plain")
        yield f"{_lead(context, item, verdict)}{summary.answer}"
        yield from (text for text in (summary.reason, summary.trust, summary.next_step) if text)


def where(context: ReplyContext) -> Iterator[str]:
    """The places of the face or the parts of the file that each verdict rests on."""
    for item, verdict in context.meant():
        yield f"{_lead(context, item, verdict)}{_where(context, item, verdict)}"


def which_tool(context: ReplyContext) -> Iterator[str]:
    """The tools that measured what each verdict rests on, with versions and evidence."""
    tools = context.turn.tools
    for item, verdict in context.meant():
        named = {*verdict.supports, *verdict.contradicts}
        used = [one for one in context.evidence_of(item) if one.id in named]
        by_tool: dict[str, list[str]] = {}
        for one in used:
            title = tools[one.tool.name].spec.title if one.tool.name in tools else one.tool.name
            by_tool.setdefault(f"{title} {one.tool.version}", []).append(one.id)
        listed = [f"{title}{context.format_citations(item, ids)}" for title, ids in by_tool.items()]
        key = "measured_by" if listed else "measured_by_nothing"
        said = phrases.say(context.language, key, tools="; ".join(listed))
        yield f"{_lead(context, item, verdict)}{said}"


def _lead(context: ReplyContext, item: str, verdict: Verdict) -> str:
    """What the line is about, where the turn is about several verdicts."""
    if len(context.meant()) < 2:
        return ""
    name = sentences_in(context.language).capital(context.name(item, verdict))
    return phrases.say(context.language, "lead", name=name)


def _probability(context: ReplyContext, verdict: Verdict) -> str | None:
    found = verdict.probability
    if found is None or verdict.label == INCONCLUSIVE:
        return None
    low, value, high = (wording.percent(one) for one in (found.low, found.value, found.high))
    label = phrases.label(context.language, verdict.label)
    # A ratio at the most that its calibration can show has no interval of its own.
    key = "probability_alone" if low == high else "probability"
    return phrases.say(context.language, key, label=label, value=value, low=low, high=high)


def _second_look(context: ReplyContext, item: str, verdict: Verdict) -> Iterator[str]:
    """How many further measurements through other crops agree, where the verdict was open."""
    looks = [
        one
        for one in context.evidence_of(item)
        if one.id.endswith(SUFFIXES) and one.subject == verdict.subject and one.question == verdict.question
    ]
    if looks and verdict.status != "stable":
        yield phrases.say(
            context.language,
            "second_look",
            total=str(len(looks)),
            agree=str(sum(one.facts.get("agrees") == "yes" for one in looks)),
            cites=context.format_citations(item, [one.id for one in looks]),
        )


def _where(context: ReplyContext, item: str, verdict: Verdict) -> str:
    language, words = context.language, sentences_in(context.language)
    if verdict.question == "provenance":
        return phrases.say(language, "where_file")
    regions = [
        one
        for one in context.evidence_of(item)
        if one.subject == verdict.subject and one.question == verdict.question and one.region and one.score
    ]
    if regions:
        ranked = sorted(regions, key=_heat, reverse=True)
        hot = [one for one in ranked if _heat(one) >= HOT][:MOST_PLACES]
        named = [f"{words.say('where', one.region or 'overall')} ({_heat(one):.2f}/1)" for one in hot or ranked[:1]]
        cited = context.format_citations(item, [one.id for one in hot or ranked[:1]])
        return phrases.say(language, "where_places" if hot else "where_nothing", list=words.join(named), cites=cited)
    summary = context.summary(item, [verdict], "plain")
    if verdict.question in ("expression", "action_units") and summary.reason:
        return f"{summary.reason}{context.format_citations(item, summary.cites)}"
    return phrases.say(language, "where_whole")


def _heat(item: Evidence) -> float:
    return item.score.value if item.score is not None else 0.0
