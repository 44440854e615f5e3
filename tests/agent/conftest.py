"""Conversations for tests: the astronaut, alone and as a pair, tools that answer at once, and a memory of their own."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceagent import Analyst, Settings
from faceagent.agent.runtime import build_tools
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.tools.base import Tool, View
from faceagent.types import Evidence, ToolStamp

Pixels = NDArray[np.uint8]


class Counted:
    """A tool that counts how often it is asked and does the rest as before."""

    def __init__(self, tool: Tool) -> None:
        self.spec, self._tool, self.views = tool.spec, tool, 0

    def stamp(self) -> ToolStamp:
        return self._tool.stamp()

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        self.views += len(batch)
        return self._tool.run(batch)


class Unsure(Counted):
    """The same tool with every calibrated score moved to where it supports neither side."""

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        return [tuple(_even(item) for item in group) for group in super().run(batch)]


def _even(item: Evidence) -> Evidence:
    fitted = calibration_of(item)
    if item.score is None or not isinstance(fitted, Platt):
        return item
    even = -fitted.intercept / fitted.slope
    return item.model_copy(update={"score": item.score.model_copy(update={"value": even})})


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "conversations"


@pytest.fixture
def analyst(memory: Path) -> Iterator[Analyst]:
    settings = Settings(workers=2, memory=str(memory), explain="ledger", turn_seconds=600)
    with Analyst(settings, {name: Counted(tool) for name, tool in build_tools(settings).items()}) as warm:
        yield warm


@pytest.fixture
def unsure(analyst: Analyst) -> Analyst:
    """An analyst whose spoof and forgery detectors cannot tell."""
    unsure = {name: Unsure(analyst.runtime.tools[name]) for name in ("spoof", "forgery")}
    return Analyst(analyst.settings, {**analyst.runtime.tools, **unsure})


@pytest.fixture
def photo(astronaut: Pixels, tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(astronaut).save(path, quality=95)
    return path


@pytest.fixture
def pair(astronaut: Pixels, tmp_path: Path) -> Path:
    """The same face twice, side by side: two people that no description but a place can tell apart."""
    path = tmp_path / "pair.png"
    face = astronaut[:300, 100:400]
    Image.fromarray(np.concatenate([face, face[:, ::-1]], axis=1)).save(path)
    return path


@pytest.fixture
def views(analyst: Analyst) -> Callable[[], int]:
    """How many views all tools together have looked at."""
    return lambda: sum(tool.views for tool in analyst.runtime.tools.values() if isinstance(tool, Counted))
