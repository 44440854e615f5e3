"""Labelled sentences to train the reader with: ``requests.txt`` beside this module, and the labelled queries of evals.

``requests.txt`` holds blocks. A line ``## label`` opens a block; every line after it is one sentence of that label, in
any language; ``de|`` before a sentence names its language where letters do not show it. Labels:

    a QUESTIONS | a all | a follow     asks these questions, for everything, or the same about another face or picture
    compare QUESTION | KIND            a kind of turn of ``router.plan``
    topic TOPIC                        asks for what is refused
    harmless QUESTIONS                 asks a question in words that resemble a refused topic
    pu PURPOSE QUESTION                asks about somebody seen for that purpose
    nopu QUESTION                      names such places and people and is not about that purpose
    fact FACTS QUESTION                asks for facts of the file's record
    off                                asks nothing of a picture or this program
"""

import re
from collections.abc import Iterator
from importlib import resources
from typing import NamedTuple

from evals.data.queries import FIRST, REFUSALS, Query, Set, queries
from faceagent import policy
from faceagent.router.plan import FOLLOW_UPS
from faceagent.types import QUESTIONS

SHORT = {
    "ex": "expression", "au": "action_units", "fo": "forgery", "mo": "morph", "sp": "spoof", "id": "identity",
    "ag": "age", "ge": "gender", "qu": "quality", "pr": "provenance",
}  # fmt: skip
SCRIPTS = {
    "ja": "[\u3040-\u30ff]", "ko": "[\uac00-\ud7af]", "ar": "[\u0600-\u06ff]", "ru": "[\u0400-\u04ff]",
    "hi": "[\u0900-\u097f]", "zh": "[\u3400-\u9fff]", "es": "[¿¡ñáéíóú]",
}  # fmt: skip
KEPT = ("paraphrases-9", "policy-5")
"""Sets that nothing was trained on."""
TRAINED: tuple[Set, ...] = tuple(name for name in ("queries", *FIRST, "policy", *REFUSALS) if name not in KEPT)
_TAGGED = re.compile(r"([a-z]{2})\|(.*)")


class Example(NamedTuple):
    """One sentence. ``facts`` is None where it may ask for some that are not labelled."""

    text: str
    kind: str
    questions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    facts: tuple[str, ...] | None = ()
    purpose: str = "unstated"
    language: str | None = None


def examples() -> list[Example]:
    """All sentences, those written for training first."""
    return [*written(), *labelled_queries()]


def written() -> Iterator[Example]:
    """The sentences of ``requests.txt``."""
    label: list[str] = []
    for line in resources.files("finetune.text.reader").joinpath("requests.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            label = line[3:].split()
        elif line:
            tagged = _TAGGED.match(line)
            text = tagged[2] if tagged else line
            yield _example(text, label)._replace(language=tagged[1] if tagged else _language(text))


def _example(text: str, label: list[str]) -> Example:
    name, rest = label[0], label[1:]
    if name == "off":
        return Example(text, "out_of_scope")
    if name == "topic":
        return Example(text, "refused", topics=(rest[0],))
    if name == "a" and rest[0] in ("all", "follow"):
        return Example(text, "everything" if rest[0] == "all" else "follow")
    if name == "fact":
        return Example(text, "analyse", _questions(rest[1]), facts=tuple(rest[0].split(",")))
    if name == "pu":
        return Example(text, "analyse", _questions(rest[1]), purpose=rest[0])
    if name == "harmless" and rest[0] not in SHORT:
        return Example(text, rest[0])
    if name in ("a", "harmless", "nopu", "mix"):
        questions = _questions(rest[0])
        return Example(text, "analyse", questions, facts=None if "provenance" in questions else ())
    return Example(text, name, _questions(rest[0]) if rest else ())


def _questions(names: str) -> tuple[str, ...]:
    return tuple(SHORT[name] for name in names.split(","))


def _language(text: str) -> str:
    return next((code for code, script in SCRIPTS.items() if re.search(script, text)), "en")


def labelled_queries() -> Iterator[Example]:
    """The queries of the routing evaluation, as labelled; each set was run once before it came here."""
    for name in TRAINED:
        for query in queries(name):
            if query.expect.get("kind") != "unclear":
                yield _of_query(query)
    yield from (_of_query(query) for query in queries("remarks") if query.group == "set-8")


def _of_query(query: Query) -> Example:
    """A labelled query as a sentence without its conversation: a question of the turn before is none of its own."""
    expect, rules = query.expect, query.plan()
    refused = expect.get("refused", ())
    topics = tuple(name for name in refused if name in policy.TOPICS)
    asked = (*expect.get("questions", ()), *(name for name in refused if name in QUESTIONS))
    named = query.model_copy(update={"context": type(query.context)()}).plan().questions if asked else ()
    kind = str(expect.get("kind", "refused" if topics and not asked else "analyse"))
    if kind == "refused" and not topics:
        kind = "analyse"
    if kind == "analyse" and not asked:
        kind = "everything"
    elif kind == "analyse" and query.context.questions and not named and not topics:
        kind = "follow"
    inherits = bool(query.context.questions) or kind in FOLLOW_UPS
    questions = tuple(name for name in asked if name in named or not inherits)
    facts = tuple(expect.get("file_facts", rules.file_facts)) or (None if "provenance" in questions else ())
    stated = rules.purpose if rules.purpose_change == "stated" else "unstated"
    return Example(query.text, kind, questions, topics, facts, expect.get("purpose", stated), rules.language)
