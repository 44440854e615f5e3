"""More evidence for open verdicts, within the budget."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from turns import labels, recorded, reply, said

from faceagent import Analyst
from faceagent.agent.chat import conversation
from faceagent.agent.chat.events import (
    Decided,
    Done,
    Event,
    ToolStarted,
)
from faceagent.types import Verdict

Pixels = NDArray[np.uint8]
LIVE = "was this a live person before the camera?"


def further(events: Sequence[Event]) -> list[str]:
    return sorted(name for name in recorded(events) if name.endswith(("_closer", "_wider")))


def test_an_open_forgery_verdict_is_compared_with_the_reference(
    unsure: Analyst, astronaut: Pixels, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(np.clip(astronaut[:, ::-1].astype(np.int16) + 12, 0, 255).astype(np.uint8)).save(other)
    with unsure.chat() as talk:
        events = list(talk.ask("is this photo real?", [photo], [other]))
        assert "1/F1:morph_differential" in recorded(events)
        assert ("F1", "morph") in {key[1:] for key in labels(events)}
        # Asked for by the agent itself, and so decided on by policy as well.
        assert {one.question for one in talk.report().policy} >= {"forgery", "morph"}


def test_more_is_measured_where_a_verdict_is_open_and_it_is_said_why(unsure: Analyst, photo: Path) -> None:
    with unsure.chat() as talk:
        events = list(talk.ask(LIVE, [photo]))
        first = next(one for one in events if isinstance(one, Decided))
        assert first.verdict.label == "inconclusive"
        assert further(events) == ["1/F1:spoof_closer", "1/F1:spoof_wider"]
        assert [one.why for one in events if isinstance(one, ToolStarted)] == [None, *["spoof:uncertain"] * 2]
        assert "2 of 2 lean the same way" in said(talk, "how sure are you?")
        # A second look is told and not weighed.
        assert talk.store.get("1/V:F1:spoof", Verdict) == first.verdict
        assert isinstance(events[-1], Done) and events[-1].calls == 2
        assert further(list(talk.ask(LIVE))) == []


def test_budgets_end_the_asking_and_that_is_said(unsure: Analyst, photo: Path) -> None:
    settings = unsure.settings.model_copy(update={"turn_calls": 1})
    with Analyst(settings, unsure.runtime.tools) as hurried, hurried.chat() as talk:
        events = list(talk.ask(LIVE, [photo]))
        assert len(further(events)) == 1
        assert "budget" in reply(events)
    settings = unsure.settings.model_copy(update={"turn_calls": 12, "turn_seconds": 1e-9})
    with Analyst(settings, unsure.runtime.tools) as late, late.chat() as talk:
        assert further(list(talk.ask(LIVE, [photo]))) == []


def test_a_turn_that_nears_its_last_step_replies_politely(
    unsure: Analyst, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "STEPS", 12)
    with unsure.chat() as talk:
        events = list(talk.ask(LIVE, [photo]))
        assert isinstance(events[-1], Done) and events[-1].calls == 0
        assert "Cannot tell whether this is a live face" in reply(events)
