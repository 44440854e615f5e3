"""The client for asyncio: the methods of ``synchronous.Client`` to await; a test compares them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from faceagent.client import calls
from faceagent.client.answers import Policy
from faceagent.client.calls import Health, Readiness, ToolSpecEntry, options
from faceagent.client.exchange import Call, connection, pause_before, unreachable
from faceagent.client.pictures import PictureFile
from faceagent.client.waiting import job_bar, next_poll, too_long
from faceagent.errors import ServiceError
from faceagent.types.service import Analysis, CaseEntry, Feedback, FeedbackLabel, Item, Job, Measurement, Moderation

T = TypeVar("T")


class AsyncClient(AbstractAsyncContextManager["AsyncClient"]):
    """A connection to the service; an async context manager. Safe to use from several tasks of one event loop.

    Pictures are paths, http(s) URLs (the service fetches them), ``data:`` URLs, bytes, open streams, or a pair of a
    name and bytes or a stream. Every method raises ServiceError for whatever goes wrong at the service or on the way,
    and InputError for a file that cannot be read here.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        seconds: float = 120.0,
        retries: int = 4,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: address of the service; default FACEAGENT_SERVICE_URL, else http://127.0.0.1:8156.
            key: API key; default FACEAGENT_SERVICE_KEY.
            seconds: longest silence of the service within one request.
            retries: how often a request is sent again where that is harmless: the service was busy or not reached.
            transport: instead of the network, for tests.
        """
        self._http = httpx2.AsyncClient(**connection(url, key, seconds), transport=transport)
        self._retries = retries

    async def analyze(
        self,
        picture: PictureFile,
        *,
        questions: Sequence[str] = (),
        references: Iterable[PictureFile] = (),
        purpose: str | None = None,
        jurisdiction: str | None = None,
        explain: str | None = None,
        name: str | None = None,
        keep: bool | None = None,
    ) -> Analysis:
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
        return await self._send(calls.analyze(picture, references, fields))

    async def moderate(
        self,
        picture: PictureFile,
        *,
        policy: str | None = None,
        version: int | None = None,
        dry_run: bool | None = None,
        questions: Sequence[str] = (),
        references: Iterable[PictureFile] = (),
        purpose: str | None = None,
        jurisdiction: str | None = None,
        name: str | None = None,
        keep: bool | None = None,
    ) -> Moderation:
        """Allow, review or block by a policy; default: the service's. A dry run keeps nothing."""
        more = {"policy": policy, "version": version, "dry_run": dry_run, "name": name, "keep": keep}
        fields = options(questions, purpose, jurisdiction, None, **more)
        return await self._send(calls.moderate(picture, references, fields))

    async def measure(
        self,
        tool: str,
        picture: PictureFile,
        *,
        references: Iterable[PictureFile] = (),
        purpose: str | None = None,
        jurisdiction: str | None = None,
    ) -> Measurement:
        """The evidence of one tool, see ``tools``; nothing is kept."""
        return await self._send(calls.measure(tool, picture, references, options((), purpose, jurisdiction, None)))

    async def submit(
        self,
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
    ) -> Job:
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
        fields = options(questions, purpose, jurisdiction, explain, **more)
        return await self._send(calls.submit(pictures, archives, references, fields, idempotency_key))

    async def wait(self, job: Job | str, *, progress: bool = True, seconds: float | None = None) -> Job:
        """The job when it is over.

        Args:
            job: the job or its id.
            progress: draw a bar, in a terminal on standard error or in a notebook.
            seconds: longest time to wait; None: as long as it takes.

        Raises:
            ServiceError: with the code "timed_out" where it takes longer; the job goes on.
        """
        job_id, start = (job if isinstance(job, str) else job.id), time.monotonic()
        with job_bar(progress) as show:
            while True:
                found = await self.job(job_id)
                show(found)
                if found.over:
                    return found
                pause = next_poll(time.monotonic() - start)
                if seconds is not None and time.monotonic() - start + pause > seconds:
                    raise too_long(found, seconds)
                await asyncio.sleep(pause)

    async def job(self, job_id: str) -> Job:
        """How far a job is."""
        return await self._send(calls.job(job_id))

    async def jobs(self, limit: int = 20) -> tuple[Job, ...]:
        """Your latest jobs, the newest first."""
        return (await self._send(calls.jobs(limit))).jobs

    async def items(self, job: Job | str) -> AsyncIterator[Item]:
        """The items of a job, in order; each leads to its case, or says why there is none."""
        start: int | None = 0
        while start is not None:
            found = await self._send(calls.items(job if isinstance(job, str) else job.id, start))
            for item in found.items:
                yield item
            start = found.next

    async def cancel(self, job: Job | str) -> Job:
        """End a job; what is done stays."""
        return await self._send(calls.cancel(job if isinstance(job, str) else job.id))

    async def case(self, case_id: str) -> Analysis:
        """The report of a case."""
        return await self._send(calls.case(case_id))

    async def cases(
        self,
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
    ) -> AsyncIterator[CaseEntry]:
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
        fields |= {"sort": sort, "order": order}
        cursor: str | None = None
        while True:
            found = await self._send(calls.cases(cursor, fields))
            for entry in found.cases:
                yield entry
            if found.next is None:
                return
            cursor = found.next

    async def page(self, case_id: str) -> str:
        """The report of a case as one HTML page."""
        return (await self._send(calls.page(case_id))).decode()

    async def pdf(self, case_id: str) -> bytes:
        """The report of a case as a PDF; ``pdf_signature`` gives its signature."""
        return await self._send(calls.pdf(case_id))

    async def pdf_signature(self, case_id: str) -> bytes:
        """The detached signature of a case's PDF; keep it beside the PDF as ``report.pdf.sig``."""
        return await self._send(calls.pdf_signature(case_id))

    async def heat_map(self, case_id: str, evidence_id: str) -> bytes:
        """The heat map of one piece of evidence, PNG."""
        return await self._send(calls.heat_map(case_id, evidence_id))

    async def delete_case(self, case_id: str) -> None:
        """Remove a report and, where it was kept, its picture."""
        await self._send(calls.delete_case(case_id))

    async def feedback(self, case_id: str, label: FeedbackLabel) -> Feedback:
        """Say what the picture of a case really was."""
        return await self._send(calls.feedback(case_id, label))

    async def policies(self) -> tuple[Policy, ...]:
        """The names of all moderation policies, each with its newest version."""
        return (await self._send(calls.policies())).policies

    async def policy(self, name: str, version: int | None = None) -> Policy:
        """A moderation policy with its document; default: the newest version."""
        return await self._send(calls.policy(name, version))

    async def put_policy(self, name: str, document: str) -> Policy:
        """Store a document in YAML or JSON as the next version of a policy."""
        return await self._send(calls.put_policy(name, document))

    async def try_policy(
        self,
        case_id: str,
        *,
        policy: str | None = None,
        version: int | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> Moderation:
        """Which rule would decide about a case: of a policy by name, or of a document that is not stored."""
        return await self._send(calls.try_policy(case_id, {"policy": policy, "version": version, "document": document}))

    async def tools(self) -> tuple[ToolSpecEntry, ...]:
        """The specialists of the service."""
        return (await self._send(calls.tools())).tools

    async def health(self) -> Health:
        """Whether the process answers, and its version; needs no key."""
        return await self._send(calls.health())

    async def ready(self) -> Readiness:
        """Whether the service is ready; needs no key."""
        return await self._send(calls.readiness())

    async def _send(self, call: Call[T]) -> T:
        for attempt in range(self._retries + 1):
            cause: httpx2.TransportError | None = None
            try:
                with ExitStack() as stack:
                    answer = await self._http.request(call.method, call.path, **call.arguments(stack))
                return call.answer(answer.status_code, answer.headers, answer.content)
            except httpx2.TransportError as lost:
                cause, error = lost, unreachable(lost)
            except ServiceError as refused:
                error = refused
            pause = pause_before(call, attempt, error, cause)
            if pause is None or attempt == self._retries:
                raise error from cause
            await asyncio.sleep(pause)
        raise AssertionError("the loop returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def __aenter__(self) -> Self:
        return self
