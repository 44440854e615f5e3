"""Specialists that are listed before they are trained, so that a report says what was not looked at."""

from collections.abc import Sequence
from typing import ClassVar

from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View, silent, stamped
from faceagent.types import Evidence, ToolStamp


class _Pending:
    """Answers "unavailable" to everything, with the reason."""

    spec: ClassVar[ToolSpec]

    def __init__(self, settings: Settings) -> None:
        del settings

    def stamp(self) -> ToolStamp:
        """The tool's name alone: no weights have spoken."""
        return stamped(self.spec)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One "unavailable" per view."""
        words = self.spec.pending or ""
        return [(silent(self.spec, view, "unavailable", "not_trained_yet", words),) for view in batch]


class Morph(_Pending):
    """Blends of two people."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="morph",
        version="0.0.0",
        title="Morph detector",
        summary="Whether a face is a blend of two people, as used against document checks.",
        questions=("morph",),
        scope="face",
        pending="The trained morph detector is not part of this release yet.",
    )
