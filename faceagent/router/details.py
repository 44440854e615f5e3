"""Finds the details of a request: parts of the face, facts of the file, the wording of the reply, a term to define.

Works on normalized text; the words stand in ``lexicon/<language>/details.toml``.
"""

import re
from collections.abc import Sequence
from typing import cast

from faceagent.router.grammar import Grammar, keep_longest
from faceagent.router.normalize import MAX_CHARACTERS, normalize
from faceagent.router.plan import FileFact, Wording
from faceagent.types import PARTS, FacePart, Question

PAIRS: dict[str, tuple[FacePart, ...]] = {
    "brows": ("right_brow", "left_brow"),
    "eyes": ("right_eye", "left_eye"),
    "cheeks": ("right_cheek", "left_cheek"),
}
"""Names for both sides of a part."""
FACT_QUESTIONS: dict[FileFact, Question] = {
    "date": "provenance",
    "camera": "provenance",
    "software": "provenance",
    "place": "provenance",
    "edits": "provenance",
    "resaved": "forgery",
}
"""The question whose evidence holds each fact; traces of repeated compression are evidence about forgery."""
MAX_TERM_WORDS, MAX_TERM_CHARACTERS = 5, 12
"""Longest term, in words; in Chinese, in characters."""
_HAN = re.compile(r"[㐀-鿿]")
_TYPED_WORD = re.compile(r"[㐀-鿿]|[^\W㐀-鿿]+(?:['’-][^\W㐀-鿿]+)*")
_ABBREVIATION = re.compile(r"(?<![^\W_㐀-鿿-])[A-Z][A-Z\d-]*[A-Z](?![^\W_㐀-鿿-])")
"""Two capitals or more, between them digits and hyphens."""
_AGE = re.compile(r"(?<![\da-z:])([1-9]\d)(?!\d|s\b|(?:st|nd|rd|th)\b)")
"""An age from 10 to 99 that a question compares with; not "twenties" as 20s, nor a date."""


def find_parts(text: str, lists: Grammar, spans: Sequence[tuple[int, int]] = ()) -> tuple[FacePart, ...]:
    """Parts of the face that a text names, in the order of ``PARTS``; those inside ``spans`` are left out."""
    named: set[FacePart] = set()
    for hit in keep_longest(lists.hits("parts", text)):
        if not any(start <= hit.start and hit.end <= end for start, end in spans):
            named.update(PAIRS.get(hit.name, (cast(FacePart, hit.name),)))
    return tuple(part for part in PARTS if part in named)


def find_file_facts(text: str, lists: Grammar, questions: Sequence[Question]) -> tuple[FileFact, ...]:
    """What is asked of the file's record; only facts of ``questions``, or any where there are none."""
    found = cast(list[FileFact], lists.names("file_facts", text))
    return tuple(fact for fact in found if not questions or FACT_QUESTIONS[fact] in questions)


def find_expected(text: str, lists: Grammar, questions: Sequence[Question]) -> str | None:
    """The one expression, action unit, kind of picture or age that a text names, None where it names none or several.

    Whether a smile is sincere cannot be seen, so a text about that expects nothing.
    """
    if "age" in questions:
        numbers = _AGE.findall(text)
        return f"age:{numbers[0]}" if len(numbers) == 1 else None
    named = lists.names("expected", text)
    if "forgery" in questions:
        return next((one for one in ("generated", "bona_fide") if one in named), None)
    if not {"expression", "action_units"} & set(questions) or {"bona_fide", "sincere"} & set(named):
        return None
    found = [one for one in named if one != "generated"]
    return found[0] if len(found) == 1 else None


def find_wording(text: str, lists: Grammar, depth: str) -> Wording | None:
    """How the reply is to be worded; who wants a quick look wants a short reply."""
    named = cast(list[Wording], lists.names("wording", text))
    return named[0] if named else "short" if depth == "brief" else None


def find_term(text: str, lists: Grammar) -> str | None:
    """The term whose meaning is asked, None where no meaning is asked or it is that of "this"."""
    for hit in lists.hits("define", text):
        if hit.name == "around":
            term, needs_glossary = text[hit.start : hit.end], False
        elif hit.name == "before":
            term, needs_glossary = _clause_before(text[: hit.start]), True
        else:
            term, needs_glossary = _clause_after(text[hit.end :]), hit.name == "known"
        term = _without_frame(term, lists)
        known = not lists.without("glossary", term).strip("~")
        # "D-EER是什么意思": Latin letters in a Chinese sentence are a term, whether or not it is known.
        needs_glossary &= not (_HAN.search(text) and term.isascii())
        if term and (known or not (needs_glossary or _is_about_someone(term, lists))):
            return term
    return None


def glossary_term(text: str, lists: Grammar) -> str | None:
    """The term of a turn that asks for a meaning in other words: the longest of the glossary, else a word or two."""
    found = lists.hits("glossary", text)
    longest = max(found, key=lambda hit: hit.end - hit.start, default=None)
    if longest:
        return text[longest.start : longest.end]
    alone = _without_frame(text.strip(",; "), lists)
    is_short = len(alone.split()) <= 2 and len(alone) <= 2 * MAX_TERM_CHARACTERS
    return alone if alone and is_short and not _is_about_someone(alone, lists) else None


def as_typed(term: str | None, raw: str, lists: Grammar) -> str | None:
    """The part of ``raw`` that is read as ``term``, with its capitals and accents, slips of the keyboard included.

    The one abbreviation of ``raw`` is meant where no term was found, or where the term is no part of ``raw`` but holds
    the abbreviation among leftovers: "wot does APCER mean".
    """
    typed = _part_of(raw, term, lists) if term else None
    if typed is not None:
        return typed
    short = [str(one) for one in _ABBREVIATION.findall(raw[:MAX_CHARACTERS])]
    meant = len(short) == 1 and (not term or normalize(short[0], lists.simplified).text in term)
    return short[0] if meant else term


def _part_of(raw: str, term: str, lists: Grammar) -> str | None:
    words = list(_TYPED_WORD.finditer(raw[:MAX_CHARACTERS]))
    most = len(_TYPED_WORD.findall(term))
    for first, word in enumerate(words):
        for last in words[first : first + most]:
            typed = raw[word.start() : last.end()]
            if lists.spelling.correct_spelling(normalize(typed, lists.simplified).text) == term:
                return typed
    return None


def _clause_after(text: str) -> str:
    clause = re.split("[,;]", text, maxsplit=1)[0].strip()
    return clause[:MAX_TERM_CHARACTERS] if _HAN.search(clause) else " ".join(clause.split()[:MAX_TERM_WORDS])


def _clause_before(text: str) -> str:
    clause = re.split("[,;]", text.rstrip(",; "))[-1].strip()
    return clause[-MAX_TERM_CHARACTERS:] if _HAN.search(clause) else " ".join(clause.split()[-MAX_TERM_WORDS:])


def _without_frame(text: str, lists: Grammar) -> str:
    return re.sub("~+", " ", lists.without("define_frame", text)).strip()


def _is_about_someone(term: str, lists: Grammar) -> bool:
    """Whether the words speak of a person or point at something, as in "her smile" and "that"."""
    return lists.has("define_frame", term, "pointing") or any(lists.hits("people", term))
