"""What is asked back when a turn cannot be run as it is, in the language it was written in."""

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from faceagent.agent.route.plan import Language
from faceagent.types import QUESTIONS, Question

_MARKS: dict[Language, str] = {"en": ", ", "zh": "、", "es": ", "}


@cache
def _texts() -> dict[str, Any]:
    file = resources.files("faceagent.agent.route").joinpath("replies.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def reply(name: str, language: Language, **filled: object) -> str:
    """The reply of that name, with its places filled."""
    known = {"questions": listed(QUESTIONS, language), **filled}
    return str(_texts()[name][language]).format(**known)


def listed(questions: Iterable[Question], language: Language) -> str:
    """Questions as a person would name them, set apart by commas."""
    words = _texts()["questions"][language]
    return _MARKS[language].join(words[question] for question in questions)


def placed(faces: Iterable[tuple[str, float]], language: Language) -> str:
    """Faces as a person can find them: "F2 (left), F1 (right)". Each comes with its place across, 0 left to 1 right."""
    words = _texts()["places"][language]
    thirds = ("left", "middle", "right")
    return _MARKS[language].join(f"{name} ({words[thirds[min(int(across * 3), 2)]]})" for name, across in faces)
