"""Cases for the routes: how a report becomes one, who may see it, and the pages and maps that are made of it."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceagent import report as reports
from faceagent.intake import MemoryBlobs, pixels_of
from faceagent.serve.auth import owner
from faceagent.serve.case_view import in_language
from faceagent.serve.errors import ApiError, unprocessable
from faceagent.serve.pixel_memory import holding_pixels
from faceagent.serve.service import Service
from faceagent.settings import Settings
from faceagent.storage.database import cases
from faceagent.storage.database.api_keys import ApiKey
from faceagent.types import Report, SummaryLanguage
from faceagent.types.service import Moderation

BLANK = 236
"""Grey of a picture that was not kept."""
NOT_KEPT = "The pictures were not kept; grey stands in their place."
OF_CASE = "case:"
"""Before the id of a case, in place of a URL: the picture that was kept with it need not be sent again."""


def store(
    service: Service,
    key: ApiKey,
    report: Report,
    picture: bytes | None = None,
    moderation: Moderation | None = None,
    references: Sequence[bytes] = (),
) -> tuple[str, bytes]:
    """Keep a report, with the pictures where that was asked for; returns the case's id and the report as JSON."""
    text, seconds = report.model_dump_json().encode(), service.settings.case_seconds
    with service.database.write() as connection:
        kept = cases.add_case(connection, key.id, report, text, seconds=seconds, picture=picture, moderation=moderation)
        cases.add_references(connection, kept, references)
    return kept, text


def find(service: Service, key: ApiKey, case_id: str) -> cases.Case:
    """A case with its report. Raises ApiError: 404 where the key knows none, 410 where its time is over."""
    case = cases.find_case(service.database, case_id, owner(key))
    if case is None:
        raise ApiError(404, "There is no such case.")
    if case.report is None:
        raise ApiError(410, "This case has expired or was deleted.")
    return case


def find_kept(service: Service, key: ApiKey, url: str, field: str) -> cases.Case:
    """The case behind ``case:ID``, with its picture. Raises ApiError: 404, 410 as ``find``, 422 where none was kept."""
    case = find(service, key, url.removeprefix(OF_CASE))
    if case.picture is None:
        raise unprocessable(field, "The picture of this case was not kept. Send it again.")
    return case


def report_of(case: cases.Case) -> Report:
    """The report of a case that has one."""
    return Report.model_validate_json(case.report or b"")


def page(service: Service, case: cases.Case, language: SummaryLanguage | None = None) -> str:
    """The report as HTML, with the pictures that were kept; in its own language where none is given."""
    report = in_language(report_of(case), language)
    with holding_pixels():
        shown = pictures_of(service, case, report)
        if not (shown.picture_kept and shown.references_kept):
            report = report.model_copy(update={"limitations": (NOT_KEPT, *report.limitations)})
        return reports.render(report, shown.blobs)


class Shown(NamedTuple):
    """The pixels of a case's pictures, grey where a picture was not kept."""

    blobs: MemoryBlobs
    picture_kept: bool
    references_kept: bool


def pictures_of(service: Service, case: cases.Case, report: Report) -> Shown:
    """What a page or a document of a case shows."""
    blobs = MemoryBlobs()
    if report.picture is None:
        return Shown(blobs, picture_kept=True, references_kept=True)
    compared = [(one, cases.find_reference(service.database, case.id, one.sha256)) for one in report.references]
    for one, data in ((report.picture, case.picture), *compared):
        grey = np.full((one.height, one.width, 3), BLANK, np.uint8)
        blobs.put_pixels(one.sha256, grey if data is None else pixels_of(data, service.analysis))
    return Shown(blobs, case.picture is not None, all(data is not None for _, data in compared))


def heat_map(case: cases.Case, evidence_id: str, settings: Settings) -> bytes:
    """A heat map as PNG, over the face where the picture was kept. Raises ApiError (404)."""
    report = report_of(case)
    found = next((one for one in report.evidence if one.id == evidence_id and one.heatmap is not None), None)
    if found is None or found.heatmap is None or report.picture is None:
        raise ApiError(404, "There is no such heat map.")
    with holding_pixels():
        pixels: NDArray[np.uint8] = (
            pixels_of(case.picture, settings)
            if case.picture is not None
            else np.full((report.picture.height, report.picture.width, 3), BLANK, np.uint8)
        )
        landmarks = next((face.landmarks for face in report.faces if face.id == found.subject), ())
        return reports.overlay_png(pixels, found.heatmap, landmarks)


def json_of(case_id: str, expires: float, report: bytes) -> bytes:
    """A case as JSON; the report is put in as it was stored, so that its bytes stay what the ETag stands for."""
    head = json.dumps({"case_id": case_id, "expires": expires})
    return head[:-1].encode() + b', "report": ' + report + b"}"
