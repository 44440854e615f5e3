"""Feedback: what a picture really was, and how far the measured probabilities agree with it."""

from fastapi import APIRouter, Request
from pydantic import Field

from faceagent.serve import cases
from faceagent.serve.auth import Reviewer, ServiceHere, Submitter
from faceagent.serve.calibration_report import CalibrationReport, calibration_report
from faceagent.serve.errors import responses
from faceagent.serve.feedback import give
from faceagent.storage.database import feedback
from faceagent.types import FrozenModel
from faceagent.types.service import Feedback, FeedbackLabel

router = APIRouter(tags=["feedback"])


class FeedbackBody(FrozenModel):
    """A statement about a case."""

    case_id: str = Field(max_length=40)
    label: FeedbackLabel = Field(
        description="REAL: a genuine photograph; SYNTHETIC: generated as a whole; MANIPULATED: a part was changed; "
        "UNKNOWN: it cannot be said"
    )


@router.post("/v1/feedback", status_code=201, responses=responses(404, 410))
def give_feedback(request: Request, service: ServiceHere, key: Submitter, body: FeedbackBody) -> Feedback:
    """Say what the picture of a case really was. The verdicts are kept with it, beyond the case; no picture is."""
    return give(service, key, cases.find(service, key, body.case_id), body.label, request.state.request_id)


@router.get("/v1/feedback/calibration", responses=responses())
def read_calibration(service: ServiceHere, key: Reviewer) -> CalibrationReport:
    """How far probabilities and feedback agree; of several statements about one case the last one counts."""
    del key
    return calibration_report(feedback.all_feedback(service.database))
