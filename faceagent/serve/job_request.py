"""The request for a job: files, ZIP archives, base64 and URLs become one list of items, all or none of them."""

from collections.abc import Sequence
from typing import NamedTuple

from fastapi import Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from faceagent import policy
from faceagent.intake import NamedBytes
from faceagent.intake.fetch import url_refusal
from faceagent.serve.archives import Budget, unpack
from faceagent.serve.errors import unprocessable
from faceagent.serve.policies import PolicyChoice
from faceagent.serve.requests import AnalysisOptions
from faceagent.serve.service import Service
from faceagent.serve.uploads import (
    LONGEST_NAME,
    MOST_REFERENCES,
    UNNAMED,
    Base64,
    Files,
    clean_name,
    decode_image,
    read_body,
    references_of,
)
from faceagent.serve.worker import JobOptions
from faceagent.settings import Settings
from faceagent.storage.database.jobs import NewItem
from faceagent.types import Request as PolicyRequest

FILES = {
    "image": "pictures",
    "archive": "ZIP files of pictures",
    "references": "pictures of the person to compare every picture with",
}
LONGEST_URL = 4096


class JobBody(AnalysisOptions, PolicyChoice):
    """Pictures as JSON; as a form, files come as ``image`` and ZIP files as ``archive``.

    A policy decides about every picture; it counts as it is now, whatever becomes of its name later.
    """

    images: tuple[Base64, ...] = Field(default=(), max_length=10_000, description="base64, or data: URLs")
    urls: tuple[str, ...] = Field(default=(), max_length=10_000, description="http or https, at public addresses")
    keep: bool = Field(default=False, description="keep the pictures as long as their reports")
    webhook: str | None = Field(default=None, max_length=LONGEST_URL, description="URL that is told when the job ends")
    references: tuple[Base64, ...] = Field(
        default=(), max_length=MOST_REFERENCES, description="pictures of the person to compare every picture with"
    )


class JobRequest(NamedTuple):
    """A request for a job, read whole."""

    options: JobOptions
    items: list[NewItem]
    references: tuple[NamedBytes, ...]
    webhook: str | None


async def read(request: Request, service: Service) -> JobRequest:
    """The fields of a request and its items. Raises ApiError, and PolicyRefusal for a question that is refused."""
    body, files = await read_body(request, JobBody, tuple(FILES))
    if body.webhook is not None and (words := url_refusal(body.webhook)) is not None:
        raise unprocessable("body.webhook", f"The webhook cannot be delivered: {words}")
    return await run_in_threadpool(_job, body, files, service)


def _job(body: JobBody, files: Files, service: Service) -> JobRequest:
    budget = Budget(service.settings.job_items, service.settings.job_bytes)
    references = references_of(body.references, files)
    for one in references:
        budget.take(len(one.data), items=0)
    items = _items(body, files, budget)
    if not items:
        raise unprocessable("body", "There is no picture: send image, archive, images or urls.")
    used = body.find(service.database)
    questions: Sequence[str] = body.questions
    if used is not None:
        questions = used.document.questions(questions, has_reference=bool(references))
    given = {name: getattr(body, name) for name in AnalysisOptions.model_fields}
    options = JobOptions(**{**given, "questions": tuple(questions)}, keep=body.keep, policy=used)
    policy.review(_policy_request(options, service.analysis), has_reference=bool(references))
    return JobRequest(options, items, references, body.webhook)


def _policy_request(asked: AnalysisOptions, settings: Settings) -> PolicyRequest:
    """What is asked, for the policy: refused questions are refused before any picture is stored."""
    return PolicyRequest(
        questions=policy.expand(asked.questions),
        purpose=asked.purpose or settings.purpose,
        jurisdiction=asked.jurisdiction or settings.jurisdiction,
    )


def _items(body: JobBody, files: Files, budget: Budget) -> list[NewItem]:
    found = []
    for upload in files.get("image", ()):
        budget.take(len(upload.data))
        found.append(NewItem(upload.name, upload.data))
    for place, upload in enumerate(files.get("archive", ())):
        found += unpack(upload.data, f"body.archive.{place}", budget)
    for place, text in enumerate(body.images):
        data = decode_image(text, f"body.images.{place}")
        budget.take(len(data))
        found.append(NewItem(f"{UNNAMED}-{place}", data))
    for place, url in enumerate(body.urls):
        words = "It is too long." if len(url) > LONGEST_URL else url_refusal(url)
        if words is not None:
            raise unprocessable(f"body.urls.{place}", words)
        budget.take(0)
        # The query may hold a token, and names stand in reports.
        found.append(NewItem(clean_name(url.partition("?")[0])[:LONGEST_NAME], url=url))
    return found
