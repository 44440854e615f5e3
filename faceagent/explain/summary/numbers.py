"""The numbers behind a summary in one sentence each, for readers who want them: probability, ratio and line."""

from collections.abc import Mapping, Sequence

from faceagent.explain.summary.places import name_faces
from faceagent.explain.summary.sentences import Sentences
from faceagent.judge import wording
from faceagent.types import Verdict

MOST = 4
"""Verdicts whose numbers stand in the sentence; the tables hold all."""


def numbers(words: Sentences, order: Sequence[Verdict], places: Mapping[str, str]) -> str:
    """The numbers of the most important verdicts; empty where none has any."""
    return words.paragraph([text for one in order if (text := _verdict(words, one, places))][:MOST])


def _verdict(words: Sentences, verdict: Verdict, places: Mapping[str, str]) -> str | None:
    parts = []
    if verdict.probability is not None:
        low, value, high = (
            wording.percent(one)
            for one in (verdict.probability.low, verdict.probability.value, verdict.probability.high)
        )
        parts.append(words.say("probability", value=value, low=low, high=high))
    if verdict.llr is not None:
        parts.append(words.say("ratio", ratio=wording.ratio(abs(verdict.llr)).removeprefix("LR ")))
    if verdict.operating_point is not None:
        parts.append(words.say("line", name=verdict.operating_point.name))
    if not parts:
        return None
    question = words.find("questions", verdict.question) or verdict.question.replace("_", " ")
    subject = words.capital(name_faces(words, [verdict.subject], places, "lead"))
    return words.say("numbers", subject=subject, question=question, numbers=words.tables["list"].join(parts))
