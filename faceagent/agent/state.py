"""What the graph carries between nodes: keys into the record, so that a checkpoint stays small and safe to load."""

from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from faceagent.explain import Narrator
from faceagent.intake.blobs import Blobs
from faceagent.settings import Settings
from faceagent.storage.record import Record
from faceagent.tools.base import Tool
from faceagent.types import Question, Request, Source

REFERENCES = "ref"
"""The item under which references stand; all pictures of a run share them."""


def union(old: list[str], new: list[str]) -> list[str]:
    """Both lists without repeats, in order: a node that is retried adds nothing twice."""
    return list(dict.fromkeys((*old, *new)))


Keys = Annotated[list[str], union]


class PipelineState(TypedDict, total=False):
    """Keys only. ``items`` are the pictures asked about: "0", "1", and so on."""

    items: list[str]
    allowed: list[Question]
    pictures: Keys
    faces: Keys
    evidence: Keys
    verdicts: Keys
    explanations: Keys
    reports: Keys


class ToolBatch(TypedDict):
    """What one parallel branch gets: a tool, what it may answer, what it shall look at, and the references' keys."""

    tool: str
    allowed: list[Question]
    views: list[str]
    pictures: list[str]
    faces: list[str]


@dataclass(frozen=True)
class RunContext:
    """What one run works with; handed to every node by LangGraph, never part of the state."""

    request: Request
    sources: tuple[Source, ...]
    references: tuple[Source, ...]
    settings: Settings
    blobs: Blobs
    tools: dict[str, Tool]
    pool: Executor
    record: Record = field(default_factory=Record)
    narrator: Narrator | None = None
