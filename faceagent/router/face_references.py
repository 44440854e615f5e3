"""Finds the faces that a text refers to: "the woman on the left and the man with glasses" → two ``FaceReference``.

Works on words only; ``resolve_face`` finds out later whether there is such a face.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import get_args

from faceagent.router.grammar import Grammar, Match
from faceagent.router.plan import FaceReference, ImageReference, Side, Superlative
from faceagent.router.targets import place_faces

HEAD = "head"
"""A word for a person that does not say which kind of person."""
TABLES = ("sides", "superlatives", "people", "traits")
SIDES: Mapping[str, Side] = {name: name for name in get_args(Side)}
SUPERLATIVES: Mapping[str, Superlative] = {name: name for name in get_args(Superlative)}


@dataclass
class _Draft:
    """One person, as far as the text was read."""

    index: int | None = None
    side: Side | None = None
    superlative: Superlative | None = None
    words: dict[str, None] = field(default_factory=dict)
    head: str | None = None
    """The word for the person: a name of the table ``people``, or ``HEAD``."""
    start: int = 0
    end: int = 0
    """Where the words for this person stand."""

    def accepts(self, table: str, name: str) -> bool:
        """Whether the mention can describe this person; the same mention may come twice."""
        if table in ("people", HEAD):
            return self.head is None or (name in (self.head, HEAD) and not self.is_described())
        known = {"index": self.index, "sides": self.side, "superlatives": self.superlative}.get(table)
        return known is None or str(known) == name

    def is_described(self) -> bool:
        """Whether the text says more than the word for the person."""
        return any((self.index, self.side, self.superlative)) or len(self.words) > (self.head not in (None, HEAD))

    def add(self, table: str, name: str) -> None:
        """Add one mention."""
        if table == "index":
            self.index = int(name)
        elif table == "sides":
            self.side = SIDES[name]
        elif table == "superlatives":
            self.superlative = SUPERLATIVES[name]
        elif table == "people":
            self.head = name
            self.words[name] = None
        elif table == HEAD:
            self.head = self.head or HEAD
        else:
            self.words[name] = None

    def build(self) -> FaceReference | None:
        """The reference, or None where nothing distinguishes this person from another."""
        if not (self.is_described() or self.words):
            return None
        words = sorted(self.words, key=lambda word: word != self.head)
        return FaceReference(index=self.index, side=self.side, superlative=self.superlative, words=tuple(words))


def find_face_references(
    text: str,
    grammar: Grammar,
    pictures: Sequence[tuple[ImageReference, int, int]] = (),
    absent: Set[str] = frozenset(),
) -> tuple[FaceReference, ...]:
    """The faces that a normalized text refers to, in its order, each once; empty when it singles out nobody.

    Args:
        text: the normalized turn.
        grammar: the lists.
        pictures: the pictures that the turn names, each with start and end; a face gets the one it is said to be in.
        absent: details that describe nobody, see ``without_details``, so that "right" in "the man right at the back"
            does not part what belongs together.
    """
    # "A man or a woman?" and "the same person?" are questions and refer to nobody.
    searched = grammar.without("own_side", text)
    searched = grammar.without("questions", searched, "gender")
    for hit in grammar.hits("questions", searched):
        # "The woman in the first photo also" asks about identity and says who is meant.
        if hit.name == "identity" and not any(hit.start <= start < hit.end for _, start, _ in pictures):
            searched = searched[: hit.start] + "~" * (hit.end - hit.start) + searched[hit.end :]
    mentions = [hit for hit in _find_mentions(searched, grammar) if _detail(hit) not in absent]
    drafts: list[_Draft] = []
    for place, hit in enumerate(mentions):
        goes_on = bool(drafts) and (drafts[-1].accepts(*_key(hit)) or _is_added(drafts[-1], hit, text))
        if not goes_on or _starts_person(place, mentions, text, grammar):
            drafts.append(_Draft(start=hit.start))
        drafts[-1].add(*_key(hit))
        drafts[-1].end = max(drafts[-1].end, hit.end)
    built = [(draft.build(), draft.start, draft.end) for draft in drafts]
    found = list(place_faces([(who, start, end) for who, start, end in built if who is not None], pictures, text))
    # "The oldest of them all" is one.
    if grammar.has("every", text) and not any(face.superlative for face in found):
        found.append(FaceReference(every=True))
    return without_details(tuple(dict.fromkeys(found)), absent)


def without_details(faces: Sequence[FaceReference], absent: Set[str]) -> tuple[FaceReference, ...]:
    """The references without the details named in ``absent``, and without those that nothing is left of.

    Args:
        faces: what the words of a turn name.
        absent: details that describe nobody in the picture, as ``side:back`` and ``word:woman``; ``every``.
    """
    found: list[FaceReference] = []
    for face in faces:
        words = tuple(word for word in face.words if f"word:{word}" not in absent)
        left = face.model_copy(
            update={
                "side": None if f"side:{face.side}" in absent else face.side,
                "superlative": None if f"superlative:{face.superlative}" in absent else face.superlative,
                # Where one word is meant, the others describe the same person: "the man with the moustache".
                "words": face.words if words else (),
                "every": face.every and "every" not in absent,
            }
        )
        if left.index or left.side or left.superlative or left.words or left.every:
            found.append(left)
    return tuple(dict.fromkeys(found))


def completed(
    found: tuple[FaceReference, ...], read: tuple[FaceReference, ...], grammar: Grammar
) -> tuple[FaceReference, ...]:
    """The references that the rules found, with what was read of the same person; those that were read where none is.

    Two descriptions are of one person where each rule and reading has one and none says what the other denies.
    """
    if len(found) != 1 or len(read) != 1:
        return found or read
    (face,), (more,) = found, read
    if more.every or face.every or face.index or (more.side and face.side and more.side != face.side):
        return found
    people = grammar.tables["people"]
    words = sorted(dict.fromkeys((*face.words, *more.words)), key=lambda word: word not in people)
    return (face.model_copy(update={"side": face.side or more.side, "words": tuple(words)}),)


def find_numbered_faces(text: str, grammar: Grammar) -> list[Match]:
    """Faces that are called by number, as matches named ``index:2``."""
    found = []
    for hit in grammar.hits("index", text):
        words = text[hit.start : hit.end]
        digits = re.search(r"\d+", words)
        number = digits.group() if digits else next(iter(grammar.names("numbers", words)), "0")
        if int(number) >= 1:
            found.append(Match(f"index:{int(number)}", hit.start, hit.end))
    return found


def _detail(hit: Match) -> str | None:
    """The detail that places a person, as ``side:back``; None for what names one."""
    table, name = _key(hit)
    return {"sides": f"side:{name}", "superlatives": f"superlative:{name}"}.get(table)


def _key(hit: Match) -> tuple[str, str]:
    """Table and list of a mention."""
    table, _, name = hit.name.partition(":")
    return table, name


def _is_added(draft: _Draft, hit: Match, text: str) -> bool:
    """Whether the mention goes on about the same person after a comma: "the girl on the right, the one with a hat"."""
    return _key(hit)[0] == HEAD and text[draft.end : hit.start].strip() == ","


def _starts_person(place: int, mentions: list[Match], text: str, grammar: Grammar) -> bool:
    """Whether an "and" stands before this mention, and a word for a person after it, before the next "and"."""
    if place == 0 or not grammar.has("both", text[mentions[place - 1].end : mentions[place].start]):
        return False
    for at in range(place, len(mentions)):
        if _key(mentions[at])[0] in ("people", HEAD, "index"):
            return True
        if at + 1 < len(mentions) and grammar.has("both", text[mentions[at].end : mentions[at + 1].start]):
            return False
    return False


def _find_mentions(text: str, grammar: Grammar) -> list[Match]:
    """Everything that describes a person, in the order of the text, without what lies inside a longer match."""
    found = find_numbered_faces(text, grammar)
    found += [Match(f"{table}:{hit.name}", hit.start, hit.end) for table in TABLES for hit in grammar.hits(table, text)]
    # A word for a person may stand inside the words that place it: "the left woman".
    heads = [Match(f"{HEAD}:{HEAD}", hit.start, hit.end) for hit in grammar.hits("heads", text)]
    found += [hit for hit in heads if not any(one.start <= hit.start and hit.end <= one.end for one in found)]
    kept = (hit for hit in found if not any(_covers(one, hit) for one in found))
    return sorted(kept, key=lambda hit: hit.start)


def _covers(one: Match, other: Match) -> bool:
    """Whether ``one`` makes ``other`` void: a longer match of the same table, a number or a superlative around it."""
    if _key(one)[0] == "superlatives" and _key(other)[0] == "traits":
        return one.start < other.end and other.start < one.end
    related = _key(one)[0] in (_key(other)[0], "index", "superlatives")
    around = one.start <= other.start and other.end <= one.end
    return related and around and (one.start, one.end) != (other.start, other.end)
