"""Labelled sentences to train the reader with: the files beside this module, and the labelled queries of evals.

The ``.txt`` files hold blocks. A line ``## label`` opens a block; every line after it is one
sentence of that label, in any language; ``de|`` before it names its language where letters do not show it. Labels:

    a QUESTIONS | a all | a follow     asks these questions, for everything, or the same about another face or picture
    compare QUESTION | KIND            a kind of turn of ``router.plan``
    topic TOPIC                        asks for what is refused
    harmless QUESTIONS                 asks a question in words that resemble a refused topic
    pu PURPOSE QUESTION                asks about somebody seen for that purpose
    nopu QUESTION                      names such places and people and is not about that purpose
    fact FACTS QUESTION                asks for facts of the file's record
    off                                asks nothing of a picture or this program
"""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from evals.data.queries import FIRST, KEPT, KEPT_REMARKS, REFUSALS, Query, Set, queries
from faceagent import policy
from faceagent.router.grammar import grammar
from faceagent.router.normalize import normalize
from faceagent.router.plan import FOLLOW_UPS, NOTHING_RUNS, FaceReference
from faceagent.router.reader import details_of
from faceagent.types import QUESTIONS
from finetune.text.reader.templates import expand, read_lists, retype

SHORT = {
    "ex": "expression", "au": "action_units", "fo": "forgery", "mo": "morph", "sp": "spoof", "id": "identity",
    "ag": "age", "ge": "gender", "qu": "quality", "pr": "provenance",
    "gn": "generated",
}  # fmt: skip
SCRIPTS = {
    "ja": "[\u3040-\u30ff]", "ko": "[\uac00-\ud7af]", "ar": "[\u0600-\u06ff]", "ru": "[\u0400-\u04ff]",
    "hi": "[\u0900-\u097f]", "zh": "[\u3400-\u9fff]", "es": "[¿¡ñáéíóú]",
}  # fmt: skip
TRAINED: tuple[Set, ...] = tuple(name for name in ("queries", *FIRST, "policy", *REFUSALS) if name not in KEPT)
_TAGGED = re.compile(r"([a-z]{2})\|(.*)")
_TOLD = re.compile(r"((I|my|we|the|it|it's|hoy|mi|perdí)\b|今天|我|手机|明天)[^?？吗]*$", re.IGNORECASE)
"""Remarks that tell something and ask for nothing."""


FILES = (
    "requests.txt", "templates.txt", "wordings.txt", "remarks_and_refusals.txt", "claims_and_facts.txt",
    "requests_by_others.txt", "stories_by_others.txt", "remarks_by_others.txt",
    "english_by_others.txt", "spanish_by_others.txt", "chinese_by_others.txt",
)  # fmt: skip
LABELLED = "labelled_by_others.jsonl"
"""Texts of eight writers who had read neither rules nor lexicon, to labels as those of ``evals.data.queries``."""
UNPLACED_GROUPS = ("asked", "harmless")
"""Groups of policy sets and of their like: they label refusals, and say nothing of faces."""
EXPANSIONS = 5
"""Most sentences of one template."""
ALONE = frozenset({"out_of_scope", "thanks", "bye", "quit", "define", "unclear"})
"""Kinds whose sentences stand alone: nothing is said before or after them."""
UNPLACED = NOTHING_RUNS
"""Kinds whose plans refer to no face, whatever the words say."""
WRAPPED, RETYPED = 0.45, 0.45
"""Share of the sentences that are repeated with something around them, and share that are retyped."""


LED, LED_BY_PEOPLE, FOLLOWED = 0.4, 0.65, 0.8
"""Shares, added up, of what stands around: a lead, words about bystanders, something after; else a remark before."""
_FOLDER = resources.files("finetune.text.reader")
Around = Mapping[str, Mapping[str, list[str]]]


class Example(NamedTuple):
    """One sentence. ``facts`` is None where it may ask for some that are not labelled."""

    text: str
    kind: str
    questions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    facts: tuple[str, ...] | None = ()
    purpose: str = "unstated"
    language: str | None = None
    details: tuple[str, ...] | None = None
    """Who is meant and how thoroughly (``faceagent.router.reader.details_of``); None where that is not labelled."""


def sentences(without: Sequence[str] = ()) -> list[Example]:
    """All sentences as they were written, those written for training first."""
    return [*written(), *labelled_queries(without)]


def varied(found: Sequence[Example]) -> list[Example]:
    """The sentences, and then most of them once more as somebody else might type them."""
    draw = random.Random(0)  # noqa: S311  # choices of training text
    around = tomllib.loads(_FOLDER.joinpath("surroundings.toml").read_text("utf-8"))
    remarks = [one for one in found if one.kind == "out_of_scope" and _TOLD.match(one.text)]
    told = {code: [one.text.rstrip(".。") for one in remarks if one.language == code] for code in around}
    changed = (_changed(one, around, told, draw) for one in found)
    return [*found, *(one for one in changed if one is not None)]


def _changed(one: Example, around: Around, told: Mapping[str, list[str]], draw: random.Random) -> Example | None:
    """The sentence with something said before or after it, typed in haste, or both; None where nothing changes."""
    text = one.text
    language = one.language or ""
    if language in around and one.kind not in ALONE and draw.random() < WRAPPED:
        said, way = around[language], draw.random()
        if way < LED:
            text = draw.choice(said["leads"]) + text
        elif way < LED_BY_PEOPLE:
            text = draw.choice(said["bystanders"]) + text
        elif way < FOLLOWED:
            text = text + draw.choice(said["tails"])
        elif told[language]:
            stop = "。" if language == "zh" else ". "
            text = draw.choice(told[language]) + stop + text
    if draw.random() < RETYPED:
        text = retype(text, draw)
    return one._replace(text=text) if text != one.text else None


def written(files: Sequence[str] = FILES) -> Iterator[Example]:
    """The sentences of the files beside this module, templates expanded; all may use the lists of ``templates.txt``."""
    lists = read_lists(_lines("templates.txt"))
    for name in files:
        # Per file, so that lines added to one leave the choices of the others as they are.
        draw = random.Random(0)  # noqa: S311  # choices of training text
        label: list[str] = []
        for line in _lines(name):
            if line.startswith("## "):
                label = line[3:].split()
            elif line and not line.startswith(("= ", "@ ")):
                tagged = _TAGGED.match(line)
                for one in expand(tagged[2] if tagged else line, lists, EXPANSIONS, draw):
                    language = tagged[1] if tagged else _language(one.text)
                    found = _example(one.text, label)._replace(language=language)
                    yield found._replace(details=one.details if one.details is not None else _nobody(found, name))


def _lines(name: str) -> list[str]:
    return _FOLDER.joinpath(name).read_text("utf-8").splitlines()


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
    if name == "purpose":
        # Without a name in the label it may be any; the head of purposes learns nothing from it.
        return Example(text, "purpose", purpose=rest[0] if rest else "")
    if name == "harmless" and rest[0] not in SHORT:
        return Example(text, rest[0])
    if name in ("a", "harmless", "nopu", "mix"):
        questions = _questions(rest[0])
        return Example(text, "analyse", questions, facts=None if "provenance" in questions else ())
    return Example(text, name, _questions(rest[0]) if rest else ())


def _nobody(one: Example, name: str) -> tuple[str, ...] | None:
    """No details for a sentence of the templates without a person in it; None where somebody may be meant."""
    if name == "requests.txt" or one.kind in UNPLACED or grammar().hits("people", normalize(one.text, {}).text):
        return None
    return ()


def _questions(names: str) -> tuple[str, ...]:
    """Questions by their short names; one that is not registered belongs to manipulation."""
    found = (SHORT[name] for name in names.split(","))
    return tuple(dict.fromkeys(name if name in QUESTIONS else "forgery" for name in found))


def _language(text: str) -> str:
    return next((code for code, script in SCRIPTS.items() if re.search(script, text)), "en")


def labelled_queries(without: Sequence[str] = ()) -> Iterator[Example]:
    """The queries of the routing evaluation, as labelled; each set was run once before it came here."""
    for name in TRAINED:
        for query in () if name in without else queries(name):
            if query.expect.get("kind") != "unclear":
                found = _of_query(query)
                # Sets that label refusals only say nothing of faces.
                yield found._replace(details=None) if name.startswith("policy") else found
    for query in (*queries("remarks"), *labelled_by_others()):
        if query.group not in (*KEPT_REMARKS, *without) and query.expect.get("kind") != "unclear":
            found = _of_query(query)
            yield found._replace(details=None) if query.group in UNPLACED_GROUPS else found


def labelled_by_others() -> Iterator[Query]:
    """Queries that were written for training, to labels that were given."""
    for line in _lines(LABELLED):
        yield Query.model_validate_json(line)


def _of_query(query: Query) -> Example:
    """A labelled query as a sentence without its conversation: a question of the turn before is none of its own."""
    expect, rules = query.expect, query.plan()
    refused = expect.get("refused", ())
    topics = tuple(name for name in refused if name in policy.TOPICS)
    asked = (*expect.get("questions", ()), *(name for name in refused if name in QUESTIONS))
    alone = type(query.context)()
    by_itself = rules if query.context == alone else query.model_copy(update={"context": alone}).plan()
    named = by_itself.questions if asked else ()
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
    faces = tuple(FaceReference.model_validate(face) for face in expect.get("faces", ()))
    details = None if kind in UNPLACED else details_of(faces, expect.get("depth", "normal"))
    language = rules.language
    return Example(query.text, kind, questions, topics, facts, expect.get("purpose", stated), language, details)
