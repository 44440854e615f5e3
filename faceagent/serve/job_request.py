"""The request for a job: files, ZIP archives, base64 and URLs become one list of items, all or none of them."""

from fastapi import Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from faceagent import policy
from faceagent.intake.fetch import url_refusal
from faceagent.serve.archives import Budget, unpack
from faceagent.serve.errors import unprocessable
from faceagent.serve.requests import AnalysisOptions
from faceagent.serve.service import Service
from faceagent.serve.uploads import LONGEST_NAME, UNNAMED, Base64, Files, clean_name, decode_image, read_body
from faceagent.serve.worker import JobOptions
from faceagent.settings import Settings
from faceagent.storage.database.jobs import NewItem
from faceagent.types import Request as PolicyRequest

FILES = {"image": "pictures", "archive": "ZIP files of pictures"}
LONGEST_URL = 4096


class JobBody(AnalysisOptions):
    """Pictures as JSON; as a form, files come as ``image`` and ZIP files as ``archive``."""

    images: tuple[Base64, ...] = Field(default=(), max_length=10_000, description="base64, or data: URLs")
    urls: tuple[str, ...] = Field(default=(), max_length=10_000, description="http or https, at public addresses")
    keep: bool = Field(default=False, description="keep the pictures as long as their reports")
    webhook: str | None = Field(default=None, max_length=LONGEST_URL, description="URL that is told when the job ends")

    @property
    def options(self) -> JobOptions:
        """What is asked about every picture."""
        return JobOptions.model_validate({name: getattr(self, name) for name in JobOptions.model_fields})


async def read(request: Request, service: Service) -> tuple[JobBody, list[NewItem]]:
    """The fields of a request and its items. Raises ApiError."""
    body, files = await read_body(request, JobBody, tuple(FILES))
    if body.webhook is not None and (words := url_refusal(body.webhook)) is not None:
        raise unprocessable("body.webhook", f"The webhook cannot be delivered: {words}")
    items = await run_in_threadpool(_items, body, files, service)
    if not items:
        raise unprocessable("body", "There is no picture: send image, archive, images or urls.")
    return body, items


def policy_request(asked: AnalysisOptions, settings: Settings) -> PolicyRequest:
    """What is asked, for the policy: refused questions are refused before any picture is stored."""
    return PolicyRequest(
        questions=policy.expand(asked.questions),
        purpose=asked.purpose or settings.purpose,
        jurisdiction=asked.jurisdiction or settings.jurisdiction,
    )


def _items(body: JobBody, files: Files, service: Service) -> list[NewItem]:
    budget = Budget(service.settings.job_items, service.settings.job_bytes)
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
