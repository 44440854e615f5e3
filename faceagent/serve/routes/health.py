"""Whether the server lives, is ready, and what it counts."""

from typing import Literal

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from faceagent.serve.auth import Reviewer, ServiceHere
from faceagent.serve.errors import ApiError, ErrorBody, responses
from faceagent.storage.database import jobs
from faceagent.types import FrozenModel
from faceagent.version import __version__

router = APIRouter(tags=["operation"])


class Health(FrozenModel):
    """The server answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Readiness(FrozenModel):
    """What the server needs is there."""

    status: Literal["ready"] = "ready"
    open_items: int


@router.get("/healthz")
async def healthz() -> Health:
    """The process answers; says nothing about database and models."""
    return Health()


@router.get("/readyz", responses={503: {"model": ErrorBody, "description": "not ready"}})
async def readyz(service: ServiceHere) -> Readiness:
    """Database and analyst are there; the models themselves are loaded with the first picture."""
    waiting = await run_in_threadpool(jobs.open_items, service.database)
    if not service.batcher.ready or service.stopping.is_set():
        raise ApiError(503, "The server is starting or ending.", headers={"Retry-After": "2"})
    return Readiness(open_items=waiting)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **responses()},
)
async def metrics(service: ServiceHere, key: Reviewer) -> Response:
    """Figures for Prometheus."""
    del key
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
