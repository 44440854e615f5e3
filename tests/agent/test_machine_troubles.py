"""A full disk and a cache that is gone are told as what they are, and cost no more than they must."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent import Analyst, Settings
from faceagent.agent import pipeline
from faceagent.agent.runtime import build_tools
from faceagent.tools.base import View

ASK: dict[str, Any] = {"questions": ["quality", "forgery", "spoof", "identity"]}


def test_a_warm_analyst_goes_on_when_the_cache_is_deleted(astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "weights").symlink_to(Settings().cache / "weights")
    settings = Settings(cache=cache, offline=True, workers=2, batch=2)
    with Analyst(settings) as warm:
        first = warm.analyze(astronaut, references=[astronaut[:400]], **ASK)
        (cache / "weights").unlink()
        cache.rmdir()
        pictures = [astronaut, astronaut[:, ::-1].copy(), astronaut[:420]]
        again = list(warm.analyze_many(pictures, references=[astronaut[:400]], **ASK))
    assert again[0].verdicts == first.verdicts
    assert all(one.problem is None and one.verdicts for one in again)
    assert not [item for one in again for item in one.evidence if item.status in ("unavailable", "failed")]


@pytest.mark.parametrize(
    ("error", "words"),
    [(OSError(errno.ENOSPC, "No space left on device"), "No space left on device"), (MemoryError(), "no memory left")],
)
def test_the_picture_is_not_blamed_for_the_machine(
    astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    find = pipeline.faces.search_faces

    def crowded(picture: Any, pixels: Any, *rest: Any, **more: Any) -> Any:
        if pixels.shape[0] == 400:
            raise error
        return find(picture, pixels, *rest, **more)

    monkeypatch.setattr(pipeline.faces, "search_faces", crowded)
    with Analyst(Settings(workers=2, batch=3)) as analyst:
        reports = list(analyst.analyze_many([astronaut, astronaut[:400], astronaut], questions=["quality"]))
    assert [one.problem is None for one in reports] == [True, False, True]
    problem = reports[1].problem
    assert problem is not None and words in problem.message and "report" not in (problem.remedy or "")


def test_a_tool_says_which_error_of_the_machine_it_met(
    settings: Settings, astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = build_tools(settings)

    def full(batch: list[View]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Analyst(settings, tools) as analyst:
        monkeypatch.setattr(tools["spoof"], "run", full)
        report = analyst.analyze(astronaut, questions=["spoof"])
    (failed,) = [item for item in report.evidence if item.tool.name == "spoof"]
    assert failed.status == "failed" and "No space left on device" in failed.statement
