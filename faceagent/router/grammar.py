"""Compiles the lists of phrases in ``lexicon/`` to regular expressions, once per process.

The notation of a phrase is described in ``lexicon/README.md``. This module implements it and holds no words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

from faceagent.per_process import ProcessLock
from faceagent.router import languages
from faceagent.router.languages import LanguageSigns
from faceagent.router.plan import Language
from faceagent.router.spelling import Spelling

_compiling = ProcessLock()
_HAN = re.compile(r"[㐀-鿿]")
_MACRO = re.compile(r"\{(\w+)\}")
_WORD = r"[a-z0-9]"
_REPEATS = ("?", "*", "+", "{")
_NEAR, _NEAR_HAN = rf"(?: {_WORD}+){{0,8}}? ", "[^;]{0,10}?"
"""What may stand between the two sides of ``a & b``."""
_GAPS = {"..": rf"(?: {_WORD}+){{0,3}}? ", "~": rf"(?: (?!{{small}} ){_WORD}+){{0,3}}? "}


@dataclass(frozen=True)
class Match:
    """A match of the list ``name`` at ``text[start:end]``."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Phrases:
    """One list of phrases. Those in Chinese characters are looked for only in a text that has some."""

    latin: re.Pattern[str] | None
    chinese: re.Pattern[str] | None

    def patterns_for(self, text: str) -> tuple[re.Pattern[str], ...]:
        """The patterns that can match ``text``."""
        asked = (self.latin, self.chinese if _HAN.search(text) else None)
        return tuple(one for one in asked if one is not None)


@dataclass(frozen=True)
class Grammar:
    """The compiled lexicon of all languages."""

    tables: Mapping[str, Mapping[str, Phrases]]
    """The phrases of each list, by table and list name."""
    simplified: Mapping[int, int]
    """Traditional Chinese characters to simplified ones, by code point."""
    spelling: Spelling
    languages: tuple[LanguageSigns, ...] = ()
    """What each language is recognized by, English first."""

    def hits(self, table: str, text: str) -> list[Match]:
        """All matches of all lists of ``table``, in the order of the text."""
        found = [
            Match(name, one.start(), one.end())
            for name, phrases in self.tables[table].items()
            for pattern in phrases.patterns_for(text)
            for one in pattern.finditer(text)
        ]
        return sorted(found, key=lambda hit: (hit.start, -hit.end))

    def names(self, table: str, text: str) -> list[str]:
        """Names of the lists of ``table`` that match, in the order of the English file."""
        return [name for name in self.tables[table] if self.has(table, text, name)]

    def has(self, table: str, text: str, name: str = "phrases") -> bool:
        """Whether one list of ``table`` matches."""
        return any(pattern.search(text) for pattern in self.tables[table][name].patterns_for(text))

    def without(self, table: str, text: str, name: str = "phrases") -> str:
        """``text`` with every match of one list replaced by as many ``~``, so that positions stay."""
        for pattern in self.tables[table][name].patterns_for(text):
            text = pattern.sub(lambda found: "~" * len(found.group()), text)
        return text


def keep_longest(hits: Iterable[Match]) -> list[Match]:
    """The matches in the order of the text, without those that overlap a longer one."""
    kept: list[Match] = []
    for hit in sorted(hits, key=lambda one: (one.start - one.end, one.start)):
        if not any(one.start < hit.end and hit.start < one.end and _length(one) > _length(hit) for one in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: (hit.start, hit.end))


def _length(hit: Match) -> int:
    return hit.end - hit.start


def grammar() -> Grammar:
    """The grammar of all languages, compiled at the first call; a thread that calls meanwhile waits."""
    with _compiling:
        return _compile_lexicon(str(languages.LEXICON))


@cache
def _compile_lexicon(lexicon: str) -> Grammar:
    del lexicon  # the key of the cache
    return compile_grammar(*languages.load_tables())


def compile_grammar(
    tables: Mapping[str, Mapping[str, object]], signs: Mapping[Language, Mapping[str, object]] | None = None
) -> Grammar:
    """The grammar of parsed lexicon files.

    Args:
        tables: the merged tables, with ``macros``, ``letters`` and ``spelling``.
        signs: the table ``[language]`` of each language.

    Raises:
        ValueError: a phrase cannot be compiled; the message names its list.
    """
    macros = {name: _choice(cast(list[str], words)) for name, words in tables["macros"].items()}
    letters = tables["letters"]
    patterns = {
        table: {name: _phrases(table, name, phrases, macros) for name, phrases in lists.items()}
        for table, lists in tables.items()
        if table not in ("macros", "letters", "spelling")
    }
    simplified = str.maketrans(str(letters["traditional"]), str(letters["simplified"]))
    words = {name: frozenset(cast(list[str], found)) for name, found in tables["spelling"].items()}
    recognized = tuple(_language_signs(code, found, macros) for code, found in (signs or {}).items())
    return Grammar(patterns, simplified, Spelling(words["words"], words["real"]), recognized)


def _language_signs(code: Language, found: Mapping[str, object], macros: Mapping[str, str]) -> LanguageSigns:
    words, characters = found.get("words"), found.get("characters")
    return LanguageSigns(
        code=code,
        words=_phrases("language", code, words, macros).latin if words else None,
        marks=str(found.get("marks", "")),
        characters=re.compile(f"[{characters}]") if characters else None,
    )


def _phrases(table: str, name: str, phrases: object, macros: Mapping[str, str]) -> Phrases:
    if not isinstance(phrases, list) or not phrases:
        raise ValueError(f"[{table}] {name} is not a list of phrases")
    # The longest first: an alternation takes the first alternative that matches.
    ordered = sorted(dict.fromkeys(phrases), key=lambda phrase: (-len(phrase), phrase))
    latin = [_phrase_pattern(phrase, macros) for phrase in ordered if not _HAN.search(phrase)]
    chinese = [_phrase_pattern(phrase, macros) for phrase in ordered if _HAN.search(phrase)]
    try:
        return Phrases(
            re.compile(rf"(?<!{_WORD})(?:{_join_alternatives(latin)})(?!{_WORD})") if latin else None,
            re.compile(f"(?:{_join_alternatives(chinese)})") if chinese else None,
        )
    except re.error as error:
        raise ValueError(f"[{table}] {name} cannot be compiled: {error}") from error


def _join_alternatives(sources: Iterable[str]) -> str:
    """The alternatives, grouped by their first two letters: faster than a flat list."""
    branches: dict[str, list[str]] = {}
    for source in sources:
        start = source[:2]
        branches.setdefault(start if start.isalpha() and source[2:3] not in _REPEATS else "", []).append(source)
    return "|".join(
        f"{start}(?:{'|'.join(source[len(start) :] for source in found)})" for start, found in branches.items()
    )


def _phrase_pattern(phrase: str, macros: Mapping[str, str]) -> str:
    """The regular expression of one phrase."""
    if " & " in phrase:
        one, other = (_phrase_pattern(side, macros) for side in phrase.split(" & "))
        between = _NEAR_HAN if _HAN.search(phrase) else _NEAR
        return f"(?:{one}{between}{other}|{other}{between}{one})"
    if _HAN.search(phrase):
        return "[^;]{0,6}?".join(_expand_macros(part.replace(" ", ""), macros) for part in phrase.split(" .. "))
    return "".join(_join_words(phrase.split(), macros))


def _join_words(words: Iterable[str], macros: Mapping[str, str]) -> Iterator[str]:
    between = ""
    for word in words:
        if word in _GAPS:
            between = _expand_macros(_GAPS[word], macros)
            continue
        ending = f"{_WORD}*" if word.endswith("*") else ""
        yield between + _expand_macros(word.removesuffix("*"), macros) + ending
        between = " "


def _expand_macros(word: str, macros: Mapping[str, str]) -> str:
    return _MACRO.sub(lambda found: macros[found.group(1)], word)


def _choice(words: Iterable[str]) -> str:
    """One of the words, the longest that matches; a star stands for any ending."""
    ordered = sorted({word.replace("*", f"{_WORD}*") for word in words}, key=lambda word: (-len(word), word))
    return f"(?:{'|'.join(ordered)})"
