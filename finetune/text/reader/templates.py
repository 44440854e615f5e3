"""Expands the templates of ``templates.txt`` and ``requests.txt`` to sentences, and changes how sentences are typed.

A template holds ``{one|other}``, and ``{name}`` for a list of the file: a line ``= name: one | other`` lists neutral
words, a line ``@ name: words = details | words = details`` lists people with the details that describe them
(``faceagent.router.reader.details_of``). All choices are drawn with a fixed seed.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_SLOT = re.compile(r"\{([^{}]*)\}")
_HAN = re.compile(r"[㐀-鿿぀-ヿ가-힯]")
NEIGHBOURS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""Rows of a keyboard, for slips to the next key."""


class Lists(NamedTuple):
    """The lists of a file: neutral words, and people as (words, details)."""

    words: Mapping[str, Sequence[str]]
    people: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]


class Sentence(NamedTuple):
    """One expansion; ``details`` is None for a line without a list of people."""

    text: str
    details: tuple[str, ...] | None


def read_lists(lines: Sequence[str]) -> Lists:
    """The lists of a file's lines."""
    words: dict[str, list[str]] = {}
    people: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for line in lines:
        name, _, rest = line[2:].partition(":")
        parts = [part.strip() for part in rest.split(" | ")]
        if line.startswith("= "):
            words[name.strip()] = ["" if part == "_" else part for part in parts]
        elif line.startswith("@ "):
            pairs = (part.partition(" = ") for part in parts)
            people[name.strip()] = [(text.strip(), tuple(details.split())) for text, _, details in pairs]
    return Lists(words, people)


def expand(line: str, lists: Lists, most: int, draw: random.Random) -> Iterator[Sentence]:
    """Up to ``most`` different expansions of a line."""
    found: dict[str, Sentence] = {}
    for _ in range(3 * most if "{" in line else 1):
        details: list[str] | None = None
        text = line
        while slot := _SLOT.search(text):
            name = slot[1]
            if name in lists.people:
                words, added = draw.choice(lists.people[name])
                details = [*(details or ()), *added]
            else:
                words = draw.choice(lists.words.get(name) or name.split("|"))
            text = text[: slot.start()] + words + text[slot.end() :]
        text = re.sub(r"\s+([,.?!])", r"\1", re.sub(r"\s+", " ", text)).strip(" ,")
        found.setdefault(text, Sentence(text, None if details is None else tuple(dict.fromkeys(details))))
        if len(found) == most:
            break
    return iter(found.values())


def retype(text: str, draw: random.Random) -> str:
    """The text as somebody types in haste: without capitals, marks or accents, with slips."""
    if _HAN.search(text):
        return text.rstrip("？?。") if draw.random() < 0.5 else text.replace("，", " ")
    way = draw.random()
    if way < 0.55:
        text = text.lower()
    if way < 0.5:
        text = re.sub(r"[¿¡?!.,;:'’]", "", text) + draw.choice(("", "", "", "?", "??", "..."))
    if 0.25 < way < 0.4:
        text = text.translate(str.maketrans("áéíóúñ", "aeioun"))
    if way > 0.35:
        for _ in range(draw.choice((1, 1, 2))):
            text = _slip(text, draw)
    return text


def _slip(text: str, draw: random.Random) -> str:
    places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if len(text) < 12 or not places:
        return text
    at = draw.choice(places)
    way = draw.random()
    if way < 0.35:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if way < 0.6:
        return text[:at] + text[at + 1 :]
    if way < 0.75:
        return text[:at] + text[at] + text[at:]
    row = next((row for row in NEIGHBOURS if text[at] in row), None)
    if row is None:
        return text
    place = row.index(text[at]) + draw.choice((-1, 1))
    return text[:at] + row[place % len(row)] + text[at + 1 :]
