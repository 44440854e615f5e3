"""The one queue in front of the analyst: pictures of different requests share a model batch.

While a batch is worked on, further pictures collect; the next batch takes all that ask the same. A single client never
waits for a batch to fill. Where several were in the queue when the batch before ended, those who had their answers are
given a moment to ask again: else they would be split into two groups that take turns, and each would wait for both.

Requests come before items of jobs and do not share batches with them; a batch of items has only as many pictures as are
done within a bounded time, so that no request waits for long.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from opentelemetry.trace import SpanContext

from faceagent.agent.analyst import Analyst
from faceagent.agent.state import StepProgress, Watch
from faceagent.errors import FaceagentError
from faceagent.intake import NamedBytes
from faceagent.serve import tracing
from faceagent.serve.logs import logger
from faceagent.serve.metrics import Metrics
from faceagent.serve.requests import AnalysisOptions
from faceagent.types import Report

SMOOTHING = 0.2
"""Weight of the newest batch in the mean time of a picture."""
MOMENT = 0.1
"""That moment, over the time that the batch before took: what is lost at most where nobody asks again."""
TURNS = 8
"""Batches of requests after which one of items has its turn, so that jobs go on under any load."""


class QueueFull(Exception):  # noqa: N818 - a state, not a failure
    """No further picture is accepted now; ``seconds`` is when there will be room."""

    def __init__(self, seconds: float) -> None:
        super().__init__("The queue is full.")
        self.seconds = seconds


@dataclass(frozen=True, eq=False)
class Waiting:
    """One picture in the queue and the report that it becomes. With ``tool``, no other tool looks at it."""

    data: bytes
    name: str
    options: AnalysisOptions
    references: tuple[NamedBytes, ...] = ()
    tool: str | None = None
    report: Future[Report] = field(default_factory=Future)
    span: SpanContext = field(default_factory=tracing.here)
    """The request's, for the span of its batch."""
    watch: Watch | None = None
    """Told of the steps of its batch."""


class Batcher:
    """A thread that takes pictures from the queue, a batch at a time. Safe to share."""

    def __init__(
        self, analyst: Callable[[], Analyst], *, size: int, capacity: int, item_seconds: float, metrics: Metrics
    ) -> None:
        """Nothing runs yet.

        Args:
            analyst: makes the analyst, in the queue's own thread, so that a server starts without waiting for it.
            size: pictures of one batch.
            capacity: pictures of requests that may wait.
            item_seconds: how long a batch of items may take; it has one picture at least.
            metrics: what is counted.
        """
        self._make, self._size, self._capacity, self._metrics = analyst, size, capacity, metrics
        self._item_seconds, self._turns = item_seconds, 0
        self._together, self._until = 0, 0.0
        self._requests: deque[Waiting] = deque()
        self._items: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._seconds = 1.0
        self._analyst: Future[Analyst] = Future()
        self._single: dict[str, Analyst] = {}
        self._thread = threading.Thread(target=self._run, name="faceagent-batches", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the analyst was made."""
        return self._analyst.done() and self._analyst.exception() is None

    def analyst(self) -> Analyst:
        """The analyst behind the queue, for conversations. Waits until it was made; raises what making it raised."""
        return self._analyst.result()

    def submit(self, one: Waiting) -> Future[Report]:
        """Queue a picture of a request. Raises QueueFull, and what making the analyst raised."""
        if self._analyst.done():
            self._analyst.result()
        with self._changed:
            if self._closed or len(self._requests) >= self._capacity:
                raise QueueFull(self._seconds * max(1, len(self._requests)) / 2)
            self._put(self._requests, one)
        return one.report

    def submit_item(self, one: Waiting) -> Future[Report]:
        """Queue an item of a job, behind all requests; how many wait is for the worker to limit. Raises QueueFull."""
        with self._changed:
            if self._closed:
                raise QueueFull(self._seconds)
            self._put(self._items, one)
        return one.report

    def _put(self, queue: "deque[Waiting]", one: Waiting) -> None:
        queue.append(one)
        self._metrics.waiting.set(len(self._requests) + len(self._items))
        self._changed.notify()

    def close(self, seconds: float) -> None:
        """Accept nothing more, finish what waits within ``seconds``, and end. What is left raises QueueFull."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(seconds)
        with self._changed:
            self._end_waiting(QueueFull(self._seconds))

    def _run(self) -> None:
        try:
            self._analyst.set_result(self._make())
        except BaseException as error:
            logger.error("no_analyst", kind=type(error).__name__)
            self._analyst.set_exception(error)
            self._refuse(error)
            return
        with self._analyst.result():
            while batch := self._next():
                start = time.perf_counter()
                self._metrics.batches.observe(len(batch))
                answers = self._answers(batch)
                seconds = time.perf_counter() - start
                self._seconds += SMOOTHING * (seconds / len(batch) - self._seconds)
                with self._changed:
                    # Before anybody has an answer and can ask again: so many that fit are in the queue at a time.
                    fit = sum(self._fits(batch[0], one) for one in self._requests)
                    self._together = min(self._size, len(batch) + fit) if self._turns else 0
                    self._until = time.monotonic() + MOMENT * seconds
                for one, answer in zip(batch, answers, strict=True):
                    if isinstance(answer, Report):
                        one.report.set_result(answer)
                    else:
                        one.report.set_exception(answer)

    def _refuse(self, error: BaseException) -> None:
        """Without an analyst nothing that waits is ever answered."""
        with self._changed:
            self._closed = True
            self._end_waiting(error)

    def _end_waiting(self, error: BaseException) -> None:
        for one in (*self._requests, *self._items):
            if one.report.set_running_or_notify_cancel():
                one.report.set_exception(error)
        self._requests.clear()
        self._items.clear()

    def _next(self) -> list[Waiting]:
        """The next batch: the oldest picture and others with the same options. Empty when all is done and closed."""
        with self._changed:
            while True:
                while not (self._requests or self._items or self._closed):
                    self._changed.wait()
                if not (self._requests or self._items):
                    return []
                if self._together > 1:
                    self._changed.wait_for(self._all_here, max(0.0, self._until - time.monotonic()))
                batch = self._take()
                self._metrics.waiting.set(len(self._requests) + len(self._items))
                if batch:
                    return batch

    def _all_here(self) -> bool:
        return self._closed or len(self._requests) >= self._together

    def _take(self) -> list[Waiting]:
        if self._requests and not (self._items and self._turns >= TURNS):
            self._turns += 1
            return self._first(self._requests, self._size)
        self._turns = 0
        return self._first(self._items, min(self._size, max(1, int(self._item_seconds / self._seconds))))

    def _first(self, queue: "deque[Waiting]", most: int) -> list[Waiting]:
        """The oldest picture of a queue and others that ask the same."""
        batch: list[Waiting] = []
        kept: list[Waiting] = []
        while queue and len(batch) < most:
            one = queue.popleft()
            if batch and not self._fits(batch[0], one):
                kept.append(one)
            elif one.report.set_running_or_notify_cancel():
                batch.append(one)
        queue.extendleft(reversed(kept))
        return batch

    def _fits(self, first: Waiting, one: Waiting) -> bool:
        settings = self._analyst.result().settings
        # A model behind an endpoint explains single pictures only, see ``Settings.explain``.
        alone = (one.options.explain or settings.explain) == "auto" and settings.vlm_url is not None
        same = one.options == first.options and one.tool == first.tool and one.references == first.references
        return same and not alone

    def _answers(self, batch: list[Waiting]) -> Sequence[Report | Exception]:
        """The report on every picture, or why there is none."""
        try:
            return self._analyse(batch)
        except FaceagentError as error:
            return [error] * len(batch)
        except Exception as error:
            if len(batch) == 1:
                logger.exception("analysis_crashed", kind=type(error).__name__)
                return [error]
            # What one picture breaks must not cost the others their answer.
            return [self._answers([one])[0] for one in batch]

    def _with_tool(self, name: str | None) -> Analyst:
        analyst = self._analyst.result()
        if name is None:
            return analyst
        if name not in self._single:
            self._single[name] = analyst.with_tool(name)
        return self._single[name]

    def _analyse(self, batch: list[Waiting]) -> list[Report]:
        first, watching = batch[0], [one.watch for one in batch if one.watch is not None]

        def tell(step: StepProgress) -> None:
            for watch in watching:
                watch(step)

        with tracing.batch_span([one.span for one in batch], first.tool) as span:
            reports = list(
                self._with_tool(first.tool).analyze_many(
                    [NamedBytes(one.name, one.data) for one in batch],
                    questions=first.options.questions,
                    references=list(first.references),
                    purpose=first.options.purpose,
                    jurisdiction=first.options.jurisdiction,
                    explain=first.options.explain,
                    watch=tell if watching else None,
                )
            )
            tracing.add_timings(span, reports)
        return reports
