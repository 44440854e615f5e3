"""Every request that the service knows: its parameters, where it goes, and what comes back.

Each function here is a method of both clients (``synchronous.sends``, ``asynchronous.sends``), which add nothing but
waiting. A list in pages is an iterator there.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from faceagent.client.answers import Health, Policy, PolicyPage, Readiness, ToolPage, ToolSpecEntry
from faceagent.client.exchange import Call, Pages
from faceagent.client.pictures import Body, PictureFile, body_of, is_url
from faceagent.types.service import (
    Analysis,
    CaseEntry,
    CaseList,
    Feedback,
    FeedbackLabel,
    Item,
    ItemList,
    Job,
    JobList,
    Measurement,
    Moderation,
)

PAGE = 200


def analyze(
    picture: PictureFile,
    *,
    questions: Sequence[str] = (),
    references: Iterable[PictureFile] = (),
    purpose: str | None = None,
    jurisdiction: str | None = None,
    explain: str | None = None,
    name: str | None = None,
    keep: bool | None = None,
) -> Call[Analysis]:
    """The report on one picture.

    Args:
        picture: what to analyse.
        questions: what to answer; empty: everything that policy allows without being asked.
        references: pictures of the person to compare with.
        purpose: why this is asked.
        jurisdiction: whose rules apply.
        explain: who explains: auto, vlm or ledger.
        name: what to call the picture; default: the file's name.
        keep: whether the service keeps the picture with the report, to show it there.
    """
    fields = options(questions, purpose, jurisdiction, explain, name=name, keep=keep)
    return Call("POST", "/v1/analyze", Analysis, body=_picture_body(picture, references, fields))


def moderate(
    picture: PictureFile,
    *,
    policy: str | None = None,
    version: int | None = None,
    document: str | None = None,
    dry_run: bool | None = None,
    questions: Sequence[str] = (),
    references: Iterable[PictureFile] = (),
    purpose: str | None = None,
    jurisdiction: str | None = None,
    name: str | None = None,
    keep: bool | None = None,
) -> Call[Moderation]:
    """Allow, review or block by a policy, or by a document in YAML or JSON that is not stored; default: "strictest".

    A dry run keeps nothing.
    """
    more = {"policy": policy, "version": version, "document": document, "dry_run": dry_run}
    fields = options(questions, purpose, jurisdiction, None, **more, name=name, keep=keep)
    return Call("POST", "/v1/moderate", Moderation, body=_picture_body(picture, references, fields))


def measure(
    tool: str,
    picture: PictureFile,
    *,
    references: Iterable[PictureFile] = (),
    purpose: str | None = None,
    jurisdiction: str | None = None,
) -> Call[Measurement]:
    """The evidence of one tool, see ``tools``; nothing is kept."""
    fields = options((), purpose, jurisdiction, None)
    return Call("POST", f"/v1/tools/{_part(tool)}", Measurement, body=_picture_body(picture, references, fields))


def submit(
    pictures: Iterable[PictureFile] = (),
    *,
    archives: Iterable[PictureFile] = (),
    references: Iterable[PictureFile] = (),
    policy: str | None = None,
    version: int | None = None,
    document: str | None = None,
    questions: Sequence[str] = (),
    purpose: str | None = None,
    jurisdiction: str | None = None,
    explain: str | None = None,
    keep: bool | None = None,
    webhook: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Job]:
    """Many pictures as a job that goes on when this program has ended.

    Args:
        pictures: files and URLs.
        archives: ZIP files of pictures.
        references: pictures of the person to compare every picture with.
        policy: name of a moderation policy that decides about every picture.
        version: of that policy; default: the newest.
        document: a policy in YAML or JSON that is not stored, instead.
        questions: as for ``analyze``.
        purpose: likewise.
        jurisdiction: likewise.
        explain: likewise.
        keep: likewise.
        webhook: URL that the service tells when the job ends; see ``verify_webhook``.
        idempotency_key: the same key with the same pictures makes no second job; default: a new one.
    """
    more = {"policy": policy, "version": version, "document": document, "keep": keep, "webhook": webhook}
    given = list(pictures)
    fields = options(questions, purpose, jurisdiction, explain, **more, urls=[one for one in given if is_url(one)])
    files = {"image": [one for one in given if not is_url(one)], "archive": archives, "references": references}
    # Without a key of the caller's it gets one, so that it can be sent again.
    headers = {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}
    return Call("POST", "/v1/jobs", Job, body=body_of(fields, **files), headers=headers)


def job(job_id: str) -> Call[Job]:
    """How far a job is."""
    return Call("GET", f"/v1/jobs/{_part(job_id)}", Job)


def jobs(limit: int = 20) -> Call[tuple[Job, ...]]:
    """Your latest jobs, the newest first."""
    return Call("GET", "/v1/jobs", JobList, params={"limit": limit}, take=lambda found: found.jobs)


def items(job: Job | str) -> Pages[Item]:
    """The items of a job, in order; each leads to its case, or says why there is none."""
    path = f"/v1/jobs/{_part(_id(job))}/items"

    def page(start: int | None) -> Call[tuple[Sequence[Item], Any]]:
        params = {"start": start or 0, "limit": PAGE}
        return Call("GET", path, ItemList, params=params, take=lambda found: (found.items, found.next))

    return Pages(page)


def cancel(job: Job | str) -> Call[Job]:
    """End a job; what is done stays."""
    return Call("POST", f"/v1/jobs/{_part(_id(job))}/cancel", Job)


def case(case_id: str) -> Call[Analysis]:
    """The report of a case."""
    return Call("GET", f"/v1/cases/{_part(case_id)}", Analysis)


def cases(
    *,
    question: str | None = None,
    label: str | None = None,
    least: float | None = None,
    most: float | None = None,
    status: str | None = None,
    decision: str | None = None,
    sign_off: str | None = None,
    name: str | None = None,
    since: float | None = None,
    until: float | None = None,
    sort: str | None = None,
    order: str | None = None,
) -> Pages[CaseEntry]:
    """Cases that match, the newest first: yours, or all with a reviewer's key.

    Args:
        question: only cases in which it was answered.
        label: its answer, such as "forged" or "inconclusive".
        least: its probability of the positive side, at least.
        most: likewise, at most.
        status: analysed, no_face or unreadable.
        decision: of a moderation policy: allow, review or block.
        sign_off: open, signed or disputed.
        name: a part of the picture's name.
        since: made at or after; seconds since 1970, UTC.
        until: made before.
        sort: created, name, or probability of the question.
        order: desc or asc.
    """
    fields = {"question": question, "label": label, "least": least, "most": most, "status": status}
    fields |= {"decision": decision, "sign_off": sign_off, "name": name, "since": since, "until": until}
    fields |= {"sort": sort, "order": order, "limit": PAGE}

    def page(cursor: str | None) -> Call[tuple[Sequence[CaseEntry], Any]]:
        params = {**fields, "cursor": cursor}
        return Call("GET", "/v1/cases", CaseList, params=params, take=lambda found: (found.cases, found.next))

    return Pages(page)


def page(case_id: str) -> Call[str]:
    """The report of a case as one HTML page."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/report.html", bytes, take=bytes.decode)


def pdf(case_id: str) -> Call[bytes]:
    """The report of a case as a PDF; ``pdf_signature`` gives its signature."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/report.pdf", bytes)


def pdf_signature(case_id: str) -> Call[bytes]:
    """The detached signature of a case's PDF; keep it beside the PDF as ``report.pdf.sig``."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/report.pdf.sig", bytes)


def heat_map(case_id: str, evidence_id: str) -> Call[bytes]:
    """The heat map of one piece of evidence, PNG."""
    return Call("GET", f"/v1/cases/{_part(case_id)}/heatmaps/{_part(evidence_id)}", bytes)


def delete_case(case_id: str) -> Call[None]:
    """Remove a report and, where it was kept, its picture."""
    return Call("DELETE", f"/v1/cases/{_part(case_id)}", bytes, take=lambda found: None)


def feedback(case_id: str, label: FeedbackLabel) -> Call[Feedback]:
    """Say what the picture of a case really was."""
    return Call("POST", "/v1/feedback", Feedback, body=Body({"case_id": case_id, "label": label}))


def policies() -> Call[tuple[Policy, ...]]:
    """The names of all moderation policies, each with its newest version."""
    return Call("GET", "/v1/policies", PolicyPage, take=lambda found: found.policies)


def policy(name: str, version: int | None = None) -> Call[Policy]:
    """A moderation policy with its document; default: the newest version."""
    return Call("GET", f"/v1/policies/{_part(name)}", Policy, params={"version": version})


def put_policy(name: str, document: str) -> Call[Policy]:
    """Store a document in YAML or JSON as the next version of a policy."""
    headers = {"Content-Type": "application/yaml"}
    return Call("PUT", f"/v1/policies/{_part(name)}", Policy, content=document.encode(), headers=headers)


def try_policy(
    case_id: str,
    *,
    policy: str | None = None,
    version: int | None = None,
    document: Mapping[str, Any] | None = None,
) -> Call[Moderation]:
    """Which rule would decide about a case: of a policy by name, or of a document that is not stored."""
    given = {"policy": policy, "version": version, "document": document}
    fields = {name: value for name, value in given.items() if value is not None}
    return Call("POST", "/v1/policies/test", Moderation, body=Body({"case_id": case_id, **fields}))


def tools() -> Call[tuple[ToolSpecEntry, ...]]:
    """The specialists of the service."""
    return Call("GET", "/v1/tools", ToolPage, take=lambda found: found.tools)


def health() -> Call[Health]:
    """Whether the process answers, and its version; needs no key."""
    return Call("GET", "/healthz", Health)


def ready() -> Call[Readiness]:
    """Whether the service is ready; needs no key."""
    return Call("GET", "/readyz", Readiness)


def options(
    questions: Sequence[str], purpose: str | None, jurisdiction: str | None, explain: str | None, **more: Any
) -> dict[str, Any]:
    """The fields of an analysis."""
    return {"questions": tuple(questions), "purpose": purpose, "jurisdiction": jurisdiction, "explain": explain, **more}


def _picture_body(picture: PictureFile, references: Iterable[PictureFile], fields: Mapping[str, Any]) -> Body:
    """One picture with references; the service itself fetches a picture that is a URL."""
    if is_url(picture):
        return body_of({**fields, "url": picture}, references=references)
    return body_of(fields, image=[picture], references=references)


def _id(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def _part(text: str) -> str:
    """One part of a path, whatever characters it has."""
    return quote(text, safe="")
