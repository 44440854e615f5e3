"""What a client may ask of one analysis, the same for pictures, jobs and moderation."""

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from faceagent.policy import GROUPS, Jurisdiction, Purpose
from faceagent.settings import Explain
from faceagent.types import QUESTIONS, FrozenModel

_NAMES = (*QUESTIONS, *GROUPS)


def _known(name: str) -> str:
    if name not in _NAMES:
        raise ValueError(f"there is no such question; there are {', '.join(_NAMES)}")
    return name


QuestionName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(_NAMES)})]
"""A question or a group of questions."""


class AnalysisOptions(FrozenModel):
    """How pictures are analysed; equal options may share a model batch."""

    questions: tuple[QuestionName, ...] = Field(
        default=(), max_length=32, description="what to answer; empty: all that policy allows without being asked"
    )
    purpose: Purpose | None = Field(default=None, description="why this is asked; null: the server's setting")
    jurisdiction: Jurisdiction | None = Field(default=None, description="whose rules apply; null: the server's setting")
    explain: Explain | None = Field(default=None, description="who explains; null: the server's setting")
