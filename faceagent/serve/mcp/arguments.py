"""The arguments of the server's tools; their JSON schemas are what a client is shown."""

from typing import Annotated, Literal

from pydantic import Field

from faceagent.agent.chat.state import MOST_TEXT
from faceagent.policy import Jurisdiction, Purpose
from faceagent.serve.mcp.access import MOST_PICTURES
from faceagent.settings import Explain
from faceagent.types import FrozenModel, Question, Style, SummaryLanguage

MOST_REFERENCES = 8
MOST_CHARACTERS = 100_000_000
"""Of one name: a ``data:`` URL with 64 MiB of picture has 90 million."""

ImageName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="path of a file or folder that this server may read, http(s) URL, or data: URL",
    ),
]
Images = Annotated[tuple[ImageName, ...], Field(min_length=1, max_length=MOST_PICTURES)]
References = Annotated[
    tuple[ImageName, ...],
    Field(max_length=MOST_REFERENCES, description="pictures of one person to compare with, named like images"),
]


class Rules(FrozenModel):
    """Why pictures are analysed and whose rules apply; default is what the server was started with."""

    purpose: Purpose | None = Field(default=None, description="why this is asked; some purposes are refused by law")
    jurisdiction: Jurisdiction | None = Field(default=None, description="whose rules apply")


class AnalyzeArguments(Rules):
    """Arguments of ``analyze``."""

    images: Images = Field(description="what to analyse")
    questions: tuple[Question, ...] = Field(
        default=(), description="what to answer; empty: everything but age, gender and, without references, identity"
    )
    references: References = ()
    explain: Explain | None = Field(
        default=None, description="vlm: the vision-language model explains; ledger: rules do; auto: what is there"
    )
    language: SummaryLanguage | None = Field(default=None, description="language of the summary")
    style: Style | None = Field(default=None, description="who the summary is written for")
    detail: Literal["verdicts", "evidence"] = Field(
        default="verdicts", description="evidence: also every measurement and the steps of the explanations; long"
    )
    show_images: bool = Field(default=True, description="add a small picture with the faces marked, and heat maps")


class CompareArguments(Rules):
    """Arguments of ``compare``."""

    image: ImageName = Field(description="the picture asked about; every face in it is compared")
    references: Annotated[tuple[ImageName, ...], Field(min_length=1, max_length=MOST_REFERENCES)] = Field(
        description="one or more pictures of the same person"
    )
    language: SummaryLanguage | None = Field(default=None, description="language of the summary")
    show_images: bool = Field(default=True, description="add a small picture with the faces marked")


class AskArguments(Rules):
    """Arguments of ``ask``."""

    text: str = Field(min_length=1, max_length=MOST_TEXT, description="a question in plain words: en, es or zh")
    images: Annotated[tuple[ImageName, ...], Field(max_length=MOST_PICTURES)] = Field(
        default=(), description="pictures that join the conversation with this turn"
    )
    references: References = ()
    session: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="the conversation to go on with, as an earlier answer named it; empty: a new one",
    )


class MeasureArguments(Rules):
    """Arguments of a single tool."""

    images: Images = Field(description="what to measure")
    show_images: bool = Field(default=True, description="add the heat maps of the tool, if it makes any")


class MeasureWithReferences(MeasureArguments):
    """Arguments of a single tool that compares."""

    references: Annotated[tuple[ImageName, ...], Field(min_length=1, max_length=MOST_REFERENCES)] = Field(
        description="one or more pictures of the same person"
    )
