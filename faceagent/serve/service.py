"""What the routes of one application work with: settings, database, queue, limits. Opened when the server starts."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from faceagent.agent.analyst import Analyst
from faceagent.serve.batching import Batcher, QueueFull, Waiting
from faceagent.serve.errors import too_many
from faceagent.serve.metrics import Metrics
from faceagent.serve.settings import ServiceSettings
from faceagent.settings import IN_MEMORY, Settings
from faceagent.storage.database.engine import Database, open_database
from faceagent.types import Report

DRAIN_SECONDS = 25.0
"""Time that pictures in the queue have when the server is asked to end."""


@dataclass(frozen=True)
class Service:
    """Open resources of a running server."""

    settings: ServiceSettings
    analysis: Settings
    database: Database
    batcher: Batcher
    metrics: Metrics
    stopping: threading.Event

    async def analyse(self, one: Waiting) -> Report:
        """The report on one picture of a request. Raises ApiError (429) while the queue is full."""
        try:
            return await asyncio.wrap_future(self.batcher.submit(one))
        except QueueFull as full:
            raise too_many("Too many pictures wait already. Try again later.", full.seconds) from None

    def finish(self) -> None:
        """Accept no picture any more, and analyse those that wait."""
        self.stopping.set()
        self.batcher.close(DRAIN_SECONDS)


MakeAnalyst = Callable[[Settings], Analyst]


def analysis_settings(settings: Settings, service: ServiceSettings) -> Settings:
    """The analyst's settings in a server: batches as large as the queue's, no conversation on the disk.

    Pictures come from anybody, so they are decoded in processes of their own.
    """
    changed = {"batch": service.batch, "memory": IN_MEMORY, "served": True}
    return settings.model_copy(update={**changed, "decode_processes": service.decode_processes})


def open_service(settings: ServiceSettings, analysis: Settings, metrics: Metrics, make: MakeAnalyst) -> Service:
    """Open the database and start the queue. Raises StorageError."""
    database = open_database(settings.database)
    batcher = Batcher(
        lambda: make(analysis),
        size=settings.batch,
        capacity=settings.queue,
        item_seconds=settings.item_seconds,
        metrics=metrics,
    )
    batcher.start()
    return Service(settings, analysis, database, batcher, metrics, threading.Event())


def service_of(request: Request) -> Service:
    """The service behind a request; a dependency of routes."""
    found: Service = request.app.state.service
    return found
