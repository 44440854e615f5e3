"""The typed client of the service that ``faceagent serve`` runs. Importing it brings no model and no torch along.

    from faceagent.client import Client
    with Client("http://127.0.0.1:8156", key="fa_…") as client:
        print(client.analyze("photo.jpg").report.summary.answer)

``AsyncClient`` has the same methods to await. Whatever goes wrong is a ``ServiceError``.
"""

from faceagent.client.answers import Policy
from faceagent.client.asynchronous import AsyncClient
from faceagent.client.pictures import PictureFile
from faceagent.client.synchronous import Client
from faceagent.client.webhooks import verify_webhook
from faceagent.errors import ServiceError
from faceagent.types.service import (
    Analysis,
    CaseEntry,
    CaseVerdict,
    Feedback,
    FeedbackLabel,
    Item,
    Job,
    JobEvent,
    MeasuredVerdict,
    Measurement,
    Moderation,
    RuleTrace,
)

__all__ = [
    "Analysis",
    "AsyncClient",
    "CaseEntry",
    "CaseVerdict",
    "Client",
    "Feedback",
    "FeedbackLabel",
    "Item",
    "Job",
    "JobEvent",
    "MeasuredVerdict",
    "Measurement",
    "Moderation",
    "PictureFile",
    "Policy",
    "RuleTrace",
    "ServiceError",
    "verify_webhook",
]
