"""The sentences of the conversation, from ``conversation.toml`` of each language in the router's ``lexicon/``.

A sentence that a language lacks is given in English. Everything else is quoted from the record; a label, reason or
notice without a translation is given as recorded.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from faceagent.router.languages import BASE, CONVERSATION, available_languages, sentences_of
from faceagent.router.plan import FileFact, Language
from faceagent.router.replies import format_questions
from faceagent.types import QUESTIONS, FacePart, PolicyDecision, Problem, Question, Refused

_PIECE = re.compile(r"\s*\S{1,24}\s*")


def say(language: Language, name: str, /, **filled: str) -> str:
    """The sentence of that name with its places filled."""
    return str(_sentences(language)[name]).format_map(filled)


def label(language: Language, name: str) -> str:
    """A label as a person would say it; FACS codes and numbers of years stay as they are."""
    known = _translations("labels", language)
    if name.endswith(" years"):
        return name.removesuffix("years") + known.get("years", "years")
    return known.get(name, name.replace("_", " "))


def reason(language: Language, name: str) -> str:
    """A reason code in words."""
    return _translations("reasons", language).get(name, name.replace("_", " "))


def question(language: Language, one: Question) -> str:
    """A question as a person would call it."""
    return one.replace("_", " ") if language == BASE else format_questions((one,), language)


def refusal(language: Language, one: Refused) -> str:
    """That something is not answered, by which rule."""
    known = _translations("topics", language) | _translations("barred", language)
    notice = known.get(one.topic, known.get(one.rule, one.notice))
    name = next((question(language, asked) for asked in QUESTIONS if asked == one.topic), one.topic.replace("_", " "))
    topic = _translations("named", language).get(one.topic, name)
    return say(language, "refused", topic=topic, notice=notice, rule=one.rule)


def notice(language: Language, one: PolicyDecision) -> str:
    """What has to be said beside an answer."""
    words = _translations("notices", language).get(one.question, one.notice or "")
    return say(language, "notice", notice=words, rule=one.rule)


def part(language: Language, name: FacePart) -> str:
    """A part of the face as a person would call it; left and right are the subject's own."""
    return str(_sentences(language)["parts"][name])


def file_fact(language: Language, name: FileFact) -> str:
    """A fact of a file as a person would call it."""
    return str(_sentences(language)["file_facts"][name])


def purpose(language: Language, name: str) -> str:
    """Why somebody asks."""
    return _translations("purposes", language).get(name, name)


def gone(language: Language, picture: str, problem: Problem) -> str:
    """That a picture was there and no longer is."""
    return say(language, "gone", picture=picture, why=_problem(language, problem, problem.message))


def unreadable(language: Language, picture: str, problem: Problem) -> str:
    """That a picture could not be read in the first place."""
    words = " ".join(filter(None, (problem.message, problem.remedy)))
    return say(language, "unreadable", picture=picture, why=_problem(language, problem, words))


def _problem(language: Language, problem: Problem, english: str) -> str:
    if language == BASE:
        return english
    return reason(language, problem.reason) + str(_sentences(language)["full_stop"])


def _translations(table: str, language: Language) -> dict[str, str]:
    """A table of translations; empty for English, the language of the record."""
    return dict(_sentences(language).get(table, {}))


def either(language: Language, options: Sequence[str]) -> str:
    """Options as a choice: F1, F2 or F3."""
    return ", ".join(options[:-1]) + say(language, "or") + options[-1] if len(options) > 1 else "".join(options)


def means_yes(answer: str) -> bool:
    """Whether an answer to the sign-off is a plain yes, in any language; anything else does not release."""
    words = answer.strip(" .!。！").casefold()
    return any(words in _sentences(language)["yes"] for language in available_languages())


def pieces(text: str) -> Iterator[str]:
    """``text`` in pieces to be streamed, word by word; together they are the text."""
    if not text.strip():
        yield text
        return
    yield from _PIECE.findall(text)


def _sentences(language: Language) -> dict[str, Any]:
    """Everything that the conversation says in one language."""
    return sentences_of(language, CONVERSATION)
