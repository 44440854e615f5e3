"""One picture in, its report out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from faceagent.serve import cases
from faceagent.serve.auth import ServiceHere, Submitter
from faceagent.serve.batching import Waiting
from faceagent.serve.errors import responses
from faceagent.serve.openapi import link, openapi_body
from faceagent.serve.uploads import PictureBody, read_picture
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
    responses={**CASE_LINKS, **responses(408, 415)},
    openapi_extra=openapi_body(PictureBody, FILES, many=("references",), needed=("image",)),
)
async def analyze(request: Request, service: ServiceHere, key: Submitter) -> Response:
    """Analyse one picture. A picture that cannot be read, or without a face, is a report with the reason."""
    body, sent = await read_picture(request, service.analysis, PictureBody)
    report = await service.analyse(Waiting(sent.data, sent.name, body.options, sent.references))
    case_id, text = await run_in_threadpool(cases.store, service, key, report, sent.data if body.keep else None)
    made = cases.json_of(case_id, now() + service.settings.case_seconds, text)
    return Response(made, media_type="application/json")
