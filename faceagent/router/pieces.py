"""Cuts a long turn into the pieces that are read one by one: sentences, and the clauses of all but the shortest."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from faceagent.router.grammar import grammar

LONG_WORDS, LONG_CHARACTERS = 24, 40
"""A turn with more words, or Chinese characters, is read piece by piece."""
LONG_SENTENCE = 10
"""Words from which a sentence is cut at its commas, and a clause before words that join it: many type no comma."""
MIN_PIECE, MIN_JOINED = 3, 4
"""Words of a piece, a shorter one belongs to the piece before, or to the one after where it joins them; and of both
sides of a cut before a joining word."""
MAX_PIECES, FROM_START = 12, 3
"""Pieces of a long turn that are read, and how many of them from its start: what is wanted comes last more often than
first, and seldom in the middle."""
_SENTENCE = re.compile(r"(?<=[.!?。！？;；\n])\s*")
_CLAUSE = re.compile(r"(?<=[,，:：])\s*")
_HAN = re.compile(r"[㐀-鿿]")
_MARKS = ("?", "？")


class Piece(NamedTuple):
    """One piece of a long turn.

    ``asks``: its sentence ends as a question. ``joined``: it goes on from the piece before, by a word such as "and".
    """

    text: str
    asks: bool
    joined: bool = False


def is_long(text: str) -> bool:
    """Whether a turn is read piece by piece."""
    return len(text.split()) > LONG_WORDS or len(_HAN.findall(text)) > LONG_CHARACTERS


def split_sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [part for part in (found.strip() for found in _SENTENCE.split(text)) if part]


def split_long(text: str) -> list[Piece]:
    """The pieces of a long text; a short text in one piece."""
    if not is_long(text):
        return [Piece(text, text.rstrip().endswith(_MARKS))]
    found: list[Piece] = []
    for sentence in split_sentences(text):
        lead = ""
        for place, part in enumerate(_clauses(sentence)):
            joined = place > 0 and any(hit.start == 0 for hit in grammar().hits("joiners", f"{lead}{part}".lower()))
            if size(part) >= MIN_PIECE:
                found.append(Piece(f"{lead}{part}", sentence.endswith(_MARKS), joined))
                lead = ""
            elif joined or not found:
                lead = f"{lead}{part} "
            else:
                found[-1] = found[-1]._replace(text=f"{found[-1].text} {part}")
        if lead and found:
            found[-1] = found[-1]._replace(text=f"{found[-1].text} {lead.rstrip()}")
    if len(found) > MAX_PIECES:
        found = [*found[:FROM_START], *found[FROM_START - MAX_PIECES :]]
    return found or [Piece(text, text.rstrip().endswith(_MARKS))]


def _clauses(sentence: str) -> Iterator[str]:
    for clause in _CLAUSE.split(sentence) if size(sentence) >= LONG_SENTENCE else [sentence]:
        yield from filter(None, _before_joiners(clause))


def _before_joiners(clause: str) -> Iterator[str]:
    """The clause cut before words such as "and", where it is long."""
    begin, folded = 0, clause.lower()
    if size(clause) >= LONG_SENTENCE and len(folded) == len(clause):
        for hit in grammar().hits("joiners", folded):
            if min(size(clause[begin : hit.start]), size(clause[hit.start :])) >= MIN_JOINED:
                yield clause[begin : hit.start].strip()
                begin = hit.start
    yield clause[begin:].strip()


def size(text: str) -> int:
    """Words of a text; two Chinese characters count as one."""
    return max(len(text.split()), len(_HAN.findall(text)) // 2)
