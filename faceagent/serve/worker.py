"""Works on the items of jobs: claims them under a lease, sends them through the queue of the requests, stores results.

A result and its case are stored in one transaction, under the lease. Where a process is killed, its leases run out and
another worker, or the next start of this one, does those items again.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Literal

from sqlalchemy import Connection, select

from faceagent.errors import FaceagentError, StorageError
from faceagent.intake import NamedBytes
from faceagent.serve.batching import QueueFull, Waiting
from faceagent.serve.logs import logger
from faceagent.serve.moderation import NamedPolicy
from faceagent.serve.requests import AnalysisOptions
from faceagent.serve.service import Service
from faceagent.serve.uploads import fetch_picture
from faceagent.storage.database.cases import add_case
from faceagent.storage.database.deliveries import add_delivery
from faceagent.storage.database.engine import now
from faceagent.storage.database.jobs import references_of
from faceagent.storage.database.leases import MOST_ATTEMPTS, Claim, claim, finish_item, release, renew
from faceagent.storage.database.tables import jobs
from faceagent.types import Problem, Report
from faceagent.types.service import JobEvent, JobState

BATCHES = 2
"""Batches of items in the queue at a time: one that is worked on and one that is ready."""
REMEMBERED_JOBS = 4
"""Jobs whose references are in memory."""
BEATS = 3
"""Heartbeats within one lease."""


class JobOptions(AnalysisOptions):
    """How the items of a job are analysed, and the policy that decides about each, as it was when the job was made."""

    keep: bool = False
    policy: NamedPolicy | None = None


class _LeaseLost(Exception):  # noqa: N818 - a state, not a failure
    """Another worker has taken the item over, or the job was cancelled: our case is rolled back."""


class Worker:
    """The threads of one process that work on jobs. ``wake`` tells them that there may be something to do."""

    def __init__(self, service: Service) -> None:
        self._service, self._settings = service, service.settings
        self._wake, self._lock = threading.Event(), threading.Lock()
        self._leases: set[str] = set()
        self._compared: dict[str, tuple[NamedBytes, ...]] = {}
        self._pool = ThreadPoolExecutor(BATCHES * self._settings.batch, thread_name_prefix="faceagent-items")
        self._threads = [
            threading.Thread(target=target, name=f"faceagent-{name}", daemon=True)
            for name, target in (("worker", self._run), ("heartbeat", self._beat))
        ]

    def start(self) -> None:
        """Begin to look for items."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def close(self) -> None:
        """Claim nothing more, wait for what the queue still answers, and give the rest back."""
        self._wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._pool.shutdown(wait=True)
        with suppress(StorageError), self._lock:
            release(self._service.database, sorted(self._leases))

    def _run(self) -> None:
        most = BATCHES * self._settings.batch
        while not self._service.stopping.is_set():
            self._wake.wait(self._settings.poll_seconds)
            self._wake.clear()
            try:
                while not self._service.stopping.is_set():
                    with self._lock:
                        room = most - len(self._leases)
                    if room < self._settings.batch or not self._claim(room):
                        break
            except StorageError as error:
                logger.warning("jobs_wait", code=error.code)

    def _claim(self, room: int) -> bool:
        claimed = claim(self._service.database, room, self._settings.lease_seconds)
        with self._lock:
            self._leases |= {one.lease for one in claimed}
        for one in claimed:
            self._pool.submit(self._work, one)
        return bool(claimed)

    def _beat(self) -> None:
        while not self._service.stopping.wait(self._settings.lease_seconds / BEATS):
            with self._lock:
                leases = sorted(self._leases)
            with suppress(StorageError):
                if leases:
                    renew(self._service.database, leases, self._settings.lease_seconds)

    def _work(self, one: Claim) -> None:
        try:
            ended = self._analyse(one)
            self._service.metrics.items.labels(ended).inc()
        except (QueueFull, StorageError) as error:
            # This process ends, or the database is away: the item is done again.
            logger.warning("item_put_back", kind=type(error).__name__)
            with suppress(StorageError):
                release(self._service.database, [one.lease])
        except Exception as error:
            logger.exception("item_crashed", kind=type(error).__name__)
        finally:
            with self._lock:
                self._leases.discard(one.lease)
            self._wake.set()

    def _analyse(self, one: Claim) -> str:
        if one.attempts > MOST_ATTEMPTS:
            words = f"The server ended {MOST_ATTEMPTS} times while it worked on this picture."
            return self._fail(one, "crashed", words)
        options = JobOptions.model_validate_json(one.options)
        data = one.data
        if data is None:
            fetched = fetch_picture(one.url or "", self._service.analysis)
            if isinstance(fetched, Problem):
                return self._fail(one, fetched.reason, fetched.message)
            data = fetched
        asked = AnalysisOptions(**{name: getattr(options, name) for name in AnalysisOptions.model_fields})
        references = self._references(one.job_id)
        try:
            report = self._service.batcher.submit_item(Waiting(data, one.name, asked, references)).result()
        except (QueueFull, StorageError):
            raise
        except FaceagentError as error:
            return self._fail(one, error.code, str(error))
        except Exception as error:
            return self._fail(one, "crashed", f"The analysis failed on this picture ({type(error).__name__}).")
        return self._store(one, report, data if options.keep else None, options.policy)

    def _references(self, job_id: str) -> tuple[NamedBytes, ...]:
        """Those of a job, read once: the same objects, so that its items share batches without comparing bytes."""
        with self._lock:
            if job_id not in self._compared:
                if len(self._compared) >= REMEMBERED_JOBS:
                    del self._compared[next(iter(self._compared))]
                self._compared[job_id] = references_of(self._service.database, job_id)
            return self._compared[job_id]

    def _store(self, one: Claim, report: Report, picture: bytes | None, policy: NamedPolicy | None) -> str:
        """The case and the end of its item, in one transaction. A picture that cannot be read has both, and failed."""
        text, seconds = report.model_dump_json().encode(), self._settings.case_seconds
        found = None if policy is None else policy.decide(report)
        problem = report.problem
        state: Literal["done", "failed"] = "done" if problem is None else "failed"
        try:
            with self._service.database.write() as connection:
                case_id = add_case(
                    connection, one.key_id, report, text, seconds=seconds, picture=picture, moderation=found
                )
                error = None if problem is None else {"code": problem.reason, "message": problem.message}
                decision = None if found is None else found.decision
                if not finish_item(
                    connection, one, state, case_id=case_id, error=error, decision=decision, finished=job_ended
                ):
                    raise _LeaseLost
        except _LeaseLost:
            return "lost"
        return state

    def _fail(self, one: Claim, code: str, message: str) -> str:
        with self._service.database.write() as connection:
            error = {"code": code, "message": message}
            kept = finish_item(connection, one, "failed", error=error, finished=job_ended)
        return "failed" if kept else "lost"


def job_ended(connection: Connection, job_id: str, state: JobState) -> None:
    """Queue the webhook of a job that has one, with the change of its state."""
    job = connection.execute(select(jobs.c.key_id, jobs.c.webhook).where(jobs.c.id == job_id)).first()
    if job is not None and job.webhook is not None:
        event = JobEvent(job_id=job_id, state=state, at=round(now(), 3))
        add_delivery(connection, job.key_id, job_id, job.webhook, event.model_dump_json())


def options_text(options: JobOptions) -> str:
    """The options of a job as they are stored: equal options are equal texts."""
    return json.dumps(options.model_dump(mode="json"), sort_keys=True)
