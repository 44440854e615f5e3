"""One picture in, its report out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from faceagent.agent.state import Watch
from faceagent.serve import cases
from faceagent.serve.auth import ServiceHere, Submitter
from faceagent.serve.batching import Waiting
from faceagent.serve.errors import responses
from faceagent.serve.openapi import EVENTS, link, openapi_body
from faceagent.serve.progress import events
from faceagent.serve.service import Service
from faceagent.serve.uploads import PictureBody, Submission, read_picture
from faceagent.storage.database.api_keys import ApiKey
from faceagent.storage.database.engine import now
from faceagent.types.service import Analysis

router = APIRouter(tags=["analysis"])
OF_A_CASE = ("get_case", "get_page", "list_heatmaps", "delete_case")
CASE_LINKS: dict[int | str, dict[str, Any]] = {
    200: {"links": {name: link(name, "case_id", "case_id") for name in OF_A_CASE}}
}
FILES = {"image": "the picture", "references": "pictures of the person to compare with"}


@router.post(
    "/v1/analyze",
    response_model=Analysis,
    responses={200: {**CASE_LINKS[200], "content": EVENTS}, **responses(408, 415)},
    openapi_extra=openapi_body(PictureBody, FILES, many=("references",), needed=("image",)),
)
async def analyze(request: Request, service: ServiceHere, key: Submitter) -> Response:
    """Analyse one picture. A picture that cannot be read, or without a face, is a report with the reason.

    With ``Accept: text/event-stream`` the answer is a stream: ``step`` for every part of the run that begins or has
    ended, then ``case`` with ``case_id`` and ``expires``, or ``error``.
    """
    body, sent = await read_picture(request, service, key, PictureBody)
    if "text/event-stream" not in request.headers.get("accept", ""):
        case_id, text = await _kept(service, key, body, sent)
        made = cases.json_of(case_id, now() + service.settings.case_seconds, text)
        return Response(made, media_type="application/json")

    async def work(watch: Watch) -> dict[str, Any]:
        case_id, _ = await _kept(service, key, body, sent, watch)
        return {"case_id": case_id, "expires": now() + service.settings.case_seconds}

    return StreamingResponse(events(request.state.request_id, work), media_type="text/event-stream")


async def _kept(
    service: Service, key: ApiKey, body: PictureBody, sent: Submission, watch: Watch | None = None
) -> tuple[str, bytes]:
    """Analyse and keep; returns the id of the case and the report as JSON."""
    waiting = Waiting(sent.data, sent.name, body.options, sent.references, watch=watch)
    report = await service.analyse(waiting)
    picture, references = (sent.data, [one.data for one in sent.references]) if body.keep else (None, [])
    return await run_in_threadpool(cases.store, service, key, report, picture, None, references)
