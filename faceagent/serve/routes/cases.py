"""Cases: the reports that were made, as JSON and as pages, their heat maps, and their end."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from faceagent.serve import cases
from faceagent.serve.auth import ServiceHere, Submitter, owner
from faceagent.serve.case_view import CaseView, case_view
from faceagent.serve.errors import ApiError, responses, unprocessable
from faceagent.storage.database import audit, case_index
from faceagent.storage.database import cases as stored
from faceagent.storage.database.case_index import BadCursor, CaseFilter, Sort
from faceagent.types import FrozenModel, Question, SummaryLanguage
from faceagent.types.service import Analysis, CaseList, CaseStatus, Decision, SignOff

router = APIRouter(tags=["cases"])
CaseId = Annotated[str, Path(max_length=40, description="from the answer of an analysis")]
IfNoneMatch = Annotated[str | None, Header(description="the ETag of what you have already")]
PAGE_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
"""The page itself allows only its own style sheet, by its hash."""
PNG: dict[str, Any] = {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "you have it already"}}


class HeatMapEntry(FrozenModel):
    """A heat map of a case."""

    evidence_id: str
    subject: str
    url: str


class HeatMapList(FrozenModel):
    """The heat maps of a case."""

    heatmaps: list[HeatMapEntry]


class CaseQuery(FrozenModel):
    """Which cases, in which order."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=2000, description="`next` of the page before, asked likewise")
    sort: Sort = Field(default="created", description="`probability` is that of `question`")
    order: Literal["desc", "asc"] = "desc"
    question: Question | None = Field(default=None, description="only cases in which it was answered")
    label: str | None = Field(
        default=None, max_length=40, pattern=r"^\w*$", description="its answer, such as `forged`, `inconclusive`"
    )
    least: float | None = Field(default=None, ge=0, le=1, description="its probability of the positive side, at least")
    most: float | None = Field(default=None, ge=0, le=1, description="likewise, at most")
    status: CaseStatus | None = None
    decision: Decision | None = Field(default=None, description="of a moderation policy")
    sign_off: SignOff | None = None
    name: str | None = Field(
        default=None, max_length=200, pattern="^[^\\x00]*$", description="a part of the name; upper or lower case"
    )
    since: float | None = Field(default=None, ge=0, le=1e12, description="made at or after; seconds since 1970, UTC")
    until: float | None = Field(default=None, ge=0, le=1e12, description="made before")
    language: SummaryLanguage | None = Field(default=None, description="of the answers; default: that of each report")


@router.get("/v1/cases", responses=responses())
def list_cases(service: ServiceHere, key: Submitter, query: Annotated[CaseQuery, Query()]) -> CaseList:
    """Your cases, the newest first; all cases for a reviewer."""
    needing = [name for name in ("label", "least", "most") if getattr(query, name) is not None]
    if query.question is None and (needing or query.sort == "probability"):
        raise unprocessable("query.question", "Name the question whose label or probability is meant.")
    wanted = CaseFilter(**{name: getattr(query, name) for name in CaseFilter._fields})
    try:
        found = case_index.list_cases(
            service.database,
            owner(key),
            wanted,
            sort=query.sort,
            ascending=query.order == "asc",
            limit=query.limit,
            cursor=query.cursor,
            language=query.language,
        )
    except BadCursor:
        raise unprocessable("query.cursor", "This is no `next` of a page in this order.") from None
    return CaseList(cases=found.cases, next=found.next)


@router.get("/v1/cases/{case_id}", response_model=Analysis, responses={**responses(404, 410), **NOT_MODIFIED})
def get_case(service: ServiceHere, key: Submitter, case_id: CaseId, if_none_match: IfNoneMatch = None) -> Response:
    """The report of a case."""
    case = cases.find(service, key, case_id)
    if _has(if_none_match, case.etag):
        return Response(status_code=304, headers=_tag(case.etag))
    body = cases.json_of(case.id, case.expires, case.report or b"")
    return Response(body, media_type="application/json", headers=_tag(case.etag))


@router.get("/v1/cases/{case_id}/view", responses=responses(404, 410))
def get_view(service: ServiceHere, key: Submitter, case_id: CaseId, language: SummaryLanguage = "en") -> CaseView:
    """What a page needs beside the report to draw the case, with its words in a language."""
    case = cases.find(service, key, case_id)
    return case_view(case, stored.kept_references(service.database, case_id), language)


@router.get(
    "/v1/cases/{case_id}/report.html",
    response_class=Response,
    responses={200: HTML, **responses(404, 410), **NOT_MODIFIED},
)
def get_page(
    service: ServiceHere,
    key: Submitter,
    case_id: CaseId,
    language: SummaryLanguage | None = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The report as one HTML page without scripts and remote assets; without a language in that of the report."""
    case = cases.find(service, key, case_id)
    if _has(if_none_match, case.etag):
        return Response(status_code=304, headers=_tag(case.etag))
    headers = {**_tag(case.etag), "content-security-policy": PAGE_POLICY}
    return Response(cases.page(service, case, language), media_type="text/html; charset=utf-8", headers=headers)


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
    """Remove the report and, where it was kept, the picture: your own, or any with an admin's key."""
    case = cases.find(service, key, case_id)
    if key.role != "admin" and case.key_id != key.id:
        raise ApiError(403, "This case is another key's; removing it needs the role admin.")
    stored.delete_case(service.database, case.id)
    audit.record(service.database, key.id, "case.delete", case.id, request.state.request_id)


def _tag(etag: str) -> dict[str, str]:
    return {"etag": f'"{etag}"', "cache-control": "private, no-cache"}


def _has(given: str | None, etag: str) -> bool:
    return given is not None and any(
        one.strip().removeprefix("W/").strip('"') in (etag, "*") for one in given.split(",")
    )
