"""The types of the router: what one turn of a conversation asks for, before any tool has run.

Which words lead to which plan stands in ``lexicon/``. Which face a ``FaceReference`` means is found later by
``resolve_face``, from the faces of the picture.
"""

from typing import Literal, get_args

from pydantic import Field

from faceagent.types import FacePart, FrozenModel, Question, Refused

Intent = Literal[
    # measures where nothing is recorded yet
    "analyse", "compare", "rerun", "list_faces", "report",
    # about verdicts: answered from the record where there is one
    "why", "what_would_change", "evidence", "certainty", "where", "which_tool", "percent", "yes_no", "simplify",
    # about the conversation or the program
    "define", "why_refused", "about", "help", "thanks", "bye", "quit", "purpose",
    "new_picture",
    # nothing that can be answered
    "refused", "out_of_scope", "unclear",
]  # fmt: skip
"""What a turn wants.

``certainty``: how sure a verdict is. ``where``: which part of the face or picture it rests on. ``which_tool``: what
measured it. ``percent``, ``yes_no``: the verdict in this form. ``simplify``: the same in simpler words. ``report``:
make or open the written report. ``define``: what ``Plan.term`` means. ``why_refused``: which rule forbids an answer.
``about``: who or what answers here. ``purpose``: states or takes back why the user asks, and nothing else.
"""
KINDS: tuple[Intent, ...] = get_args(Intent)
FOLLOW_UPS = frozenset[Intent](
    {
        "why", "what_would_change", "evidence", "compare", "rerun",
        "certainty", "where", "which_tool", "percent", "yes_no", "simplify",
    }
)  # fmt: skip
"""Kinds of turn that without a question of their own are about the questions of the turn before."""
NOTHING_RUNS = frozenset[Intent](
    {"help", "about", "thanks", "bye", "quit", "purpose", "define", "why_refused", "out_of_scope", "unclear", "refused"}
)
"""Kinds of turn that run no tool; their plan refers to no picture and no face."""
Language = str
"""Code of a language that has a folder in ``lexicon/``: en, es, zh, …"""
ImageReference = Literal["this", "first", "second", "third", "last", "previous", "both", "all"]
Side = Literal["left", "right", "middle", "front", "back"]
Superlative = Literal["oldest", "youngest", "largest", "smallest"]
Wording = Literal["short", "plain", "expert"]
Depth = Literal["brief", "normal", "deep"]
FileFact = Literal["date", "camera", "software", "place", "edits", "resaved"]
FILE_FACTS: tuple[FileFact, ...] = get_args(FileFact)
PurposeChange = Literal["none", "stated", "revoked"]


class FaceReference(FrozenModel):
    """The faces that a text refers to; what the text does not say is None. ``left`` is the left of the picture."""

    index: int | None = Field(default=None, ge=1, description="2 for F2")
    side: Side | None = None
    superlative: Superlative | None = None
    words: tuple[str, ...] = Field(default=(), description="names of visible traits: woman, man, child, glasses, …")
    every: bool = False
    picture: ImageReference | None = Field(default=None, description="the picture this face is in, where it was said")


class Target(FrozenModel):
    """What one question is about, where the questions of a turn are about different pictures or faces."""

    question: Question
    pictures: tuple[ImageReference, ...]
    faces: tuple[FaceReference, ...] = ()


class DialogueContext(FrozenModel):
    """What is known from the conversation before this turn."""

    pictures: int = Field(default=1, ge=0)
    has_reference: bool = False
    questions: tuple[Question, ...] = Field(default=(), description="the questions of the turn before, for follow-ups")
    purpose: str = Field(default="unstated", description="the purpose in force: of the settings, or stated before")
    settings_purpose: str | None = Field(
        default=None, description="the purpose of the settings, to which a stated one is taken back; None: ``purpose``"
    )
    jurisdiction: str = "strictest"
    language: Language = Field(default="en", description="of the turn before; kept where a text does not show its own")


class Plan(FrozenModel):
    """What one turn asks for. Empty ``questions`` of an analysis mean all that policy allows unasked."""

    kind: Intent
    questions: tuple[Question, ...] = ()
    pictures: tuple[ImageReference, ...] = ("this",)
    faces: tuple[FaceReference, ...] = Field(default=(), description="empty: every face, or that of the turn before")
    targets: tuple[Target, ...] = Field(
        default=(),
        description="per question, where questions differ in picture or face; ``pictures``, ``faces``: of all",
    )
    parts: tuple[FacePart, ...] = Field(
        default=(), description="parts of the face that were named; left: subject's own"
    )
    excluded: tuple[Question, ...] = Field(default=(), description="questions that the text says to leave out")
    file_facts: tuple[FileFact, ...] = Field(default=(), description="what of the file's record was asked for")
    term: str | None = Field(default=None, description="the term to define, as typed: AU12, likelihood ratio, E7")
    expected: str | None = Field(
        default=None,
        description="what is asked yes or no: an expression, a unit as AU43, an age as age:18, bona_fide, generated",
    )
    wording: Wording | None = Field(default=None, description="how to word the reply; None: as before")
    reference: Literal["none", "needed", "given"] = "none"
    depth: Depth = "normal"
    evidence: tuple[str, ...] = Field(default=(), description="ids as typed, upper case: E7, F1:AU12")
    refused: tuple[Refused, ...] = ()
    purpose: str = Field(default="unstated", description="the purpose in force after this turn")
    purpose_change: PurposeChange = Field(default="none", description="whether this turn states or revokes the purpose")
    jurisdiction: str = Field(default="strictest", description="the jurisdiction in force; a text cannot change it")
    language: Language = "en"
    clarification: str | None = Field(default=None, description="what to ask back before anything is run")
