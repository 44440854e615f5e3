"""Where cases meet the product: pictures through its intake and face finder, tools through ``measure``.

There is no private path: what is measured here is what ``analyze`` runs. The runner knows no label and no metric.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evals.data import Case, Skip
from evals.stats.shortcut_features import shortcut_features_of
from evals.task import SKIPPED, UNPRESENTED, Values
from evals.views import portrait, whole
from faceagent import intake
from faceagent.agent.analyst import Analyst
from faceagent.agent.runtime import build_tools
from faceagent.errors import InputError
from faceagent.settings import Settings
from faceagent.tools.base import Tool, View, measure
from faceagent.types import Evidence, Problem, Source

SYSTEM_PARTS = ("faces", "analyze", "vlm")
"""What can be measured without being one tool."""

FINDER = "quality"
"""The tool whose weights are those of the face finder."""

Reading = Callable[[tuple[Evidence, ...], View], Values | Skip]
"""What a task takes from a tool's evidence about one face. The id of a Skip is filled in by the runner."""


class Runner:
    """One tool, one folder of pictures, one profile.

    ``tool`` is a registered tool, or a room that is measured as a whole: "faces", "analyze", or "vlm" (explaining).
    """

    def __init__(self, root: Path, settings: Settings, tool: str) -> None:
        self.root = root
        self.settings = settings
        self.tools: Mapping[str, Tool] = build_tools(settings)
        self.subject = tool
        if tool not in self.tools and tool not in SYSTEM_PARTS:
            raise InputError(
                f"There is no tool called {tool!r}.", remedy=f"There are: {', '.join((*self.tools, *SYSTEM_PARTS))}."
            )

    @property
    def tool(self) -> Tool:
        """The registered tool that is measured."""
        return self.tools[self.subject]

    @property
    def measured_tools(self) -> tuple[Tool, ...]:
        """The tools that decide what is measured: one, or for the product as a whole all of them."""
        if self.subject in self.tools:
            return (self.tool,)
        return (self.tools[FINDER],) if self.subject == "faces" else tuple(self.tools.values())

    @cached_property
    def analyst(self) -> Analyst:
        """The product as a whole, for tasks that look at reports."""
        return Analyst(self.settings)

    def look(self, path: Path) -> View | Skip:
        """The picture as a whole, or why it cannot be read."""
        view = whole(path, self.settings)
        if view is not None:
            return view
        source = Source(kind="path", ref=str(path), name=path.name)
        problem = intake.take(source, intake.MemoryBlobs(), self.settings)
        if isinstance(problem, Problem):
            return Skip("", problem.reason, problem.message)
        return Skip("", "corrupt_picture", f"{path.name} could not be read.")

    def face(self, path: Path) -> View | Skip:
        """The main face of a picture, or why there is none."""
        view = self.look(path)
        if isinstance(view, Skip):
            return view
        found = portrait(view, self.settings)
        return Skip("", "no_face", f"No face was found in {path.name}.") if found is None else found

    def presented(self, case: Case, path: Path) -> View | Skip:
        """The main face of a picture of ``case``, with the case's references where the tool needs them."""
        view = self.face(path)
        if isinstance(view, Skip) or "reference" not in self.tool.spec.needs:
            return view
        others = [self.face(self.root / file) for file in case.others]
        missing = next((other for other in others if isinstance(other, Skip)), None)
        if missing is not None:
            reason = missing.reason if missing.reason in UNPRESENTED else "reference_unusable"
            return Skip("", reason, f"Reference of {case.file}: {missing.message}")
        return replace(view, references=tuple(other for other in others if isinstance(other, View)))

    def faces(self, cases: Sequence[Case], reading: Reading, *, shortcuts: bool = False) -> list[Values | Skip]:
        """``reading`` of the tool's evidence about the main face of every case, in one batch."""
        views = [self.presented(case, self.root / case.file) for case in cases]
        return self.read(views, reading, [case.id for case in cases], shortcuts=shortcuts)

    def read(
        self, views: Sequence[View | Skip], reading: Reading, names: Sequence[str], *, shortcuts: bool = False
    ) -> list[Values | Skip]:
        """``reading`` of the tool's evidence about views that are already there."""
        seen = [view for view in views if isinstance(view, View)]
        measured = iter(measure(self.tool, seen))
        found: list[Values | Skip] = []
        for view, name in zip(views, names, strict=True):
            answer: Values | Skip = view if isinstance(view, Skip) else reading(next(measured), view)
            extra: dict[str, Any] = shortcut_features_of(view) if shortcuts and isinstance(view, View) else {}
            if isinstance(answer, Skip):
                # The cues of a picture that the tool is silent about are kept: they need no tool.
                found.append({SKIPPED: [answer.reason, answer.message], **extra} if extra else answer._replace(id=name))
            else:
                found.append({**answer, **extra})
        return found


def skip_reason(evidence: Sequence[Evidence]) -> Skip:
    """Why a tool said nothing that could be scored."""
    silent = next((item for item in evidence if item.status != "ok"), None)
    if silent is None:
        return Skip("", "no_evidence", "The tool left no evidence that could be scored.")
    return Skip("", silent.reason or silent.status, silent.statement)
