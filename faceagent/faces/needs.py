"""Which parts of a face everything that is said of it needs to see: one table, read by tools, judge and explanations.

The table is ``needs.toml``, written by hand. This module reads it, and says what of it a face does not show. It
measures nothing.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from pydantic import Field, model_validator

from faceagent.types import PARTS, Face, FacePart, FrozenModel, PartVisibility, Question, Reason, Region

REASON_WORDS: Mapping[Reason, str] = {
    "outside_picture": "outside the picture",
    "occluded": "covered",
    "too_blurry": "too blurred",
    "too_bright": "burnt out",
    "too_dark": "too dark",
    "unrecognisable": "not recognisable",
}
"""Why a part cannot be seen, in words."""
OBJECT_WORDS: Mapping[str, str] = {
    "mask": "a mask",
    "cloth": "cloth",
    "hand": "a hand",
    "sunglasses": "sunglasses",
    "microphone": "a microphone",
    "hair": "hair",
    "paper": "an object",
}
_PAIRS: tuple[tuple[FacePart, FacePart, str], ...] = (
    ("right_brow", "left_brow", "brows"),
    ("right_eye", "left_eye", "eyes"),
    ("right_cheek", "left_cheek", "cheeks"),
)


class Need(FrozenModel):
    """Parts that must be seen: all of ``all``, ``at_least`` so many of ``of``, and one whole group of ``one_of``."""

    all: tuple[FacePart, ...] = ()
    at_least: int = Field(default=0, ge=0)
    of: tuple[FacePart, ...] = ()
    one_of: tuple[tuple[FacePart, ...], ...] = ()
    or_covered: bool = False
    """Whether a covered part will do."""

    @model_validator(mode="after")
    def _possible(self) -> "Need":
        if self.at_least > len(self.of) or bool(self.at_least) != bool(self.of):
            raise ValueError("at_least asks for more parts than there are, or for none of some")
        return self

    def missing(self, hidden: Mapping[FacePart, PartVisibility]) -> tuple[PartVisibility, ...]:
        """The hidden parts for which this need is not met; nothing where it is met."""
        if self.or_covered:
            hidden = {part: one for part, one in hidden.items() if one.reason not in COVERED}
        lacking = [part for part in self.all if part in hidden]
        covered = [part for part in self.of if part in hidden]
        if len(self.of) - len(covered) < self.at_least:
            lacking += covered
        broken = [[part for part in group if part in hidden] for group in self.one_of]
        if broken and all(broken):
            lacking += [part for group in broken for part in group]
        return tuple(hidden[part] for part in PARTS if part in lacking)


NOTHING = Need()
COVERED: tuple[Reason, ...] = ("occluded", "unrecognisable")
"""Reasons of a part that something else lies on, whether that is known for an object or not."""


class NeedsTable(FrozenModel):
    """``needs.toml`` with the groups spelled out."""

    action_unit: Mapping[int, Need]
    region: Mapping[Region, Need]
    question: Mapping[Question, Need]
    trait: Mapping[str, Need]


@cache
def table() -> NeedsTable:
    """The shipped table."""
    text = resources.files("faceagent.faces").joinpath("needs.toml").read_text(encoding="utf-8")
    record = tomllib.loads(text)
    groups: Mapping[str, Sequence[str]] = record.pop("groups")

    def spelled(need: Mapping[str, object]) -> dict[str, object]:
        lists = {key: value for key, value in need.items() if isinstance(value, list)}
        parts = {key: [list(groups.get(name, [name])) for name in value] for key, value in lists.items()}
        whole = {key: value if key == "one_of" else sum(value, []) for key, value in parts.items()}
        return {**need, **whole}

    return NeedsTable.model_validate(
        {section: {name: spelled(need) for name, need in needs.items()} for section, needs in record.items()}
    )


def hidden_parts(face: Face) -> dict[FacePart, PartVisibility]:
    """The parts of a face that cannot be seen; none where visibility was not measured part by part."""
    return {one.part: one for one in face.parts if one.reason is not None}


def lacking(face: Face, need: Need | None) -> tuple[PartVisibility, ...]:
    """The hidden parts of a face because of which ``need`` is not met; nothing where it is met."""
    return () if need is None else need.missing(hidden_parts(face))


def hidden_for(face: Face, question: Question) -> tuple[PartVisibility, ...]:
    """The hidden parts because of which a face cannot be used for a question; nothing where it can."""
    return lacking(face, table().question.get(question))


def cause(missing: Sequence[PartVisibility]) -> Reason:
    """The reason that hides most of these parts; of equals the first part's. Raises ValueError for no part."""
    reasons = [one.reason for one in missing if one.reason is not None]
    if not reasons:
        raise ValueError("no part is hidden")
    return max(reasons, key=lambda reason: (reasons.count(reason), -reasons.index(reason)))


def clause(missing: Sequence[PartVisibility]) -> str:
    """Parts and reasons as a clause: "the eyes are outside the picture, and the mouth is covered by a hand"."""
    groups: dict[tuple[Reason, str | None], list[FacePart]] = {}
    for one in missing:
        if one.reason is not None:
            groups.setdefault((one.reason, one.covered_by), []).append(one.part)
    clauses = []
    for (reason, thing), parts in groups.items():
        names = names_of(parts)
        verb = "are" if len(names) > 1 or names[0] in {pair for *_, pair in _PAIRS} else "is"
        by = f", apparently by {OBJECT_WORDS[thing]}" if thing is not None and thing in OBJECT_WORDS else ""
        clauses.append(f"the {_listed(names)} {verb} {REASON_WORDS.get(reason, 'hidden')}{by}")
    return "; ".join(clauses)


def names_of(parts: Sequence[FacePart]) -> list[str]:
    """Parts in words, both sides together where both are there: ["brows", "left eye", "mouth"]."""
    left = list(parts)
    names: list[str] = []
    for part in parts:
        if part not in left:
            continue
        pair = next((pair for pair in _PAIRS if part in pair[:2]), None)
        if pair is not None and set(pair[:2]) <= set(left):
            names.append(pair[2])
            left = [one for one in left if one not in pair[:2]]
        else:
            names.append(part.replace("_", " "))
            left.remove(part)
    return names


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
