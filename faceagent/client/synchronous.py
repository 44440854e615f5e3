"""The client for programs without asyncio. ``asynchronous`` has the same methods to await; a test compares them."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx2

from faceagent.client import calls
from faceagent.client.exchange import Call, Pages, connection, describe, pause_before, unreachable
from faceagent.client.waiting import job_bar, next_poll, too_long
from faceagent.errors import ServiceError
from faceagent.types.service import Job

P = ParamSpec("P")
T = TypeVar("T")


def sends(build: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """The method that sends what ``build`` describes."""

    def method(client: "Client", /, *given: P.args, **named: P.kwargs) -> T:
        return client._send(build(*given, **named))

    describe(method, build)
    return method


def iterates(build: Callable[P, Pages[T]]) -> Callable[Concatenate["Client", P], Iterator[T]]:
    """The method that gives the entries of all pages that ``build`` describes."""

    def method(client: "Client", /, *given: P.args, **named: P.kwargs) -> Iterator[T]:
        pages, cursor, more = build(*given, **named), None, True
        while more:
            entries, cursor = client._send(pages.page(cursor))
            yield from entries
            more = cursor is not None

    describe(method, build)
    return method


class Client(AbstractContextManager["Client"]):
    """A connection to the service; a context manager. Safe to use from several threads.

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
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: address of the service; default FACEAGENT_SERVICE_URL, else http://127.0.0.1:8156.
            key: API key; default FACEAGENT_SERVICE_KEY.
            seconds: longest silence of the service within one request.
            retries: how often a request is sent again where that is harmless: the service was busy or not reached.
            transport: instead of the network, for tests.
        """
        self._http = httpx2.Client(**connection(url, key, seconds), transport=transport)
        self._retries = retries

    analyze = sends(calls.analyze)
    moderate = sends(calls.moderate)
    measure = sends(calls.measure)
    submit = sends(calls.submit)
    job = sends(calls.job)
    jobs = sends(calls.jobs)
    items = iterates(calls.items)
    cancel = sends(calls.cancel)
    case = sends(calls.case)
    cases = iterates(calls.cases)
    page = sends(calls.page)
    pdf = sends(calls.pdf)
    pdf_signature = sends(calls.pdf_signature)
    heat_map = sends(calls.heat_map)
    delete_case = sends(calls.delete_case)
    feedback = sends(calls.feedback)
    policies = sends(calls.policies)
    policy = sends(calls.policy)
    put_policy = sends(calls.put_policy)
    try_policy = sends(calls.try_policy)
    tools = sends(calls.tools)
    health = sends(calls.health)
    ready = sends(calls.ready)

    def wait(self, job: Job | str, *, progress: bool = True, seconds: float | None = None) -> Job:
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
                found = self.job(job_id)
                show(found)
                if found.over:
                    return found
                pause = next_poll(time.monotonic() - start)
                if seconds is not None and time.monotonic() - start + pause > seconds:
                    raise too_long(found, seconds)
                time.sleep(pause)

    def _send(self, call: Call[T]) -> T:
        for attempt in range(self._retries + 1):
            cause: httpx2.TransportError | None = None
            try:
                with ExitStack() as stack:
                    answer = self._http.request(call.method, call.path, **call.arguments(stack))
                return call.answer(answer.status_code, answer.headers, answer.content)
            except httpx2.TransportError as lost:
                cause, error = lost, unreachable(lost)
            except ServiceError as refused:
                error = refused
            pause = pause_before(call, attempt, error, cause)
            if pause is None or attempt == self._retries:
                raise error from cause
            time.sleep(pause)
        raise AssertionError("the loop returns or raises")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self
