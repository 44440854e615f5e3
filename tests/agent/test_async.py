"""await and async for: the event loop runs on, and cancelling ends the work."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import faceagent
from faceagent import Analyst, InputError, Settings
from faceagent.agent import pipeline

Pixels = NDArray[np.uint8]
ASK: dict[str, Any] = {"questions": ["quality"]}


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    with Analyst(Settings(workers=1)) as warm:
        yield warm


def gone() -> bool:
    """Whether no thread of ours is left, given them a moment to end."""
    until = time.monotonic() + 20
    while any(one.name.startswith("faceagent-async") for one in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(one.name.startswith("faceagent-async") for one in threading.enumerate())


def test_the_event_loop_runs_on_while_pictures_are_analysed(analyst: Analyst, astronaut: Pixels) -> None:
    async def main() -> tuple[list[str], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        wanted = await analyst.aanalyze(astronaut, **ASK)
        found = [report async for report in analyst.aanalyze_many([astronaut, astronaut[:400]], **ASK)]
        assert found[0].verdicts == wanted.verdicts
        ticking.cancel()
        return [one.source for one in found], ticks

    sources, ticks = asyncio.run(main())
    assert len(sources) == 2 and ticks >= 3 and gone()


def test_calls_without_await_work_inside_a_running_loop(analyst: Analyst, astronaut: Pixels) -> None:
    async def main() -> str:
        return analyst.analyze(astronaut, **ASK).verdicts[0].label

    assert asyncio.run(main()) == "usable"


def test_several_at_once(analyst: Analyst, astronaut: Pixels) -> None:
    async def main() -> list[str]:
        found = await asyncio.gather(*(analyst.aanalyze(astronaut[: 400 + one], **ASK) for one in range(3)))
        return [one.verdicts[0].label for one in found]

    assert asyncio.run(main()) == ["usable"] * 3


@pytest.mark.parametrize("way", ["cancel", "timeout", "break"])
def test_leaving_early_ends_the_work(
    analyst: Analyst, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    begun, seen = threading.Event(), []
    find = pipeline.faces.search_faces

    def slow(picture: Any, *rest: Any, **more: Any) -> Any:
        seen.append(picture.id)
        begun.set()
        time.sleep(0.05)
        return find(picture, *rest, **more)

    monkeypatch.setattr(pipeline.faces, "search_faces", slow)

    async def all_of_them() -> int:
        count = 0
        reports = analyst.aanalyze_many((astronaut[: 300 + one] for one in range(200)), **ASK)
        async for _ in reports:
            count += 1
            if way == "break":
                break
        await reports.aclose()
        return count

    async def main() -> None:
        if way == "break":
            assert await all_of_them() == 1
            return
        if way == "timeout":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(all_of_them(), 0.3)
            return
        task = asyncio.create_task(all_of_them())
        while not begun.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    after = len(seen)
    time.sleep(0.2)
    assert len(seen) == after < 200 and gone()


def test_broken_requests_are_raised_where_they_are_awaited(analyst: Analyst, astronaut: Pixels) -> None:
    async def main() -> None:
        with pytest.raises(InputError, match="no question called"):
            await analyst.aanalyze(astronaut, questions=["mood"])
        with pytest.raises(InputError, match="no question called"):
            async for _ in analyst.aanalyze_many([astronaut], questions=["mood"]):
                pass
        assert (await faceagent.aanalyze("no-such-file.jpg", **ASK)).problem is not None

    asyncio.run(main())
    assert gone()
