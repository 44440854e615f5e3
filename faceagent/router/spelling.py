"""Corrects typing errors: a word that is one edit away from one of the grammar's main words is read as that word.

One edit is a missing, extra or wrong letter, or two swapped letters (Damerau 1964). In short words only swapped
letters are corrected, because most short words have neighbours. The words stand in ``[spelling]`` of the lexicon.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

SHORT = 5
"""Number of letters below which only swapped letters are corrected."""
SHORTEST, LONGEST = 4, 24
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Spelling:
    """``known``: words that are corrected to. ``real``: words that resemble a known word and are left as they are."""

    known: frozenset[str]
    real: frozenset[str]

    @cached_property
    def _near(self) -> Mapping[str, tuple[str, ...]]:
        """Known words by what remains of them when one letter is removed."""
        found: dict[str, list[str]] = {}
        for word in sorted(self.known):
            for rest in _without_one_letter(word):
                found.setdefault(rest, []).append(word)
        return {rest: tuple(words) for rest, words in found.items()}

    def correct_spelling(self, text: str) -> str:
        """``text`` with misspelled known words corrected; only words in Latin letters."""
        return _WORD.sub(lambda found: self._correct_word(found.group()), text)

    def _correct_word(self, word: str) -> str:
        if not SHORTEST <= len(word) <= LONGEST or not {word, word.removesuffix("s")}.isdisjoint(
            self.known | self.real
        ):
            return word
        candidates = (other for rest in _without_one_letter(word) for other in self._near.get(rest, ()))
        near = {other for other in candidates if is_one_edit(word, other)}
        return min(near, key=lambda other: (_edit_rank(word, other), other)) if near else word


def _without_one_letter(word: str) -> Iterator[str]:
    yield word
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]


def is_one_edit(typed: str, word: str) -> bool:
    """Whether ``typed`` is ``word`` with one typing error."""
    if len(typed) == len(word):
        wrong = [place for place, (a, b) in enumerate(zip(typed, word, strict=True)) if a != b]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            return sorted(typed[place] for place in wrong) == sorted(word[place] for place in wrong)
        return len(wrong) == 1 and len(word) > SHORT
    longer, shorter = (typed, word) if len(typed) > len(word) else (word, typed)
    if len(longer) != len(shorter) + 1 or len(word) < SHORT:
        return False
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))


def _edit_rank(typed: str, word: str) -> int:
    """Order of preference: swapped letters, then an extra or missing letter, then a wrong letter."""
    if sorted(typed) == sorted(word):
        return 0
    return 1 if len(typed) != len(word) else 2
