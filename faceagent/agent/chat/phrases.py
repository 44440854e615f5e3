"""The conversation's own sentences, from ``phrases.toml``, in English, Chinese or Spanish.

Everything else it says is quoted from the record.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from faceagent.agent.route.plan import Language
from faceagent.types import Problem, Refused

_PIECE = re.compile(r"\s*\S{1,24}\s*")


@cache
def _texts() -> dict[str, Any]:
    file = resources.files("faceagent.agent.chat").joinpath("phrases.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def say(language: Language, name: str, /, **filled: str) -> str:
    """The sentence of that name with its places filled."""
    return str(_texts()[name][language]).format_map(filled)


def status(language: Language, name: str) -> str:
    """The words for contested and uncertain."""
    return str(_texts()["status"][name][language])


def label(language: Language, name: str) -> str:
    """A label as a person would say it; FACS codes and ranges of years stay as they are."""
    known = _texts()["labels"].get(language, {})
    return str(known.get(name, name.replace("_", " ")))


def reason(language: Language, name: str) -> str:
    """A reason code in words."""
    return str(_texts()["reasons"].get(language, {}).get(name, name.replace("_", " ")))


def refusal(language: Language, one: Refused) -> str:
    """That something is not answered, by which rule."""
    notice = _texts()["topics"].get(language, {}).get(one.topic, one.notice)
    return say(language, "refused", topic=one.topic.replace("_", " "), notice=notice, rule=one.rule)


def gone(language: Language, picture: str, problem: Problem) -> str:
    """That a picture was there and no longer is."""
    return say(language, "gone", picture=picture, why=problem.message)


def unreadable(language: Language, picture: str, problem: Problem) -> str:
    """That a picture could not be read in the first place."""
    return say(language, "unreadable", picture=picture, why=" ".join(filter(None, (problem.message, problem.remedy))))


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
