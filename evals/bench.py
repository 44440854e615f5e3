"""Where cases meet the product: pictures through its intake and face finder, tools through ``measure``.

There is no private path: what is measured here is what ``analyze`` runs. The bench knows no label and no metric.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evals.data import Case, Skip
from evals.stats.cues import cues_of
from evals.task import SKIPPED, UNPRESENTED, Values
from evals.views import portrait, whole
from faceagent import intake
from faceagent.agent.analyst import Analyst
from faceagent.agent.runtime import build_tools
from faceagent.errors import InputError
from faceagent.settings import Settings
from faceagent.tools.base import Tool, View, measure
from faceagent.types import Evidence, Problem, Source

ROOMS = ("faces", "analyze", "vlm")
"""What can be measured without being one tool."""

Reading = Callable[[tuple[Evidence, ...], View], Values | Skip]
"""What a task takes from a tool's evidence about one face. The id of a Skip is filled in by the bench."""


class Bench:
    """One tool, one folder of pictures, one profile.

    ``tool`` is a registered tool, or a room that is measured as a whole: "faces", "analyze", or "vlm" (explaining).
    """

    def __init__(self, root: Path, settings: Settings, tool: str) -> None:
        self.root = root
        self.settings = settings
        self.tools: Mapping[str, Tool] = build_tools(settings)
        self.subject = tool
        if tool not in self.tools and tool not in ROOMS:
            raise InputError(
                f"There is no tool called {tool!r}.", remedy=f"There are: {', '.join((*self.tools, *ROOMS))}."
            )

    @property
    def tool(self) -> Tool:
        """The registered tool that is measured."""
        return self.tools[self.subject]

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

    def faces(self, cases: Sequence[Case], reading: Reading, *, cues: bool = False) -> list[Values | Skip]:
        """``reading`` of the tool's evidence about the main face of every case, in one batch."""
        views = [self.presented(case, self.root / case.file) for case in cases]
        return self.read(views, reading, [case.id for case in cases], cues=cues)

    def read(
        self, views: Sequence[View | Skip], reading: Reading, names: Sequence[str], *, cues: bool = False
    ) -> list[Values | Skip]:
        """``reading`` of the tool's evidence about views that are already there."""
        seen = [view for view in views if isinstance(view, View)]
        measured = iter(measure(self.tool, seen))
        found: list[Values | Skip] = []
        for view, name in zip(views, names, strict=True):
            answer: Values | Skip = view if isinstance(view, Skip) else reading(next(measured), view)
            extra: dict[str, Any] = cues_of(view) if cues and isinstance(view, View) else {}
            if isinstance(answer, Skip):
                # The cues of a picture that the tool is silent about are kept: they need no tool.
                found.append({SKIPPED: [answer.reason, answer.message], **extra} if extra else answer._replace(id=name))
            else:
                found.append({**answer, **extra})
        return found


def mute(evidence: Sequence[Evidence]) -> Skip:
    """Why a tool said nothing that could be scored."""
    silent = next((item for item in evidence if item.status != "ok"), None)
    if silent is None:
        return Skip("", "no_evidence", "The tool left no evidence that could be scored.")
    return Skip("", silent.reason or silent.status, silent.statement)
