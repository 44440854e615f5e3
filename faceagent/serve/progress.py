"""An analysis that tells what it does while it runs, as server-sent events.

``step`` when a part of the run begins or has ended, then one ``case`` with the id, or one ``error`` with the error
body of every other route. The status of the answer was sent before any of them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi.sse import format_sse_event

from faceagent.agent.state import StepProgress, Watch
from faceagent.serve.errors import ErrorBody, ErrorContent, error_of
from faceagent.serve.logs import logger

PULSE_SECONDS = 10.0
"""A comment at least this often, so that nothing between server and browser takes the silence for an end."""

Finished = Callable[[Watch], Awaitable[dict[str, Any]]]


async def events(request_id: str, work: Finished) -> AsyncIterator[str]:
    """The events of ``work``, which is called with whom to tell of every step and returns what ``case`` holds."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def tell(step: StepProgress) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, _event("step", step.model_dump()))

    async def run() -> None:
        try:
            queue.put_nowait(_event("case", await work(tell)))
        except Exception as error:
            known = error_of(error)
            if known.status == 500:
                logger.exception("crashed", kind=type(error).__name__)
            content = ErrorContent(code=known.code, message=known.message, details=known.details)
            queue.put_nowait(_event("error", ErrorBody(error=content, request_id=request_id).model_dump()))
        finally:
            queue.put_nowait(None)

    # The analysis ends and its case is kept also where nobody listens any more.
    task = asyncio.create_task(run())
    yield ": begun\n\n"
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), PULSE_SECONDS)
        except TimeoutError:
            yield ": at work\n\n"
            continue
        if event is None:
            await task
            return
        yield event


def _event(name: str, data: dict[str, Any]) -> str:
    return format_sse_event(data_str=json.dumps(data), event=name).decode()
