"""The PDF of a stored case with its signature.

The same case gives the same bytes, whichever process of the service makes them, so that a signature that is fetched
after the PDF fits it: the document carries the moment of the last recorded event, not that of the request.
"""

import logging
import threading
from datetime import UTC, datetime

from faceagent.errors import FaceagentError
from faceagent.per_process import PerProcess
from faceagent.report.pdf import CaseFile, CustodyEvent, SignOff, check_installed
from faceagent.report.signed_pdf import SignedPdf, signed_pdf
from faceagent.serve.case_view import in_language
from faceagent.serve.cases import Shown, pictures_of, report_of
from faceagent.serve.errors import ApiError
from faceagent.serve.pixel_memory import holding_pixels
from faceagent.serve.service import Service
from faceagent.storage.database import cases
from faceagent.storage.database.custody import Custody, custody_of
from faceagent.types import SummaryLanguage
from faceagent.version import __version__

logger = logging.getLogger(__name__)

FEEDBACK = "feedback"
PROGRAM = f"faceagent {__version__}"
_setting = PerProcess(threading.Lock)
"""Documents are set one at a time, so that pictures never wait for two of them."""


def document(service: Service, case: cases.Case, language: SummaryLanguage | None = None) -> SignedPdf:
    """The PDF of a case that has a report, and its signature; in the language of the report where none is given.

    Raises ApiError (500) where packages or the key are missing: the operator's business, which the log names.
    """
    from faceagent.report.signing_key import signing_key

    report, source = in_language(report_of(case), language), case.report or b""
    try:
        check_installed()
        key = signing_key(service.analysis)
    except FaceagentError as error:
        logger.error("no_pdf: %s", error)
        raise ApiError(500, "This service cannot make a signed PDF. Its log says why.") from error
    found = custody_of(service.database, case.id, case.key_id)
    with _setting.get(), holding_pixels():
        shown = pictures_of(service, case, report)
        return signed_pdf(report, source, _case_file(case, report.source, found, shown), shown.blobs, key)


def _case_file(case: cases.Case, name: str, found: Custody, shown: Shown) -> CaseFile:
    events = [
        # When a picture arrived is not kept; the case begins when its report is made.
        CustodyEvent(at=None, kind="received", who=found.sender, details=(name,)),
        CustodyEvent(at=_moment(case.created), kind="kept" if shown.picture_kept else "not_kept", who=PROGRAM),
        *(
            CustodyEvent(
                at=_moment(one.at),
                kind="feedback" if one.action == FEEDBACK else "audited",
                who=one.who,
                details=() if one.action == FEEDBACK else (one.action,),
            )
            for one in found.events
        ),
        *(
            CustodyEvent(at=_moment(one.created), kind="reviewed", who=one.reviewer, details=(one.decision,))
            for one in found.reviews
        ),
    ]
    return CaseFile(
        id=case.id,
        made=max(event.at or "" for event in events),
        custody=tuple(events),
        sign_offs=tuple(
            SignOff(at=_moment(one.created), who=one.reviewer, decision=one.decision, reason=one.reason)
            for one in found.reviews
        ),
        picture_kept=shown.picture_kept,
        references_kept=shown.references_kept,
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
