"""Lines of one's own: after which verdicts ``faceagent analyze`` ends with the exit code ``FLAGGED``.

A line is a label ("forged", in any language of the chat), an action of the shipped policy ("act", "review"), or a
question with a probability at even odds ("forgery>=0.9"). A probability counts only where the face is one that the
detectors know.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import NamedTuple

from faceagent.agent.chat import phrases
from faceagent.errors import InputError
from faceagent.router.languages import available_languages
from faceagent.types import QUESTIONS, Action, Report, Verdict

LABELS = ("forged", "morph", "spoof", "other_person", "genuine", "invalid", "declares_synthetic", "unusable")
"""Labels that can be named; a verdict that only leans to one does not count."""
ACTIONS: dict[str, tuple[Action, ...]] = {"act": ("act",), "review": ("review", "act")}
"""Actions that can be named, and the recommendations that meet each."""
TWO_SIDED = ("forgery", "morph", "spoof", "identity", "gender")
"""Questions whose verdicts carry the probability of their positive side."""
_LINE = re.compile(r"(\w+)\s*>=?\s*(\d*\.?\d+)\s*(%?)")


class Line(NamedTuple):
    """One condition as it was typed, and whether a verdict meets it."""

    text: str
    met_by: Callable[[Verdict], bool]


def parse(texts: Iterable[str]) -> list[Line]:
    """The conditions. Raises InputError for one that names no label, action or question, or no probability."""
    return [Line(text.strip(), _condition(text.strip())) for text in texts]


def met(lines: Sequence[Line], report: Report) -> list[tuple[Line, Verdict]]:
    """Every condition that a verdict of the report meets."""
    return [(line, verdict) for line in lines for verdict in report.verdicts if line.met_by(verdict)]


def _condition(text: str) -> Callable[[Verdict], bool]:
    if text in ACTIONS:
        wanted = ACTIONS[text]
        return lambda verdict: verdict.action in wanted
    label = _named().get(text.casefold().replace("_", " "))
    if label is not None:
        return lambda verdict: verdict.firm_label == label
    found = _LINE.fullmatch(text)
    if found is None or found[1] not in QUESTIONS:
        raise InputError(
            f"--fail-on does not know {text!r}.",
            remedy=f"Give a label ({', '.join(LABELS)}), an action (act, review), or a question with a probability, "
            'such as "forgery>=0.9".',
        )
    if found[1] not in TWO_SIDED:
        raise InputError(
            f"{found[1]} has no probability of two sides to compare with.",
            remedy=f"These have one: {', '.join(TWO_SIDED)}.",
        )
    least = float(found[2]) / (100 if found[3] else 1)
    if not 0 < least <= 1:
        raise InputError(f"{text!r} is no probability.", remedy="Give one above 0 and up to 1, such as 0.9.")
    return _at_least(found[1], least, strict=">=" not in text)


@cache
def _named() -> dict[str, str]:
    """The label by each of its names: as recorded, and as each language of the chat says it."""
    names = {label.replace("_", " "): label for label in LABELS}
    for language in available_languages():
        names |= {phrases.label(language, label).casefold(): label for label in LABELS}
    return names


def _at_least(question: str, least: float, *, strict: bool) -> Callable[[Verdict], bool]:
    def met_by(verdict: Verdict) -> bool:
        if verdict.question != question or verdict.positive is None or verdict.reason == "open_set":
            return False
        return verdict.positive.value > least if strict else verdict.positive.value >= least

    return met_by
