"""The application: routes, middleware, and what is opened when it starts and closed when it ends."""

import importlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import numpy as np
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from faceagent.agent.analyst import Analyst
from faceagent.errors import ModelUnavailable
from faceagent.intake import end_processes
from faceagent.serve import errors, upkeep
from faceagent.serve.auth import KeyCache
from faceagent.serve.chats import Chats
from faceagent.serve.mcp.mount import McpMount
from faceagent.serve.metrics import Metrics
from faceagent.serve.middleware import Guard
from faceagent.serve.routes import (
    analyze,
    cases,
    chat,
    desk,
    documents,
    export,
    feedback,
    health,
    jobs,
    keys,
    mcp,
    moderate,
    pictures,
    policy_preview,
    purge,
    reviews,
    session,
    tools,
)
from faceagent.serve.service import MakeAnalyst, Service, analysis_settings, open_service
from faceagent.serve.settings import ServiceSettings
from faceagent.serve.wakeup import Wakeup
from faceagent.serve.worker import Worker
from faceagent.settings import Settings
from faceagent.version import __version__

ROUTERS = tuple(
    one.router
    for one in (
        # First, for a route is found by going through them in turn, and a page asks for two dozen small files.
        desk,
        analyze,
        moderate,
        policy_preview,
        jobs,
        chat,
        tools,
        cases,
        pictures,
        documents,
        reviews,
        export,
        feedback,
        keys,
        purge,
        health,
        mcp,
        session,
    )
)
WARM_SIDE = 256
DESCRIPTION = (
    "Explainable face analysis: expression, deepfake, identity. Verdicts are support for a statement, not proof."
)


def create_app(
    settings: ServiceSettings, analysis: Settings, make_analyst: MakeAnalyst = Analyst, *, warm: bool = False
) -> FastAPI:
    """The application; nothing is opened before it starts.

    Args:
        settings: of the service.
        analysis: of the analyst.
        make_analyst: makes the analyst; another one is for tests of the transport.
        warm: whether the models are loaded at once, and the server is ready only then.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        wanted = analysis_settings(analysis, settings)
        make = partial(_warmed, make_analyst) if warm else make_analyst
        service = await run_in_threadpool(open_service, settings, wanted, metrics, make)
        worker, threads = Worker(service), upkeep.threads(service)
        redis = None if settings.redis is None else settings.redis.get_secret_value()
        wakeup = Wakeup(redis, worker.wake)
        app.state.service, app.state.keys, app.state.chats = service, KeyCache(), Chats(settings.chats)
        app.state.wakeup, app.state.mcp = wakeup, McpMount(service)
        for thread in threads:
            thread.start()
        threading.Thread(target=_import_graphs, args=(service,), name="faceagent-imports", daemon=True).start()
        if settings.work:
            worker.start()
        await wakeup.start()
        try:
            yield
        finally:
            await app.state.mcp.close()
            await wakeup.close()
            for close in (
                service.finish,
                worker.close,
                app.state.chats.close,
                *(one.join for one in threads),
                end_processes,
            ):
                await run_in_threadpool(close)
            service.database.close()

    app = FastAPI(
        title="faceagent",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, settings=settings, metrics=metrics)
    return app


def _import_graphs(service: Service) -> None:
    """What the first picture and the first question need, imported once the server is ready and not before."""
    with suppress(Exception):  # told to whoever asks
        service.batcher.analyst()
    importlib.import_module("faceagent.agent.graph")
    importlib.import_module("faceagent.agent.chat.conversation")


def _warmed(make: MakeAnalyst, settings: Settings) -> Analyst:
    """The analyst with the models of all tools loaded, and those that find faces. A grey picture alone loads few."""
    analyst = make(settings)
    for tool in analyst.runtime.tools.values():
        with suppress(ModelUnavailable):  # a report says which tool is unavailable, and why
            tool.stamp()
    analyst.analyze(np.full((WARM_SIDE, WARM_SIDE, 3), 128, np.uint8))
    return analyst
