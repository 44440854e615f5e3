"""The languages in which texts are understood: one folder each in ``lexicon/``, described in ``lexicon/README.md``.

This module finds and merges the folders and tells which language a text is written in. It holds no words.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from faceagent.router.plan import Language

LEXICON: Traversable = resources.files("faceagent.router").joinpath("lexicon")
BASE: Language = "en"
"""Defines which tables and lists there are, and answers where another language has no reply."""
REPLIES, CONVERSATION = "replies.toml", "conversation.toml"
"""Files of a folder that hold what the program says; all others hold what people write."""
MIN_CHARACTERS = 4
"""From so many characters of its own script on, a text with Latin words is still read as that language."""
MARK_WEIGHT = 2
"""A mark that only one language uses, such as ¿, counts as so many of its words."""
_OWN_KEYS = ("macros", "letters", "language")
"""Tables in which a language may define what English does not have."""

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class LanguageSigns:
    """What a language is recognized by; a language may have some of them."""

    code: Language
    words: re.Pattern[str] | None = None
    """Its frequent words, in normalized text."""
    marks: str = ""
    """Punctuation and letters that only it uses, in the text as typed."""
    characters: re.Pattern[str] | None = None
    """One character of its script."""


def available_languages() -> tuple[Language, ...]:
    """Codes of the languages that have a folder, English first."""
    codes = {entry.name for entry in LEXICON.iterdir() if entry.is_dir() and entry.name[0] not in "._"}
    return (BASE, *sorted(codes - {BASE}))


def load_tables() -> tuple[Tables, dict[Language, dict[str, Any]]]:
    """The merged tables of all languages, and the table ``[language]`` of each.

    Raises:
        ValueError: a language has a table or list that English does not have.
    """
    merged: Tables = {}
    signs: dict[Language, dict[str, Any]] = {}
    for code in available_languages():
        tables = _read_folder(code)
        signs[code] = tables.pop("language", {})
        if code != BASE:
            _check_names(code, tables, merged)
        for table, lists in tables.items():
            for name, entries in lists.items():
                known = merged.setdefault(table, {})
                known[name] = known[name] + entries if name in known else entries
    return merged, signs


def read_sentences(code: Language, name: str) -> dict[str, Any]:
    """The file ``REPLIES`` or ``CONVERSATION`` of one language; empty where there is none."""
    file = LEXICON.joinpath(code, name)
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def sentences_of(code: Language, name: str, table: str | None = None) -> dict[str, Any]:
    """The file ``REPLIES`` or ``CONVERSATION`` of one language, completed in English, in ``table`` entry by entry.

    Every file is read once.
    """
    return _completed(str(LEXICON), code, name, table)


@cache
def _completed(lexicon: str, code: Language, name: str, table: str | None) -> dict[str, Any]:
    del lexicon  # part of the key of the cache
    base, own = read_sentences(BASE, name), read_sentences(code, name)
    inner = {} if table is None else {table: {**base[table], **own.get(table, {})}}
    return {**base, **own, **inner}


def detect_language(text: str, raw: str, languages: Iterable[LanguageSigns], before: Language = BASE) -> Language:
    """The language of a text: by its script, then by its frequent words and marks; ``before`` when nothing decides.

    Args:
        text: the normalized text.
        raw: the text as typed, with accents and marks.
        languages: signs of the languages, English first.
        before: the language of the turn before.
    """
    known = tuple(languages)
    latin = sum(1 for word in text.split() if word.isascii() and word.isalpha())
    for one in known:
        own = len(one.characters.findall(text)) if one.characters else 0
        if own > latin or own >= MIN_CHARACTERS:
            return one.code
    words = {one.code: sum(1 for _ in one.words.finditer(text)) for one in known if one.words}
    points = {one.code: words.get(one.code, 0) + MARK_WEIGHT * any(mark in raw for mark in one.marks) for one in known}
    best = max(points, key=lambda code: points[code])
    return best if points[best] else before


def _read_folder(code: Language) -> Tables:
    tables: Tables = {}
    for file in sorted(LEXICON.joinpath(code).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml") and file.name not in (REPLIES, CONVERSATION):
            for table, lists in tomllib.loads(file.read_text(encoding="utf-8")).items():
                tables.setdefault(table, {}).update(lists)
    return tables


def _check_names(code: Language, tables: Tables, base: Tables) -> None:
    for table, lists in tables.items():
        unknown = [name for name in lists if name not in base.get(table, {})]
        if unknown and table not in _OWN_KEYS:
            raise ValueError(f"lexicon/{code}: [{table}] {unknown[0]} does not exist in lexicon/{BASE}")
