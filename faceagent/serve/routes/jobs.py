"""Jobs: many pictures at once, worked on in the background, with progress, events and an end that is told."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.concurrency import run_in_threadpool

from faceagent.serve import job_request
from faceagent.serve.auth import LOCAL, REMEMBERED, ServiceHere, Submitter, owner
from faceagent.serve.errors import ApiError, responses, too_many
from faceagent.serve.job_request import FILES, JobBody, JobRequest
from faceagent.serve.openapi import EVENTS, link, openapi_body
from faceagent.serve.service import Service
from faceagent.serve.wakeup import Wakeup
from faceagent.serve.worker import job_ended, options_text
from faceagent.storage.database import audit, jobs
from faceagent.storage.database.api_keys import ApiKey, in_force
from faceagent.storage.database.deliveries import delivery_log
from faceagent.types import FrozenModel
from faceagent.types.service import OPEN, ItemList, Job, JobList

router = APIRouter(tags=["jobs"])
JobId = Annotated[str, Path(max_length=40)]
EVENT_SECONDS = 0.5
RETRY_SECONDS = 30.0
KEEP_ALIVE = 15.0


OF_A_JOB = ("get_job", "list_items", "watch_job", "list_deliveries", "cancel_job")
LINKS = {name: link(name, "job_id", "id") for name in OF_A_JOB}


class DeliveryEntry(FrozenModel):
    """A webhook of a job."""

    id: str
    state: str
    attempts: int
    outcome: str | None


class DeliveryList(FrozenModel):
    """The webhooks of a job."""

    deliveries: list[DeliveryEntry]


@router.post(
    "/v1/jobs",
    status_code=202,
    response_model=Job,
    responses={202: {"links": LINKS}, **responses(408, 409, 415)},
    openapi_extra=openapi_body(JobBody, FILES, many=tuple(FILES)),
)
async def create_job(
    request: Request,
    response: Response,
    service: ServiceHere,
    key: Submitter,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=100, description="a repeated request with it makes no second job")
    ] = None,
) -> Job:
    """Analyse many pictures: files, ZIP archives, base64, URLs. Nothing is accepted in part.

    With a policy, every item has its decision; with references, every picture is compared with them.
    """
    asked = await job_request.read(request, service)
    if await run_in_threadpool(jobs.open_items, service.database) + len(asked.items) > service.settings.open_items:
        raise too_many("Too many pictures of other jobs wait already.", RETRY_SECONDS)
    options = options_text(asked.options)
    digest = await run_in_threadpool(_digest, options, asked)
    try:
        job_id, new = await run_in_threadpool(
            jobs.add_job,
            service.database,
            key.id,
            asked.items,
            options=options,
            digest=digest,
            seconds=service.settings.job_seconds,
            references=asked.references,
            webhook=asked.webhook,
            idempotency_key=idempotency_key,
        )
    except jobs.KeyConflict:
        raise ApiError(409, "This Idempotency-Key was used before, with another request.") from None
    if new:
        wakeup: Wakeup = request.app.state.wakeup
        await wakeup.send()
    response.headers["location"] = f"/v1/jobs/{job_id}"
    return await run_in_threadpool(_find, service, key, job_id)


@router.get("/v1/jobs", responses=responses())
def list_jobs(service: ServiceHere, key: Submitter, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> JobList:
    """Your jobs, the newest first; all jobs for a reviewer."""
    return JobList(jobs=tuple(jobs.list_jobs(service.database, owner(key), limit=limit)))


@router.get("/v1/jobs/{job_id}", responses=responses(404))
def get_job(service: ServiceHere, key: Submitter, job_id: JobId) -> Job:
    """How far a job is."""
    return _find(service, key, job_id)


@router.get("/v1/jobs/{job_id}/items", responses=responses(404, 410))
def list_items(
    service: ServiceHere,
    key: Submitter,
    job_id: JobId,
    start: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ItemList:
    """The items of a job: each leads to its case, or says why there is none."""
    if _find(service, key, job_id).state == "expired":
        raise ApiError(410, "This job has expired.")
    found = jobs.list_items(service.database, job_id, start=start, limit=limit)
    return ItemList(items=tuple(found), next=found[-1].number + 1 if len(found) == limit else None)


@router.get(
    "/v1/jobs/{job_id}/events",
    response_class=Response,
    responses={200: {"content": EVENTS}, **responses(404)},
)
async def watch_job(service: ServiceHere, key: Submitter, job_id: JobId) -> Response:
    """Server-sent events: ``progress`` with the job whenever it has changed, ``end`` when it is over."""
    await run_in_threadpool(_find, service, key, job_id)
    return StreamingResponse(_events(service, key, job_id), media_type="text/event-stream")


@router.get("/v1/jobs/{job_id}/deliveries", responses=responses(404))
def list_deliveries(service: ServiceHere, key: Submitter, job_id: JobId) -> DeliveryList:
    """The webhooks of a job, and what came of them."""
    _find(service, key, job_id)
    found = delivery_log(service.database, job_id)
    return DeliveryList(deliveries=[DeliveryEntry.model_validate(one) for one in found])


@router.post("/v1/jobs/{job_id}/cancel", responses=responses(404, 409))
def cancel_job(request: Request, service: ServiceHere, key: Submitter, job_id: JobId) -> Job:
    """Cancel what is not finished. What is done stays."""
    _find(service, key, job_id)
    if not jobs.cancel_job(service.database, job_id, finished=job_ended):
        raise ApiError(409, "This job has ended already.")
    audit.record(service.database, key.id, "job.cancel", job_id, request.state.request_id)
    return _find(service, key, job_id)


def _digest(options: str, asked: JobRequest) -> str:
    """What tells one request for a job from another."""
    digest = hashlib.sha256(options.encode())
    named = [part for one in asked.items for part in (one.name.encode(), one.data or b"", (one.url or "").encode())]
    compared = [part for one in asked.references for part in (one.name.encode(), one.data)]
    for part in (*named, *compared, (asked.webhook or "").encode()):
        digest.update(f"{len(part)}:".encode() + part)
    return digest.hexdigest()


def _find(service: Service, key: ApiKey, job_id: str) -> Job:
    job = jobs.find_job(service.database, job_id, owner(key))
    if job is None:
        raise ApiError(404, "There is no such job.")
    return job


async def _events(service: Service, key: ApiKey, job_id: str) -> AsyncIterator[bytes]:
    shown, quiet, checked = "", 0.0, time.monotonic()
    while not service.stopping.is_set():
        # A watcher stays for as long as a job takes; its key may be revoked meanwhile.
        if key is not LOCAL and time.monotonic() - checked >= REMEMBERED:
            checked = time.monotonic()
            if not await run_in_threadpool(in_force, service.database, key.id):
                return
        job = await run_in_threadpool(jobs.find_job, service.database, job_id, owner(key))
        if job is None:
            return
        text, over = job.model_dump_json(), job.state not in OPEN
        if text != shown:
            yield format_sse_event(data_str=text, event="end" if over else "progress")
            shown, quiet = text, 0.0
        elif quiet >= KEEP_ALIVE:
            yield format_sse_event(comment="waiting")
            quiet = 0.0
        if over:
            return
        await asyncio.sleep(EVENT_SECONDS)
        quiet += EVENT_SECONDS
