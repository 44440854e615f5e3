"""The conversation's own sentences, from ``phrases.toml``, in English, Chinese or Spanish.

Everything else it says is quoted from the record; what has no translation is said as it is recorded.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from faceagent.router.plan import Language
from faceagent.router.replies import format_questions
from faceagent.types import QUESTIONS, PolicyDecision, Problem, Question, Refused

_PIECE = re.compile(r"\s*\S{1,24}\s*")


@cache
def _texts() -> dict[str, Any]:
    file = resources.files("faceagent.agent.chat").joinpath("phrases.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def say(language: Language, name: str, /, **filled: str) -> str:
    """The sentence of that name with its places filled."""
    return str(_texts()[name][language]).format_map(filled)


def status(language: Language, name: str) -> str:
    """The words for stable, contested and uncertain."""
    return str(_texts()["status"][name][language])


def label(language: Language, name: str) -> str:
    """A label as a person would say it; FACS codes and ranges of years stay as they are."""
    known = _translated("labels", language)
    if name.endswith(" years"):
        return name.removesuffix("years") + known.get("years", "years")
    return known.get(name, name.replace("_", " "))


def reason(language: Language, name: str) -> str:
    """A reason code in words."""
    return _translated("reasons", language).get(name, name.replace("_", " "))


def question(language: Language, one: Question) -> str:
    """A question as a person would call it."""
    return one.replace("_", " ") if language == "en" else format_questions((one,), language)


def refusal(language: Language, one: Refused) -> str:
    """That something is not answered, by which rule."""
    known = _translated("topics", language) | _translated("barred", language)
    notice = known.get(one.topic, known.get(one.rule, one.notice))
    name = next((question(language, asked) for asked in QUESTIONS if asked == one.topic), one.topic.replace("_", " "))
    topic = _translated("named", language).get(one.topic, name)
    return say(language, "refused", topic=topic, notice=notice, rule=one.rule)


def notice(language: Language, one: PolicyDecision) -> str:
    """What has to be said beside an answer."""
    words = _translated("notices", language).get(one.question, one.notice or "")
    return say(language, "notice", notice=words, rule=one.rule)


def purpose(language: Language, name: str) -> str:
    """Why somebody asks."""
    return _translated("purposes", language).get(name, name)


def columns(language: Language) -> list[str]:
    """Headings of the table of verdicts."""
    return list(_texts()["columns"][language])


def gone(language: Language, picture: str, problem: Problem) -> str:
    """That a picture was there and no longer is."""
    return say(language, "gone", picture=picture, why=_problem(language, problem, problem.message))


def unreadable(language: Language, picture: str, problem: Problem) -> str:
    """That a picture could not be read in the first place."""
    words = " ".join(filter(None, (problem.message, problem.remedy)))
    return say(language, "unreadable", picture=picture, why=_problem(language, problem, words))


def _problem(language: Language, problem: Problem, english: str) -> str:
    return english if language == "en" else reason(language, problem.reason) + ("。" if language == "zh" else ".")


def _translated(table: str, language: Language) -> dict[str, str]:
    """A table of translations; empty for English, which is said as it is recorded."""
    return dict(_texts()[table].get(language, {}))


def either(language: Language, options: Sequence[str]) -> str:
    """Options as a choice: F1, F2 or F3."""
    return ", ".join(options[:-1]) + say(language, "or") + options[-1] if len(options) > 1 else "".join(options)


def means_yes(answer: str) -> bool:
    """Whether an answer to the sign-off releases; anything but a plain yes does not."""
    return answer.strip(" .!。！").casefold() in _texts()["yes"]["words"]


def pieces(text: str) -> Iterator[str]:
    """``text`` in pieces to be streamed, word by word; together they are the text."""
    if not text.strip():
        yield text
        return
    yield from _PIECE.findall(text)
