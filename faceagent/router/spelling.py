"""Slips of the finger: a word that is one edit away from one of the grammar's main words is read as that one.

One edit is a letter too many, too few, wrong, or two letters swapped (Damerau 1964). In short words only swapped
letters are mended, because most short words have neighbours. ``[spelling]`` of the grammar lists the words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

SHORT = 5
"""Letters below which only swapped letters are mended."""
SHORTEST, LONGEST = 4, 24
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Spelling:
    """``known``: the words that a text is read for, and ``real`` ones that merely look like them."""

    known: frozenset[str]
    real: frozenset[str]

    @cached_property
    def _near(self) -> Mapping[str, tuple[str, ...]]:
        """Known words by what is left of them when one letter is taken out."""
        found: dict[str, list[str]] = {}
        for word in sorted(self.known):
            for rest in _shortened(word):
                found.setdefault(rest, []).append(word)
        return {rest: tuple(words) for rest, words in found.items()}

    def mended(self, text: str) -> str:
        """``text`` with such words replaced; Latin letters only."""
        return _WORD.sub(lambda found: self._mended(found.group()), text)

    def _mended(self, word: str) -> str:
        if not SHORTEST <= len(word) <= LONGEST or not {word, word.removesuffix("s")}.isdisjoint(
            self.known | self.real
        ):
            return word
        near = {other for rest in _shortened(word) for other in self._near.get(rest, ()) if one_edit(word, other)}
        return min(near, key=lambda other: (_kind(word, other), other)) if near else word


def _shortened(word: str) -> Iterator[str]:
    yield word
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]


def one_edit(slip: str, word: str) -> bool:
    """Whether one edit that a finger makes leads from ``word`` to ``slip``."""
    if len(slip) == len(word):
        wrong = [place for place, (a, b) in enumerate(zip(slip, word, strict=True)) if a != b]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            return sorted(slip[place] for place in wrong) == sorted(word[place] for place in wrong)
        return len(wrong) == 1 and len(word) > SHORT
    longer, shorter = (slip, word) if len(slip) > len(word) else (word, slip)
    if len(longer) != len(shorter) + 1 or len(word) < SHORT:
        return False
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))


def _kind(slip: str, word: str) -> int:
    """Swapped letters before letters too many or too few before wrong ones."""
    if sorted(slip) == sorted(word):
        return 0
    return 1 if len(slip) != len(word) else 2
