"""Cases to take away: several in one file, one without the other people on it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from faceagent.serve import cases
from faceagent.serve.auth import ServiceHere, Submitter
from faceagent.serve.case_view import in_language
from faceagent.serve.errors import ApiError, responses
from faceagent.serve.export import KINDS, Exported, Format, export
from faceagent.serve.redacted import redacted_page
from faceagent.serve.routes.cases import HTML, PAGE_POLICY, CaseId
from faceagent.storage.database import audit, reviews
from faceagent.types import FrozenModel, SummaryLanguage

router = APIRouter(tags=["cases"])
MOST_CASES = 500
BINARY: dict[str, Any] = {
    "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in KINDS.values()},
}


class ExportBody(FrozenModel):
    """Which cases, as what."""

    case_ids: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=MOST_CASES)
    format: Format = "csv"
    language: SummaryLanguage | None = Field(
        default=None, description="of a table's headings, states and answers; null: names that programs read"
    )


@router.post("/v1/export", response_class=Response, responses={200: BINARY, **responses(404, 410)})
def export_cases(request: Request, service: ServiceHere, key: Submitter, body: ExportBody) -> Response:
    """Cases as CSV, JSON or ZIP, with what people came to about them; a ZIP of few cases has their signed PDFs."""
    found = []
    for case_id in dict.fromkeys(body.case_ids):
        case = cases.find(service, key, case_id)
        signed = reviews.list_reviews(service.database, case_id)
        found.append(Exported(case, cases.report_of(case), reviews.state_of(signed), signed))
    made = export(found, body.format, service, body.language)
    audit.record(service.database, key.id, "case.export", f"{len(found)} as {body.format}", request.state.request_id)
    headers = {"content-disposition": f'attachment; filename="faceagent-cases.{body.format}"'}
    return Response(made, media_type=KINDS[body.format], headers=headers)


@router.get(
    "/v1/cases/{case_id}/redacted.html", response_class=Response, responses={200: HTML, **responses(404, 410, 409)}
)
def get_redacted(
    service: ServiceHere,
    key: Submitter,
    case_id: CaseId,
    face: Annotated[str, Query(pattern=r"^F[0-9]{1,4}$", description="the one face that stays to be seen")],
    language: SummaryLanguage | None = None,
) -> Response:
    """The report about one face, to be given away: other faces are blurred, and names and metadata are removed."""
    case = cases.find(service, key, case_id)
    if case.picture is None:
        raise ApiError(409, "The picture of this case was not kept, so there is nothing to blur.")
    report = in_language(cases.report_of(case), language)
    if not any(one.id == face for one in report.faces):
        raise ApiError(404, "There is no such face in this case.")
    made = redacted_page(report, case.picture, face, service.analysis)
    headers = {
        "content-security-policy": PAGE_POLICY,
        "content-disposition": f'attachment; filename="{case_id}-{face}-redacted.html"',
    }
    return Response(made, media_type="text/html; charset=utf-8", headers=headers)
