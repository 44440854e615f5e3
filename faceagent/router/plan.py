"""The types of the router: what one turn of a conversation asks for, before any tool has run.

Which words lead to which plan stands in ``lexicon/``. Which face a ``FaceReference`` means is found later by
``resolve_face``, from the faces of the picture.
"""

from typing import Literal, get_args

from pydantic import Field

from faceagent.types import FrozenModel, Question, Refused

Intent = Literal[
    "analyse",
    "why",
    "what_would_change",
    "evidence",
    "compare",
    "list_faces",
    "new_picture",
    "rerun",
    "help",
    "refused",
    "out_of_scope",
    "unclear",
]
KINDS: tuple[Intent, ...] = get_args(Intent)
NOTHING_RUNS = frozenset[Intent]({"help", "out_of_scope", "unclear", "refused"})
"""Kinds of turn that run no tool; their plan refers to no picture and no face."""
Language = str
"""Code of a language that has a folder in ``lexicon/``: en, es, zh, …"""
ImageReference = Literal["this", "first", "second", "third", "last", "previous", "both", "all"]
Side = Literal["left", "right", "middle", "front", "back"]
Superlative = Literal["oldest", "youngest", "largest", "smallest"]


class FaceReference(FrozenModel):
    """The faces that a text refers to; what the text does not say is None. ``left`` is the left of the picture."""

    index: int | None = Field(default=None, ge=1, description="2 for F2")
    side: Side | None = None
    superlative: Superlative | None = None
    words: tuple[str, ...] = Field(default=(), description="names of visible traits: woman, man, child, glasses, …")
    every: bool = False


class DialogueContext(FrozenModel):
    """What is known from the conversation before this turn."""

    pictures: int = Field(default=1, ge=0)
    has_reference: bool = False
    questions: tuple[Question, ...] = Field(default=(), description="the questions of the turn before, for follow-ups")
    purpose: str = "unstated"
    jurisdiction: str = "strictest"


class Plan(FrozenModel):
    """What one turn asks for. Empty ``questions`` of an analysis mean all that policy allows unasked."""

    kind: Intent
    questions: tuple[Question, ...] = ()
    pictures: tuple[ImageReference, ...] = ("this",)
    faces: tuple[FaceReference, ...] = Field(default=(), description="empty: every face, or that of the turn before")
    reference: Literal["none", "needed", "given"] = "none"
    depth: Literal["brief", "normal", "deep"] = "normal"
    evidence: tuple[str, ...] = Field(default=(), description="ids as typed, upper case: E7, F1:AU12")
    refused: tuple[Refused, ...] = ()
    purpose: str = Field(default="unstated", description="the purpose in force, or a stricter one that the text states")
    jurisdiction: str = Field(default="strictest", description="the jurisdiction in force; a text cannot change it")
    language: Language = "en"
    clarification: str | None = Field(default=None, description="what to ask back before anything is run")
