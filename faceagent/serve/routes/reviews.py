"""Signing cases off: a reader accepts or rejects what was found, or asks a second one; and what that came to."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field

from faceagent.serve import cases
from faceagent.serve.auth import Reviewer, ServiceHere, Submitter
from faceagent.serve.errors import ApiError, responses
from faceagent.serve.feedback import give
from faceagent.serve.routes.cases import CaseId
from faceagent.serve.service import Service
from faceagent.storage.database import audit, reviews
from faceagent.storage.database.api_keys import ApiKey
from faceagent.types import FrozenModel
from faceagent.types.service import FeedbackLabel, Review, ReviewDecision, SignOff

router = APIRouter(tags=["reviews"])
MOST_AT_ONCE = 200


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("a sign-off needs a reason")
    return text.strip()


Reason = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_said)]


class ReviewBody(FrozenModel):
    """A sign-off."""

    decision: ReviewDecision = Field(
        description="accept: what was found holds; reject: it does not; escalate: a second reader is asked"
    )
    reason: Reason
    seen: int = Field(ge=0, le=10_000, description="sign-offs that the reader has seen; others since then are told")
    label: FeedbackLabel | None = Field(default=None, description="what the picture really was, kept as feedback")


class ReviewList(FrozenModel):
    """The sign-offs of a case, the oldest first."""

    state: SignOff
    reviews: list[Review]


class BulkBody(FrozenModel):
    """One sign-off for several cases that nobody has signed yet."""

    case_ids: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=MOST_AT_ONCE)
    decision: ReviewDecision
    reason: Reason


class BulkResult(FrozenModel):
    """What became of each case."""

    signed: list[str]
    left: dict[str, str] = Field(description="cases that were not signed, and why")


@router.get("/v1/cases/{case_id}/reviews", responses=responses(404, 410))
def list_reviews(service: ServiceHere, key: Submitter, case_id: CaseId) -> ReviewList:
    """The sign-offs of a case."""
    cases.find(service, key, case_id)
    found = reviews.list_reviews(service.database, case_id)
    return ReviewList(state=reviews.state_of(found), reviews=found)


@router.post("/v1/cases/{case_id}/reviews", status_code=201, responses=responses(404, 409, 410))
def add_review(request: Request, service: ServiceHere, key: Reviewer, case_id: CaseId, body: ReviewBody) -> ReviewList:
    """Sign a case off. 409 where somebody else has signed since the reader looked: look again first."""
    case = cases.find(service, key, case_id)
    found = _sign(request, service, key, case_id, body)
    if body.label is not None:
        give(service, key, case, body.label, request.state.request_id)
    return ReviewList(state=reviews.state_of(found), reviews=found)


@router.post("/v1/reviews", responses=responses())
def add_reviews(request: Request, service: ServiceHere, key: Reviewer, body: BulkBody) -> BulkResult:
    """Sign several cases off at once. A case that somebody has signed already is left as it is."""
    signed, left = list[str](), dict[str, str]()
    for case_id in dict.fromkeys(body.case_ids):
        try:
            cases.find(service, key, case_id)
            _sign(request, service, key, case_id, ReviewBody(decision=body.decision, reason=body.reason, seen=0))
            signed.append(case_id)
        except ApiError as error:
            left[case_id] = error.message
    return BulkResult(signed=signed, left=left)


def _sign(request: Request, service: Service, key: ApiKey, case_id: str, body: ReviewBody) -> list[Review]:
    try:
        found = reviews.add_review(
            service.database,
            case_id,
            key_id=key.id,
            reviewer=key.name,
            decision=body.decision,
            reason=body.reason,
            seen=body.seen,
        )
    except reviews.ReviewConflict:
        raise ApiError(409, "Somebody else has signed this case meanwhile. Look at it again.") from None
    audit.record(service.database, key.id, f"case.{body.decision}", case_id, request.state.request_id)
    return found
