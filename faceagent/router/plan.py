"""The nouns of routing: what one turn of a conversation asks for, before any tool has run.

This module knows shapes only. Which words lead to which plan stands in ``lexicon/``; which face a ``FaceReference``
means is found later, from the faces of the picture.
"""

from typing import Literal, get_args

from pydantic import Field

from faceagent.types import FrozenModel, Question, Refused

Intent = Literal[
    "analyse", "why", "what_would_change", "evidence", "compare", "list_faces", "new_picture", "rerun", "help",
    "refused", "out_of_scope", "unclear",
]  # fmt: skip
KINDS: tuple[Intent, ...] = get_args(Intent)
NOTHING_RUNS = frozenset[Intent]({"help", "out_of_scope", "unclear", "refused"})
"""Kinds of turn that need neither a picture nor a face; such a plan points at none."""
Language = Literal["en", "zh", "es"]
ImageReference = Literal["this", "first", "second", "third", "last", "previous", "both", "all"]
Side = Literal["left", "right", "middle", "front", "back"]
Superlative = Literal["oldest", "youngest", "largest", "smallest"]


class FaceReference(FrozenModel):
    """The faces a text points at; what is not said is None. ``left`` is the picture's left."""

    index: int | None = Field(default=None, ge=1, description="2 for F2")
    side: Side | None = None
    superlative: Superlative | None = None
    words: tuple[str, ...] = Field(default=(), description="names of visible traits: woman, man, child, glasses, …")
    every: bool = False


class DialogueContext(FrozenModel):
    """What the conversation knows before this turn."""

    pictures: int = Field(default=1, ge=0)
    has_reference: bool = False
    questions: tuple[Question, ...] = Field(default=(), description="those of the turn before, for follow-ups")
    purpose: str = "unstated"
    jurisdiction: str = "strictest"


class Plan(FrozenModel):
    """One turn, understood. Empty ``questions`` of an analysis mean everything policy allows unasked."""

    kind: Intent
    questions: tuple[Question, ...] = ()
    pictures: tuple[ImageReference, ...] = ("this",)
    faces: tuple[FaceReference, ...] = Field(default=(), description="empty: every face, or the one spoken of before")
    reference: Literal["none", "needed", "given"] = "none"
    depth: Literal["brief", "normal", "deep"] = "normal"
    evidence: tuple[str, ...] = Field(default=(), description="ids as typed, upper case: E7, F1:AU12")
    refused: tuple[Refused, ...] = ()
    purpose: str = Field(default="unstated", description="the one in force, or a stricter one that the text states")
    jurisdiction: str = Field(default="strictest", description="the one in force; a text cannot change it")
    language: Language = "en"
    clarification: str | None = Field(default=None, description="what to ask back before anything is run")
