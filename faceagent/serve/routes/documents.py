"""A case as a PDF, and its detached signature."""

import hashlib
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from faceagent.serve import cases
from faceagent.serve.auth import ServiceHere, Submitter
from faceagent.serve.case_view import file_stem
from faceagent.serve.documents import document
from faceagent.serve.errors import responses
from faceagent.serve.routes.cases import CaseId
from faceagent.types import SummaryLanguage

router = APIRouter(tags=["cases"])
PDF: dict[str, Any] = {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
SIGNATURE: dict[str, Any] = {"content": {"application/json": {"schema": {"type": "object"}}}}


@router.get("/v1/cases/{case_id}/report.pdf", response_class=Response, responses={200: PDF, **responses(404, 410)})
def get_document(
    service: ServiceHere, key: Submitter, case_id: CaseId, language: SummaryLanguage | None = None
) -> Response:
    """The report as a PDF for court: PDF/A-3, with the report's JSON attached. `report.pdf.sig` is its signature.

    Without a language it is in that of the report.
    """
    case = cases.find(service, key, case_id)
    made = document(service, case, language).pdf
    headers = _headers(made, f"{file_stem(case_id, case.name)}.pdf")
    return Response(made, media_type="application/pdf", headers=headers)


@router.get(
    "/v1/cases/{case_id}/report.pdf.sig", response_class=Response, responses={200: SIGNATURE, **responses(404, 410)}
)
def get_signature(
    service: ServiceHere, key: Submitter, case_id: CaseId, language: SummaryLanguage | None = None
) -> Response:
    """The Ed25519 signature of `report.pdf` in that language as it is now, a DSSE envelope.

    `faceagent verify-report` checks it.
    """
    case = cases.find(service, key, case_id)
    made = document(service, case, language).signature
    headers = _headers(made, f"{file_stem(case_id, case.name)}.pdf.sig")
    return Response(made, media_type="application/json", headers=headers)


def _headers(data: bytes, name: str) -> dict[str, str]:
    return {
        "etag": f'"{hashlib.sha256(data).hexdigest()}"',
        "cache-control": "private, no-cache",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
    }
