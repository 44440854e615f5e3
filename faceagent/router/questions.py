"""Finds which questions a text asks, and which it says to leave out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from faceagent import policy
from faceagent.router.grammar import Grammar, Match, keep_longest
from faceagent.types import QUESTIONS, Question

MAX_WORDS, MAX_CHARACTERS = 4, 8
"""Largest distance between a negating word and a question, in words; in Chinese, in characters."""


@dataclass(frozen=True)
class RequestedQuestions:
    """The questions of one text, in the order of ``QUESTIONS``.

    ``contradictory``: both asked and left out. ``rest``: everything except ``unwanted`` is asked.
    """

    wanted: tuple[Question, ...]
    unwanted: tuple[Question, ...]
    contradictory: tuple[Question, ...]
    rest: bool
    spans: tuple[tuple[int, int], ...]
    """Start and end of the negated parts of the text."""

    def is_left_out(self, hit: Match) -> bool:
        """Whether the match lies in a negated part of the text."""
        return _inside(hit, self.spans)


def find_questions(text: str, lists: Grammar, *, has_reference: bool) -> RequestedQuestions:
    """The questions that a normalized text asks.

    Args:
        text: normalized, with corrected spelling.
        lists: the grammar.
        has_reference: there is a reference image, so that "who is she?" asks for a comparison.
    """
    topics = lists.without("harmless", text)
    # The longer match counts: "dark hair" does not ask about darkness, "photo of a screen" asks one question.
    searched = lists.without("noise", text)
    found = [hit for table in ("questions", "traits", "superlatives") for hit in lists.hits(table, searched)]
    found += lists.hits("topics", topics)
    strong = _read_matches(text, found, lists, compared=has_reference and lists.has("naming", topics))
    # "Taken with a phone" asks where a file comes from, "is it fake, or taken with a phone?" does not.
    if strong.wanted:
        return strong
    return _read_matches(text, [*found, *lists.hits("weak", searched)], lists, compared=False)


def _read_matches(text: str, found: Iterable[Match], lists: Grammar, *, compared: bool) -> RequestedQuestions:
    mentions = keep_longest(found)
    spans = _negated_spans(text, mentions, lists)
    named = [hit for hit in mentions if hit.name in QUESTIONS or hit.name in policy.GROUPS]
    if compared:
        named.append(Match("identity", len(text), len(text)))
    out = _named_questions(hit for hit in named if _inside(hit, spans))
    wanted = _named_questions(hit for hit in named if not _inside(hit, spans))
    both = tuple(one for one in wanted if one in out)
    return RequestedQuestions(wanted, out, both, rest=bool(out) and not wanted, spans=spans)


def _named_questions(hits: Iterable[Match]) -> tuple[Question, ...]:
    names = policy.expand(hit.name for hit in hits)
    return tuple(one for one in QUESTIONS if one in names)


def _inside(hit: Match, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= hit.start and hit.end <= end for start, end in spans)


def _negated_spans(text: str, mentions: Sequence[Match], lists: Grammar) -> tuple[tuple[int, int], ...]:
    """For each negating word, the span from the first to the last mention that it negates."""
    negating = lists.without("negation", text, "innocent")
    spans = []
    words = [hit for hit in lists.hits("negation", negating) if hit.name in ("before", "clause", "after")]
    for hit in keep_longest(words):
        if hit.name in ("before", "clause"):
            following = [one for one in mentions if one.start >= hit.end]
            gaps = [text[a.end : b.start] for a, b in pairwise([hit, *following])]
        else:
            following = [one for one in reversed(mentions) if one.end <= hit.start]
            gaps = [text[b.end : a.start] for a, b in pairwise([hit, *following])]
        count = _count_negated(gaps, [one.name for one in following], lists)
        count = min(count, 1) if hit.name == "clause" else count
        if count:
            ends = following[:count]
            spans.append((min(one.start for one in ends), max(one.end for one in ends)))
    return tuple(spans)


def _count_negated(gaps: Sequence[str], names: Sequence[str], lists: Grammar) -> int:
    """How many mentions in a row a negating word covers.

    Args:
        gaps: the text between the negating word and the first mention, then between one mention and the next.
        names: the names of the mentions.
        lists: the grammar.
    """
    for place, (gap, name) in enumerate(zip(gaps, names, strict=True)):
        negated = _is_near(gap, lists) if place == 0 else _is_joined(gap, lists)
        # A refused topic counts as left out only when the text cannot mean anything else.
        if not negated or (name in policy.TOPICS and not _is_joined(lists.without("negation", gap, "toward"), lists)):
            return place
    return len(gaps)


def _is_near(gap: str, lists: Grammar) -> bool:
    if ";" in gap or "," in gap or lists.has("negation", gap, "until"):
        return False
    return len(gap.split()) <= MAX_WORDS and len(gap) - len(re.sub(r"[㐀-鿿]", "", gap)) <= MAX_CHARACTERS


def _is_joined(gap: str, lists: Grammar) -> bool:
    """Whether nothing but "and", articles and commas stands between two mentions."""
    return not re.sub(r"[~, ]", "", lists.without("negation", gap, "between"))
