"""The pictures of a case, where they were kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from faceagent.serve import cases, pictures
from faceagent.serve.auth import Looker, ServiceHere, Submitter
from faceagent.serve.errors import ApiError, responses
from faceagent.serve.routes.cases import CaseId
from faceagent.storage.database import cases as stored

router = APIRouter(tags=["cases"])
JPEG: dict[str, Any] = {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
Side = Annotated[int, Query(ge=16, le=8192, description="px that the longer side has at most")]
KEPT = {"cache-control": "private, max-age=86400, immutable"}
"""The bytes behind an id never change."""


@router.get("/v1/cases/{case_id}/picture", response_class=Response, responses={200: JPEG, **responses(404, 410)})
def get_picture(service: ServiceHere, key: Submitter, case_id: CaseId, side: Side = 2048) -> Response:
    """The picture of a case as JPEG, upright and without metadata."""
    case = cases.find(service, key, case_id)
    if case.picture is None:
        raise ApiError(404, "The picture of this case was not kept.")
    return Response(pictures.encoded(case.picture, service.analysis, side), media_type="image/jpeg", headers=KEPT)


@router.get("/v1/cases/{case_id}/thumbnail", response_class=Response, responses={200: JPEG, **responses(404, 410)})
def get_thumbnail(service: ServiceHere, key: Looker, case_id: CaseId) -> Response:
    """A small copy of the picture, JPEG; does not count as a request of the key."""
    case = cases.find(service, key, case_id)
    if case.picture is None:
        raise ApiError(404, "The picture of this case was not kept.")
    made = stored.find_thumbnail(service.database, case_id)
    if made is None:
        made = pictures.thumbnail(case.picture, service.analysis)
        stored.add_thumbnail(service.database, case_id, made)
    return Response(made, media_type="image/jpeg", headers=KEPT)


@router.get(
    "/v1/cases/{case_id}/references/{reference_id}",
    response_class=Response,
    responses={200: JPEG, **responses(404, 410)},
)
def get_reference(
    service: ServiceHere,
    key: Submitter,
    case_id: CaseId,
    reference_id: Annotated[str, Path(pattern=r"^R[0-9]{1,4}$")],
    side: Side = 2048,
) -> Response:
    """A picture that the picture of a case was compared with, as JPEG."""
    report = cases.report_of(cases.find(service, key, case_id))
    known = next((one for one in report.references if one.id == reference_id), None)
    data = None if known is None else stored.find_reference(service.database, case_id, known.sha256)
    if data is None:
        raise ApiError(404, "There is no such reference, or it was not kept.")
    return Response(pictures.encoded(data, service.analysis, side), media_type="image/jpeg", headers=KEPT)
