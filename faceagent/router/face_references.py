"""Which faces a text points at: "the woman on the left and the man with glasses" → two ``FaceReference``.

Words only; whether there is such a face is found later, by looking at the faces.
"""

import re
from dataclasses import dataclass, field

from faceagent.router.grammar import Grammar, Match
from faceagent.router.plan import FaceReference, Side, Superlative

HEAD = "head"
"""A word for a person that says nothing about which."""
TABLES = ("sides", "superlatives", "people", "traits")


@dataclass
class _Draft:
    """One person as far as the text was read."""

    index: int | None = None
    side: Side | None = None
    superlative: Superlative | None = None
    words: dict[str, None] = field(default_factory=dict)
    headed: str | None = None

    def takes(self, table: str, name: str) -> bool:
        """Whether this can be said of the same person; saying it twice can."""
        if table in ("people", HEAD):
            return self.headed is None or (name in (self.headed, HEAD) and not self.said())
        held = {"index": self.index, "sides": self.side, "superlatives": self.superlative}.get(table)
        return held is None or str(held) == name

    def said(self) -> bool:
        """Whether anything but the word for a person was said."""
        return any((self.index, self.side, self.superlative)) or len(self.words) > (self.headed not in (None, HEAD))

    def take(self, table: str, name: str) -> None:
        """Note one thing said of this person."""
        if table == "index":
            self.index = int(name)
        elif table == "sides":
            self.side = name  # type: ignore[assignment]  # names of the table are the sides, tested
        elif table == "superlatives":
            self.superlative = name  # type: ignore[assignment]
        elif table == "people":
            self.headed = name
            self.words[name] = None
        elif table == HEAD:
            self.headed = self.headed or HEAD
        else:
            self.words[name] = None

    def who(self) -> FaceReference | None:
        """The finished noun, or None where nothing tells this person from another."""
        if not (self.said() or self.words):
            return None
        words = sorted(self.words, key=lambda word: word != self.headed)
        return FaceReference(index=self.index, side=self.side, superlative=self.superlative, words=tuple(words))


def faces_in(text: str, grammar: Grammar) -> tuple[FaceReference, ...]:
    """Everybody the text points at, in its order, each once; empty when nobody is singled out."""
    # "A man or a woman?" and "the same person?" are questions and point at nobody.
    pointing = grammar.without("own_side", text)
    for question in ("gender", "identity"):
        pointing = grammar.without("questions", pointing, question)
    mentions = _mentions(pointing, grammar)
    drafts: list[_Draft] = []
    for place, hit in enumerate(mentions):
        if not drafts or not drafts[-1].takes(*_key(hit)) or _opens(place, mentions, text, grammar):
            drafts.append(_Draft())
        drafts[-1].take(*_key(hit))
    found = [who for who in (draft.who() for draft in drafts) if who is not None]
    if grammar.has("every", text):
        found.append(FaceReference(every=True))
    return tuple(dict.fromkeys(found))


def _key(hit: Match) -> tuple[str, str]:
    table, _, name = hit.name.partition(":")
    return table, name


def _opens(place: int, mentions: list[Match], text: str, grammar: Grammar) -> bool:
    """Whether an "and" stands before this mention, and a word for a person after it, up to the next "and"."""
    if place == 0 or not grammar.has("both", text[mentions[place - 1].end : mentions[place].start]):
        return False
    for at in range(place, len(mentions)):
        if _key(mentions[at])[0] in ("people", HEAD, "index"):
            return True
        if at + 1 < len(mentions) and grammar.has("both", text[mentions[at].end : mentions[at + 1].start]):
            return False
    return False


def _mentions(text: str, grammar: Grammar) -> list[Match]:
    """Everything said about persons, in the order of the text, what lies inside a longer match left out."""
    found = numbered(text, grammar)
    found += [Match(f"{table}:{hit.name}", hit.start, hit.end) for table in TABLES for hit in grammar.hits(table, text)]
    # A word for a person may stand inside the words that place it: "the left woman".
    heads = [Match(f"{HEAD}:{HEAD}", hit.start, hit.end) for hit in grammar.hits("heads", text)]
    found += [hit for hit in heads if not any(one.start <= hit.start and hit.end <= one.end for one in found)]
    return sorted((hit for hit in found if not any(_swallows(one, hit) for one in found)), key=lambda hit: hit.start)


def _swallows(one: Match, other: Match) -> bool:
    """Whether ``one`` is a longer match of the same table around ``other``, a number around it, or a superlative."""
    if _key(one)[0] == "superlatives" and _key(other)[0] == "traits":
        return one.start < other.end and other.start < one.end
    related = _key(one)[0] in (_key(other)[0], "index", "superlatives")
    around = one.start <= other.start and other.end <= one.end
    return related and around and (one.start, one.end) != (other.start, other.end)


def numbered(text: str, grammar: Grammar) -> list[Match]:
    """Faces called by number, as hits named ``index:2``."""
    found = []
    for hit in grammar.hits("index", text):
        words = text[hit.start : hit.end]
        digits = re.search(r"\d+", words)
        number = digits.group() if digits else next(iter(grammar.names("numbers", words)), "0")
        if int(number) >= 1:
            found.append(Match(f"index:{int(number)}", hit.start, hit.end))
    return found
