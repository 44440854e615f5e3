"""The wake-up ends when it is asked to, even where its connection fails at that very moment."""

import asyncio
from pathlib import Path

import pytest
from taskiq.receiver import Receiver

from faceagent.serve.wakeup import Wakeup

LONGEST_SECONDS = 20.0


async def _fails_when_cancelled(*_: object) -> None:
    """What a listener's group of tasks does where one of them fails while all of them are cancelled."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        raise ConnectionError from None


def test_it_closes_though_the_connection_fails_at_that_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Receiver, "listen", _fails_when_cancelled)

    async def closes() -> bool:
        wakeup = Wakeup(f"unix://{tmp_path}/none", lambda: None)
        await wakeup.start()
        await asyncio.sleep(0.1)
        done, _ = await asyncio.wait({asyncio.ensure_future(wakeup.close())}, timeout=LONGEST_SECONDS)
        return bool(done)

    assert asyncio.run(closes())
