"""Every request that the service knows, as a ``Call``. The two clients send these and add nothing but waiting."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from faceagent.client.answers import Policy
from faceagent.client.exchange import Call
from faceagent.client.pictures import Body, PictureFile, body_of, is_url
from faceagent.types import FrozenModel
from faceagent.types.service import (
    Analysis,
    CaseList,
    Feedback,
    FeedbackLabel,
    ItemList,
    Job,
    JobList,
    Measurement,
    Moderation,
)

PAGE = 200


class PolicyPage(FrozenModel):
    """All policies."""

    policies: tuple[Policy, ...]


class ToolSpecEntry(FrozenModel):
    """A tool that the service has."""

    name: str
    version: str
    title: str
    summary: str
    questions: tuple[str, ...]
    needs: tuple[str, ...] = ()


class ToolPage(FrozenModel):
    """All tools."""

    tools: tuple[ToolSpecEntry, ...]


class Health(FrozenModel):
    """The service answers."""

    status: str
    version: str


class Readiness(FrozenModel):
    """The service is ready."""

    status: str
    open_items: int


def picture_body(picture: PictureFile, references: Iterable[PictureFile], fields: Mapping[str, Any]) -> Body:
    """One picture with references; the service itself fetches a picture that is a URL."""
    if is_url(picture):
        return body_of({**fields, "url": picture}, references=references)
    return body_of(fields, image=[picture], references=references)


def analyze(picture: PictureFile, references: Iterable[PictureFile], fields: Mapping[str, Any]) -> Call[Analysis]:
    """One picture, its report."""
    return Call("POST", "/v1/analyze", Analysis, body=picture_body(picture, references, fields))


def moderate(picture: PictureFile, references: Iterable[PictureFile], fields: Mapping[str, Any]) -> Call[Moderation]:
    """One picture, a decision."""
    return Call("POST", "/v1/moderate", Moderation, body=picture_body(picture, references, fields))


def measure(
    tool: str, picture: PictureFile, references: Iterable[PictureFile], fields: Mapping[str, Any]
) -> Call[Measurement]:
    """One tool on one picture."""
    return Call("POST", f"/v1/tools/{_part(tool)}", Measurement, body=picture_body(picture, references, fields))


def submit(
    pictures: Iterable[PictureFile],
    archives: Iterable[PictureFile],
    references: Iterable[PictureFile],
    fields: Mapping[str, Any],
    idempotency_key: str | None,
) -> Call[Job]:
    """Many pictures as a job. Without a key of the caller's it gets one, so that it can be sent again."""
    given = list(pictures)
    urls = [one for one in given if is_url(one)]
    files = {"image": [one for one in given if not is_url(one)], "archive": archives, "references": references}
    body = body_of({**fields, "urls": urls}, **files)
    key = idempotency_key or secrets.token_hex(16)
    return Call("POST", "/v1/jobs", Job, body=body, headers={"Idempotency-Key": key})


def job(job_id: str) -> Call[Job]:
    """How far a job is."""
    return Call("GET", f"/v1/jobs/{_part(job_id)}", Job)


def jobs(limit: int) -> Call[JobList]:
    """The latest jobs."""
    return Call("GET", "/v1/jobs", JobList, params={"limit": limit})


def items(job_id: str, start: int) -> Call[ItemList]:
    """A page of items."""
    return Call("GET", f"/v1/jobs/{_part(job_id)}/items", ItemList, params={"start": start, "limit": PAGE})


def cancel(job_id: str) -> Call[Job]:
    """End a job."""
    return Call("POST", f"/v1/jobs/{_part(job_id)}/cancel", Job)


def case(case_id: str) -> Call[Analysis]:
    """A report."""
    return Call("GET", f"/v1/cases/{_part(case_id)}", Analysis)


def cases(cursor: str | None, fields: Mapping[str, Any]) -> Call[CaseList]:
    """A page of cases."""
    return Call("GET", "/v1/cases", CaseList, params={"limit": PAGE, "cursor": cursor, **fields})


def page(case_id: str) -> Call[bytes]:
    """A report as HTML."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/report.html", bytes)


def pdf(case_id: str) -> Call[bytes]:
    """A report as a PDF."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/report.pdf", bytes)


def pdf_signature(case_id: str) -> Call[bytes]:
    """The signature of that PDF."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/report.pdf.sig", bytes)


def heat_map(case_id: str, evidence_id: str) -> Call[bytes]:
    """A heat map as PNG."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/heatmaps/{_part(evidence_id)}", bytes)


def delete_case(case_id: str) -> Call[bytes]:
    """Remove a case."""
    return Call("DELETE", f"/v1/cases/{_part(case_id)}", bytes)


def feedback(case_id: str, label: FeedbackLabel) -> Call[Feedback]:
    """Say what a picture really was."""
    return Call("POST", "/v1/feedback", Feedback, body=Body({"case_id": case_id, "label": label}))


def policies() -> Call[PolicyPage]:
    """All moderation policies."""
    return Call("GET", "/v1/policies", PolicyPage)


def policy(name: str, version: int | None) -> Call[Policy]:
    """One policy."""
    return Call("GET", f"/v1/policies/{_part(name)}", Policy, params={"version": version})


def put_policy(name: str, document: str) -> Call[Policy]:
    """Store the next version of a policy."""
    headers = {"Content-Type": "application/yaml"}
    return Call("PUT", f"/v1/policies/{_part(name)}", Policy, content=document.encode(), headers=headers)


def try_policy(case_id: str, fields: Mapping[str, Any]) -> Call[Moderation]:
    """Which rule of a policy would decide about a case."""
    given = {name: value for name, value in fields.items() if value is not None}
    return Call("POST", "/v1/policies/test", Moderation, body=Body({"case_id": case_id, **given}))


def tools() -> Call[ToolPage]:
    """All tools."""
    return Call("GET", "/v1/tools", ToolPage)


def health() -> Call[Health]:
    """Whether the process answers."""
    return Call("GET", "/healthz", Health)


def readiness() -> Call[Readiness]:
    """Whether it is ready."""
    return Call("GET", "/readyz", Readiness)


def options(
    questions: Sequence[str], purpose: str | None, jurisdiction: str | None, explain: str | None, **more: Any
) -> dict[str, Any]:
    """The fields of an analysis."""
    return {"questions": tuple(questions), "purpose": purpose, "jurisdiction": jurisdiction, "explain": explain, **more}


def _part(text: str) -> str:
    """One part of a path, whatever characters it has."""
    return quote(text, safe="")
