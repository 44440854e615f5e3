"""The time for a picture is over in the middle of its analysis: what is left says so, and the next picture has its own.

The clock is one that the tests set.
"""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent import Analyst
from faceagent.agent import pipeline, state
from faceagent.settings import Settings
from faceagent.tools.base import BETWEEN_LOOKS, ToolSpec, View, measure, not_measured
from faceagent.types import Evidence, Picture, ToolStamp

Pixels = NDArray[np.uint8]


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(state, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


@pytest.fixture
def analyst() -> Iterator[Analyst]:
    with Analyst(Settings(workers=2, batch=1, explain="ledger", picture_seconds=30)) as made:
        yield made


def test_what_is_left_when_the_time_is_over_is_told_and_the_next_picture_has_its_own(
    analyst: Analyst, astronaut: Pixels, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, calls = pipeline.faces.search_faces, iter([31.0, 0.0])

    def slow(picture: Picture, pixels: Pixels, settings: Settings, *, limit: int) -> pipeline.FoundFaces:
        clock.now += next(calls)
        return find(picture, pixels, settings, limit=limit)

    monkeypatch.setattr(pipeline.faces, "search_faces", slow)
    late, punctual = analyst.analyze_many([astronaut, astronaut], questions=["quality", "spoof", "provenance"])
    assert late.problem is None and len(late.faces) == 1
    assert {(one.status, one.reason) for one in late.evidence} == {("unavailable", "too_slow")}
    assert {one.label for one in late.verdicts if one.question == "spoof"} == {"inconclusive"}
    assert any("FACEAGENT_PICTURE_SECONDS" in sentence for sentence in late.limitations)
    assert all(one.reason != "too_slow" for one in punctual.evidence)
    assert not any("FACEAGENT_PICTURE_SECONDS" in sentence for sentence in punctual.limitations)


def test_a_picture_that_is_not_begun_in_time_is_a_problem_with_a_remedy(
    analyst: Analyst, astronaut: Pixels, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = pipeline.load_images

    def slow(*args: Any) -> Any:
        clock.now += 31
        return load(*args)

    monkeypatch.setattr(pipeline, "load_images", slow)
    report = analyst.analyze(astronaut, questions=["quality"])
    assert report.problem is not None and report.problem.reason == "too_slow"
    assert "FACEAGENT_PICTURE_SECONDS" in f"{report.problem.message} {report.problem.remedy}"


class Counting:
    """A tool that notes how many views it was given in one call."""

    spec = ToolSpec(
        name="counting", version="1", title="Counting", summary="counts", questions=("provenance",), scope="picture"
    )

    def __init__(self, clock: Clock) -> None:
        self.clock, self.calls = clock, list[int]()

    def stamp(self) -> ToolStamp:
        return ToolStamp(name="counting", version="1")

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        self.calls.append(len(batch))
        self.clock.now += 20
        return [(not_measured(self.spec, view, "not_applicable", "absent", "Nothing."),) for view in batch]


def test_a_tool_looks_at_the_clock_between_parts_of_a_crowd() -> None:
    clock = Clock()
    tool = Counting(clock)
    picture = Picture(
        id="P1", sha256="0" * 64, width=9, height=9, format="PNG", bytes=1, source="x", mode="RGB", orientation=1
    )
    view = View(picture, pixels=lambda: np.zeros((9, 9, 3), np.uint8), original=bytes)
    found = measure(tool, [view] * (3 * BETWEEN_LOOKS), lambda: clock.now > 30)
    assert tool.calls == [BETWEEN_LOOKS, BETWEEN_LOOKS] and len(found) == 3 * BETWEEN_LOOKS
    assert [one.reason for (one,) in found] == ["absent"] * 2 * BETWEEN_LOOKS + ["too_slow"] * BETWEEN_LOOKS
