"""Cases: the reports that were made, as JSON and as pages, their heat maps, and their end."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from faceagent.serve import cases
from faceagent.serve.auth import ServiceHere, Submitter, owner
from faceagent.serve.errors import responses
from faceagent.serve.routes.analyze import CaseReport
from faceagent.storage.database import audit
from faceagent.storage.database import cases as stored
from faceagent.types import FrozenModel

router = APIRouter(tags=["cases"])
CaseId = Annotated[str, Path(max_length=40, description="from the answer of an analysis")]
IfNoneMatch = Annotated[str | None, Header(description="the ETag of what you have already")]
PAGE_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
"""The page itself allows only its own style sheet, by its hash."""
PNG: dict[str, Any] = {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "you have it already"}}


class CaseEntry(FrozenModel):
    """A line in the list of cases."""

    case_id: str
    created: float
    expires: float
    etag: str


class CaseList(FrozenModel):
    """Cases, the newest first."""

    cases: list[CaseEntry]
    next: float | None = Field(description="`before` of the next page; null: there is none")


class HeatMapEntry(FrozenModel):
    """A heat map of a case."""

    evidence_id: str
    subject: str
    url: str


class HeatMapList(FrozenModel):
    """The heat maps of a case."""

    heatmaps: list[HeatMapEntry]


@router.get("/v1/cases", responses=responses())
def list_cases(
    service: ServiceHere,
    key: Submitter,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[float | None, Query(description="`next` of the page before", ge=0, le=1e12)] = None,
) -> CaseList:
    """Your cases, the newest first; all cases for a reviewer."""
    found = stored.list_cases(service.database, owner(key), limit=limit, before=before)
    entries = [CaseEntry(case_id=one.id, created=one.created, expires=one.expires, etag=one.etag) for one in found]
    return CaseList(cases=entries, next=found[-1].created if len(found) == limit else None)


@router.get("/v1/cases/{case_id}", response_model=CaseReport, responses={**responses(404, 410), **NOT_MODIFIED})
def get_case(service: ServiceHere, key: Submitter, case_id: CaseId, if_none_match: IfNoneMatch = None) -> Response:
    """The report of a case."""
    case = cases.find(service, key, case_id)
    if _has(if_none_match, case.etag):
        return Response(status_code=304, headers=_tag(case.etag))
    body = cases.json_of(case.id, case.expires, case.report or b"")
    return Response(body, media_type="application/json", headers=_tag(case.etag))


@router.get(
    "/v1/cases/{case_id}/report.html",
    response_class=Response,
    responses={200: HTML, **responses(404, 410), **NOT_MODIFIED},
)
def get_page(service: ServiceHere, key: Submitter, case_id: CaseId, if_none_match: IfNoneMatch = None) -> Response:
    """The report as one HTML page without scripts and remote assets."""
    case = cases.find(service, key, case_id)
    if _has(if_none_match, case.etag):
        return Response(status_code=304, headers=_tag(case.etag))
    headers = {**_tag(case.etag), "content-security-policy": PAGE_POLICY}
    return Response(cases.page(case, service.analysis), media_type="text/html; charset=utf-8", headers=headers)


@router.get("/v1/cases/{case_id}/heatmaps", responses=responses(404, 410))
def list_heatmaps(service: ServiceHere, key: Submitter, case_id: CaseId) -> HeatMapList:
    """The heat maps of a case."""
    report = cases.report_of(cases.find(service, key, case_id))
    entries = [
        HeatMapEntry(evidence_id=one.id, subject=one.subject, url=f"/v1/cases/{case_id}/heatmaps/{one.id}")
        for one in report.evidence
        if one.heatmap is not None
    ]
    return HeatMapList(heatmaps=entries)


@router.get(
    "/v1/cases/{case_id}/heatmaps/{evidence_id}",
    response_class=Response,
    responses={
        200: PNG,
        **responses(404, 410),
    },
)
def get_heatmap(
    service: ServiceHere, key: Submitter, case_id: CaseId, evidence_id: Annotated[str, Path(max_length=100)]
) -> Response:
    """A heat map as PNG: over the face where the picture was kept, else over grey."""
    case = cases.find(service, key, case_id)
    made = cases.heat_map(case, evidence_id, service.analysis)
    return Response(made, media_type="image/png", headers=_tag(case.etag))


@router.delete("/v1/cases/{case_id}", status_code=204, responses=responses(404, 410))
def delete_case(request: Request, service: ServiceHere, key: Submitter, case_id: CaseId) -> None:
    """Remove the report and, where it was kept, the picture."""
    case = cases.find(service, key, case_id)
    stored.delete_case(service.database, case.id)
    audit.record(service.database, key.id, "case.delete", case.id, request.state.request_id)


def _tag(etag: str) -> dict[str, str]:
    return {"etag": f'"{etag}"', "cache-control": "private, no-cache"}


def _has(given: str | None, etag: str) -> bool:
    return given is not None and any(
        one.strip().removeprefix("W/").strip('"') in (etag, "*") for one in given.split(",")
    )
