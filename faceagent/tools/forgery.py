"""Forged or generated faces. Listed, so that a report says what was not looked at; the detector comes later."""

from collections.abc import Sequence
from typing import ClassVar

from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View, silent
from faceagent.types import Evidence, ToolStamp

PENDING = "The trained forgery detector is not part of this release yet."


class Forgery:
    """Answers "unavailable" to everything, with the reason."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="forgery",
        version="0.0.0",
        title="Forgery detector",
        summary="Whether a face was swapped, spliced or generated, and where.",
        questions=("forgery",),
        scope="face",
        pending=PENDING,
    )

    def __init__(self, settings: Settings) -> None:
        del settings

    def stamp(self) -> ToolStamp:
        """The tool's name alone: no weights have spoken."""
        return ToolStamp(name=self.spec.name, version=self.spec.version)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One "unavailable" per view."""
        return [(silent(self.spec, view, "unavailable", "not_trained_yet", PENDING),) for view in batch]
