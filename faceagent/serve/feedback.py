"""Feedback on a case: what its picture really was, kept beside what was measured."""

from faceagent.serve import cases
from faceagent.serve.service import Service
from faceagent.storage.database import audit, feedback
from faceagent.storage.database.api_keys import ApiKey
from faceagent.storage.database.cases import Case
from faceagent.types.service import Feedback, FeedbackLabel, MeasuredVerdict


def give(service: Service, key: ApiKey, case: Case, label: FeedbackLabel, request_id: str) -> Feedback:
    """Keep a statement about a case. The verdicts are kept with it, beyond the case; no picture is."""
    verdicts = tuple(
        MeasuredVerdict(
            question=one.question, label=one.firm_label, positive=None if one.positive is None else one.positive.value
        )
        for one in cases.report_of(case).verdicts
    )
    made = feedback.add_feedback(service.database, case.id, key.id, label, verdicts)
    audit.record(service.database, key.id, "feedback", case.id, request_id)
    return made
