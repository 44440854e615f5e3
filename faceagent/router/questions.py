"""Which questions a text asks, and which it says to leave out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from faceagent import policy
from faceagent.router.grammar import Grammar, Match, longest
from faceagent.types import QUESTIONS, Question

NEAR_WORDS, NEAR_CHARACTERS = 4, 8
"""How far after a negating word a question may stand, in words; in Chinese, in characters."""


@dataclass(frozen=True)
class RequestedQuestions:
    """``wanted`` and ``unwanted`` in the order of ``QUESTIONS``; ``rest``: everything but the unwanted."""

    wanted: tuple[Question, ...]
    unwanted: tuple[Question, ...]
    contradictory: tuple[Question, ...]
    rest: bool
    spans: tuple[tuple[int, int], ...]
    """Parts of the text that stand under a negation."""

    def left_out(self, hit: Match) -> bool:
        """Whether what was matched there is only mentioned to be left out."""
        return any(start <= hit.start and hit.end <= end for start, end in self.spans)


def asked(text: str, lists: Grammar, *, has_reference: bool) -> RequestedQuestions:
    """Reads ``text``, which must be normalised."""
    topics = lists.without("harmless", text)
    # A longer match is what was meant: "dark hair" is no darkness, "photo of a screen" asks one thing.
    heard = lists.without("noise", text)
    found = [hit for table in ("questions", "traits", "superlatives") for hit in lists.hits(table, heard)]
    found += lists.hits("topics", topics)
    strong = _read(text, found, lists, compared=has_reference and lists.has("naming", topics))
    # "Taken with a phone" asks where a file comes from, "is it fake, or taken with a phone?" does not.
    return strong if strong.wanted else _read(text, [*found, *lists.hits("weak", heard)], lists, compared=False)


def _read(text: str, found: Iterable[Match], lists: Grammar, *, compared: bool) -> RequestedQuestions:
    mentions = longest(found)
    spans = _negated(text, mentions, lists)
    named = [hit for hit in mentions if hit.name in QUESTIONS or hit.name in policy.GROUPS]
    if compared:
        named.append(Match("identity", len(text), len(text)))
    out = _questions(hit for hit in named if _inside(hit, spans))
    wanted = _questions(hit for hit in named if not _inside(hit, spans))
    both = tuple(one for one in wanted if one in out)
    return RequestedQuestions(wanted, out, both, rest=bool(out) and not wanted, spans=spans)


def _questions(hits: Iterable[Match]) -> tuple[Question, ...]:
    names = policy.expand(hit.name for hit in hits)
    return tuple(one for one in QUESTIONS if one in names)


def _inside(hit: Match, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= hit.start and hit.end <= end for start, end in spans)


def _negated(text: str, mentions: Sequence[Match], lists: Grammar) -> tuple[tuple[int, int], ...]:
    """Spans from the first to the last mention of each list that a negating word stands before or after."""
    serious = lists.without("negation", text, "innocent")
    spans = []
    for hit in lists.hits("negation", serious):
        if hit.name == "before":
            following = [one for one in mentions if one.start >= hit.end]
            gaps = [text[a.end : b.start] for a, b in pairwise([hit, *following])]
        elif hit.name == "after":
            following = [one for one in reversed(mentions) if one.end <= hit.start]
            gaps = [text[b.end : a.start] for a, b in pairwise([hit, *following])]
        else:
            continue
        reached = _reach(gaps, [one.name for one in following], lists)
        if reached:
            ends = following[:reached]
            spans.append((min(one.start for one in ends), max(one.end for one in ends)))
    return tuple(spans)


def _reach(gaps: Sequence[str], names: Sequence[str], lists: Grammar) -> int:
    """How many mentions in a row a negation covers, given what stands between it and each of them."""
    for place, (gap, name) in enumerate(zip(gaps, names, strict=True)):
        near = _near(gap, lists) if place == 0 else _joined(gap, lists)
        # Nobody shall be talked into it: what is refused counts as left out only when nothing else can be meant.
        if not near or (name in policy.TOPICS and not _joined(lists.without("negation", gap, "toward"), lists)):
            return place
    return len(gaps)


def _near(gap: str, lists: Grammar) -> bool:
    if ";" in gap or "," in gap or lists.has("negation", gap, "until"):
        return False
    return len(gap.split()) <= NEAR_WORDS and len(gap) - len(re.sub(r"[㐀-鿿]", "", gap)) <= NEAR_CHARACTERS


def _joined(gap: str, lists: Grammar) -> bool:
    """Whether nothing but "and", articles and commas stands between two mentions."""
    return not re.sub(r"[~, ]", "", lists.without("negation", gap, "between"))
