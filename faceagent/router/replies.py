"""What is asked back when a turn cannot be run as it is, in the language it was written in."""

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from faceagent.router.plan import Language
from faceagent.types import QUESTIONS, Question

_MARKS: dict[Language, str] = {"en": ", ", "zh": "、", "es": ", "}


@cache
def _texts() -> dict[str, Any]:
    file = resources.files("faceagent.router").joinpath("replies.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def reply(name: str, language: Language, **filled: object) -> str:
    """The reply of that name, with its places filled."""
    known = {"questions": listed(QUESTIONS, language), **filled}
    return str(_texts()[name][language]).format(**known)


def listed(questions: Iterable[Question], language: Language) -> str:
    """Questions as a person would name them, set apart by commas."""
    words = words_of(language)
    return _MARKS[language].join(words[question] for question in questions)


def words_of(language: Language) -> dict[Question, str]:
    """What a person would call each question."""
    return dict(_texts()["questions"][language])
