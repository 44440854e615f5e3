"""What is asked back when a turn cannot be run as it is, in the language of the turn.

The sentences stand in ``lexicon/<language>/replies.toml``; a sentence that a language lacks is given in English.
"""

from collections.abc import Iterable
from typing import Any

from faceagent.router.languages import REPLIES, sentences_of
from faceagent.router.plan import Language
from faceagent.types import QUESTIONS, Question


def reply(name: str, language: Language, **values: object) -> str:
    """The reply of that name with its places filled."""
    known = {"questions": format_questions(QUESTIONS, language), **values}
    return str(_replies(language)[name]).format(**known)


def format_questions(questions: Iterable[Question], language: Language) -> str:
    """Questions as a person would call them, separated as the language separates a list."""
    names = question_names(language)
    return str(_replies(language)["separator"]).join(names[question] for question in questions)


def question_names(language: Language) -> dict[Question, str]:
    """What a person would call each question."""
    return dict(_replies(language)["questions"])


def _replies(language: Language) -> dict[str, Any]:
    return sentences_of(language, REPLIES, "questions")
