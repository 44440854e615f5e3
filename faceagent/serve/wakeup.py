"""Tells the workers of all processes that a job has come: in this process by a call, else by taskiq through Redis.

A message only wakes; what there is to do stands in the database, and workers also look by themselves from time to time.
So a broker that is away delays work by some seconds and loses none (decision 22).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from faceagent.serve.logs import logger

if TYPE_CHECKING:
    from taskiq import AsyncBroker

CHANNEL = "faceagent_jobs"
TASK = "faceagent.wake"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
SEND_SECONDS = 2.0


class Wakeup:
    """With Redis a broker with one task, and the listener that runs it here; else the call alone."""

    def __init__(self, redis: str | None, woken: Callable[[], None]) -> None:
        self._broker: AsyncBroker | None = None if redis is None else _broker(redis)
        self._woken = woken
        self._listening: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

        async def wake() -> None:
            woken()

        self._task: Any = None if self._broker is None else self._broker.register_task(wake, task_name=TASK)

    async def start(self) -> None:
        """Connect and listen. A broker that is away is tried again in the background."""
        if self._broker is not None:
            self._listening = asyncio.create_task(self._listen(self._broker))

    async def send(self) -> None:
        """Wake all workers; never raises, for the work itself is stored."""
        if self._broker is None:
            self._woken()
            return
        try:
            await asyncio.wait_for(self._task.kiq(), SEND_SECONDS)
        except Exception as error:
            logger.warning("broker_away", kind=type(error).__name__)

    async def close(self) -> None:
        """Stop listening."""
        # A connection that fails in this very moment reports its failure and not that it was cancelled, so the loop
        # also looks at the event.
        self._closing.set()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._listening
        if self._broker is not None:
            with suppress(Exception):
                await self._broker.shutdown()

    async def _listen(self, broker: "AsyncBroker") -> None:
        from taskiq.receiver import Receiver

        pause = FIRST_PAUSE
        with ThreadPoolExecutor(1) as executor:
            while not self._closing.is_set():
                try:
                    await broker.startup()
                    receiver = Receiver(broker, executor, run_startup=False)
                    pause = FIRST_PAUSE
                    await receiver.listen(self._closing)
                except asyncio.CancelledError:
                    raise
                except BaseException as error:
                    logger.warning("broker_away", kind=type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), pause)
                pause = min(2 * pause, LONGEST_PAUSE)


def _broker(redis: str) -> "AsyncBroker":
    # Half a second of imports, which a server without Redis does not spend.
    from taskiq.serializers import JSONSerializer
    from taskiq_redis import PubSubBroker

    return PubSubBroker(redis, queue_name=CHANNEL).with_serializer(JSONSerializer())
