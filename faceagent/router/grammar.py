"""Reads the files in ``lexicon/`` and compiles their lists of phrases, once per process.

How a phrase is written stands at the head of ``lexicon/language.toml``. This module knows the notation, not the words.
"""

import re
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import cast

from faceagent.router.spelling import Spelling

_compiling = threading.Lock()
FILES = ("language", "questions", "topics", "turns", "people")
_HAN = re.compile(r"[㐀-鿿]")
_MACRO = re.compile(r"\{(\w+)\}")
_WORD = r"[a-z0-9]"
_REPEATS = ("?", "*", "+", "{")
_NEAR, _NEAR_HAN = rf"(?: {_WORD}+){{0,8}}? ", "[^;]{0,10}?"
"""What may stand between the two sides of ``a & b``."""
_GAPS = {"..": rf"(?: {_WORD}+){{0,3}}? ", "~": rf"(?: (?!{{small}} ){_WORD}+){{0,3}}? "}


@dataclass(frozen=True)
class Match:
    """Where a list matched: ``text[start:end]``, and the list's name."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Grammar:
    """Every list of the files as one pattern, by table and name; the characters to be simplified; and the spelling."""

    tables: Mapping[str, Mapping[str, re.Pattern[str]]]
    simplified: Mapping[int, int]
    spelling: Spelling

    def hits(self, table: str, text: str) -> list[Match]:
        """Every match of every list of ``table``, in the order of the text."""
        found = [
            Match(name, one.start(), one.end())
            for name, pattern in self.tables[table].items()
            for one in pattern.finditer(text)
        ]
        return sorted(found, key=lambda hit: (hit.start, -hit.end))

    def names(self, table: str, text: str) -> list[str]:
        """Names of the lists of ``table`` that match, in the order of their file."""
        return [name for name, pattern in self.tables[table].items() if pattern.search(text)]

    def has(self, table: str, text: str, name: str = "phrases") -> bool:
        """Whether one list matches."""
        return self.tables[table][name].search(text) is not None

    def without(self, table: str, text: str, name: str = "phrases") -> str:
        """``text`` with what the list matches blanked out, position for position."""
        return self.tables[table][name].sub(lambda found: "~" * len(found.group()), text)


def longest(hits: Iterable[Match]) -> list[Match]:
    """The hits in the order of the text, without those that overlap a longer one."""
    kept: list[Match] = []
    for hit in sorted(hits, key=lambda one: (one.start - one.end, one.start)):
        if not any(one.start < hit.end and hit.start < one.end and _length(one) > _length(hit) for one in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: (hit.start, hit.end))


def _length(hit: Match) -> int:
    return hit.end - hit.start


def grammar() -> Grammar:
    """The shipped grammar, compiled at the first call; a thread that comes meanwhile waits for it."""
    with _compiling:
        return _shipped()


@cache
def _shipped() -> Grammar:
    raw: dict[str, Mapping[str, object]] = {}
    for name in FILES:
        file = resources.files("faceagent.router").joinpath(f"lexicon/{name}.toml")
        raw |= tomllib.loads(file.read_text(encoding="utf-8"))
    return compiled(raw)


def compiled(raw: Mapping[str, Mapping[str, object]]) -> Grammar:
    """The grammar of a parsed file. Raises ValueError, naming the phrase, for one that cannot be compiled."""
    macros = {name: _choice(cast(list[str], words)) for name, words in raw["macros"].items()}
    letters = raw["letters"]
    tables = {
        table: {name: _pattern(table, name, phrases, macros) for name, phrases in lists.items()}
        for table, lists in raw.items()
        if table not in ("macros", "letters", "spelling")
    }
    simplified = str.maketrans(str(letters["traditional"]), str(letters["simplified"]))
    words = {name: frozenset(cast(list[str], found)) for name, found in raw["spelling"].items()}
    return Grammar(tables, simplified, Spelling(words["words"], words["real"]))


def _pattern(table: str, name: str, phrases: object, macros: Mapping[str, str]) -> re.Pattern[str]:
    if not isinstance(phrases, list) or not phrases:
        raise ValueError(f"[{table}] {name} is not a list of phrases")
    # The longest first: an alternation takes the first that fits.
    ordered = sorted(dict.fromkeys(phrases), key=lambda phrase: (-len(phrase), phrase))
    plain = [_source(phrase, macros) for phrase in ordered if not _HAN.search(phrase)]
    chinese = [_source(phrase, macros) for phrase in ordered if _HAN.search(phrase)]
    parts = [rf"(?<!{_WORD})(?:{_forked(plain)})(?!{_WORD})"] if plain else []
    parts += [f"(?:{_forked(chinese)})"] if chinese else []
    try:
        return re.compile("|".join(parts))
    except re.error as error:
        raise ValueError(f"[{table}] {name} cannot be compiled: {error}") from error


def _forked(sources: Iterable[str]) -> str:
    """The alternatives, those that begin with the same two letters under one branch: faster than a flat list."""
    branches: dict[str, list[str]] = {}
    for source in sources:
        start = source[:2]
        branches.setdefault(start if start.isalpha() and source[2:3] not in _REPEATS else "", []).append(source)
    return "|".join(
        f"{start}(?:{'|'.join(source[len(start) :] for source in found)})" for start, found in branches.items()
    )


def _source(phrase: str, macros: Mapping[str, str]) -> str:
    """The regular expression of one phrase."""
    if " & " in phrase:
        one, other = (_source(side, macros) for side in phrase.split(" & "))
        between = _NEAR_HAN if _HAN.search(phrase) else _NEAR
        return f"(?:{one}{between}{other}|{other}{between}{one})"
    if _HAN.search(phrase):
        return "[^;]{0,6}?".join(_expanded(part.replace(" ", ""), macros) for part in phrase.split(" .. "))
    return "".join(_joined(phrase.split(), macros))


def _joined(words: Iterable[str], macros: Mapping[str, str]) -> Iterator[str]:
    between = ""
    for word in words:
        if word in _GAPS:
            between = _expanded(_GAPS[word], macros)
            continue
        yield between + (_expanded(word[:-1], macros) + f"{_WORD}*" if word.endswith("*") else _expanded(word, macros))
        between = " "


def _expanded(word: str, macros: Mapping[str, str]) -> str:
    return _MACRO.sub(lambda found: macros[found.group(1)], word)


def _choice(words: Iterable[str]) -> str:
    """One of the words, the longest that fits; a star stands for any ending."""
    ordered = sorted((word.replace("*", f"{_WORD}*") for word in words), key=len, reverse=True)
    return f"(?:{'|'.join(ordered)})"
