"""One call of ``analyze_many``: from its sources to its reports, a run of the graph per batch.

Every report is written as soon as it is made. A run can be stopped from another thread between two nodes.
"""

import asyncio
import hashlib
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.agent.explainer import build_explainer
from faceagent.agent.host_state import own_state
from faceagent.agent.progress import progress_bar
from faceagent.agent.runtime import AgentRuntime
from faceagent.agent.state import RunContext, Watch
from faceagent.intake import MemoryBlobs
from faceagent.intake.reading import read
from faceagent.report import PdfMaker, RunFolder, run_key, thumbnail
from faceagent.settings import Explain
from faceagent.storage.keys import REFERENCES, item_of
from faceagent.storage.record import Record
from faceagent.types import SUBJECT, FrozenModel, Picture, PolicyDecision, Problem, Report, Request, Source

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph


@dataclass(frozen=True)
class AnalysisJob:
    """Everything decided and nothing read. ``total`` is None where it is not known.

    ``out`` is where reports are written, with ``fresh`` without a look at what an earlier run wrote there, and
    with ``pdf`` also as signed PDFs.
    """

    request: Request
    decisions: tuple[PolicyDecision, ...]
    sources: Iterator[Source]
    references: tuple[Source, ...]
    total: int | None
    blobs: MemoryBlobs
    explain: Explain
    out: Path | None = None
    fresh: bool = False
    pdf: PdfMaker | None = None
    progress: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
    unwritten: list[tuple[str, str]] = field(default_factory=list)
    watch: Watch | None = None


class Reports(Iterator[Report]):
    """Reports in the order of their pictures, made as they are asked for.

    ``total`` is how many there will be, or None while the pictures come from an iterator. ``skipped`` are the files of
    folders that are no pictures: their names, and what their bytes look like. ``close`` ends early and writes the
    index of what was written so far.
    """

    def __init__(
        self, reports: Generator[Report, None, None], job: AnalysisJob, skipped: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._reports, self._job, self.total, self.skipped = reports, job, job.total, skipped

    def __next__(self) -> Report:
        return next(self._reports)

    @property
    def unwritten(self) -> tuple[tuple[str, str], ...]:
        """Reports so far that could not be written to ``out``: names of the pictures, and why."""
        return tuple(self._job.unwritten)

    def cancel(self) -> None:
        """End the work that another thread does for ``next``, after the tool that is running; nothing more follows."""
        self._job.cancelled.set()

    def close(self) -> None:
        """End now; what was written stays, and its index is completed."""
        self._reports.close()


def run(
    job: AnalysisJob, runtime: AgentRuntime, graph: "CompiledStateGraph[Any, Any, Any, Any]"
) -> Generator[Report, None, None]:
    """The reports of a job, in order; each is in ``job.out`` when it is given out."""
    size = runtime.settings.batch
    # What comes from an iterator counts as many: whether there is a second picture would have to be waited for.
    alone = job.total == 1
    context = RunContext(
        request=job.request,
        decisions=job.decisions,
        sources=(),
        references=job.references,
        settings=runtime.settings,
        blobs=job.blobs,
        tools=runtime.tools,
        pool=runtime.pool,
        explainer=build_explainer(runtime.settings, job.explain, alone=alone),
        cancelled=job.cancelled,
        watch=job.watch,
    )
    with ExitStack() as stack:
        folder = _folder(job, runtime, alone=alone)
        if folder is not None:
            # Also when the caller stops early or is interrupted: what was written must be found.
            stack.callback(folder.close)
        advance = stack.enter_context(progress_bar(job.total)) if job.progress else None
        shared: dict[str, FrozenModel] = {}
        for batch in takewhile(bool, _batches(job.sources, size)):
            earlier = {place: _earlier(source, job, runtime, folder) for place, source in enumerate(batch)}
            left = tuple(source for place, source in enumerate(batch) if earlier[place] is None)
            made: Iterator[Report] = iter(())
            if left:
                this = context.of_batch(left, Record(shared))
                made = iter(_made(this, graph))
                shared = _shared_by_all(this.record)
            for place in range(len(batch)):
                report = earlier[place]
                if report is None:
                    report = next(made)
                    if folder is not None:
                        folder.add(report, job.blobs)
                if advance is not None:
                    advance()
                yield report
            if left:
                _forget(job.blobs, this.record, shared)


def _made(context: RunContext, graph: "CompiledStateGraph[Any, Any, Any, Any]") -> list[Report]:
    """The reports on one batch. Without any where the run was cancelled."""
    config: RunnableConfig = {"max_concurrency": context.settings.workers, "recursion_limit": 25}
    with own_state(context.settings.threads):
        state = graph.invoke({}, context=context, config=config)
        return [_with_thumbnail(context.record.get(key, Report), context) for key in state["reports"]]


def _with_thumbnail(made: Report, context: RunContext) -> Report:
    """The report with a small picture, for a notebook and the index: later the pixels are gone."""
    if made.picture is None:
        return made
    return made.with_thumbnail(thumbnail(context.blobs.pixels(made.picture.sha256)))


def _shared_by_all(record: Record) -> dict[str, FrozenModel]:
    """The references with everything recorded about them: they are read once for all batches."""
    return {key: one for key, one in record.values().items() if item_of(key) == REFERENCES}


def _forget(blobs: MemoryBlobs, record: Record, shared: dict[str, FrozenModel]) -> None:
    """Let go of the bytes of a batch that is done."""
    # A picture may be a reference as well: later batches still compare with it.
    kept = {one.sha256 for one in shared.values() if isinstance(one, Picture)}
    blobs.forget({one.sha256 for one in record.all(Picture) if one.id == SUBJECT} - kept)


def _folder(job: AnalysisJob, runtime: AgentRuntime, *, alone: bool) -> RunFolder | None:
    """Where the reports go, with what an earlier run of the same request has left there."""
    if job.out is None:
        return None
    references = [_digest(source, job, runtime) or source.name for source in job.references]
    versions = {name: tool.spec.version for name, tool in runtime.tools.items()}
    key = run_key(job.request, runtime.settings, job.explain, references, versions)
    return RunFolder(job.out, key, job.unwritten, alone=alone, fresh=job.fresh, pdf=job.pdf)


def _earlier(source: Source, job: AnalysisJob, runtime: AgentRuntime, folder: RunFolder | None) -> Report | None:
    """What an earlier run has written about this source, where its bytes are still the same."""
    if folder is None or not folder.has(source.name):
        return None
    digest = _digest(source, job, runtime)
    return None if digest is None else folder.earlier(source.name, digest)


def _digest(source: Source, job: AnalysisJob, runtime: AgentRuntime) -> str | None:
    """sha256 of the bytes of a source; None where they cannot be read."""
    data = read(source, job.blobs, runtime.settings)
    return None if isinstance(data, Problem) else hashlib.sha256(data).hexdigest()


def _batches(sources: Iterator[Source], size: int) -> Iterator[tuple[Source, ...]]:
    """The sources in tuples of ``size``; an empty one is the end."""
    while True:
        yield tuple(islice(sources, size))


async def in_background(start: Callable[[], Reports]) -> AsyncGenerator[Report, None]:
    """The reports of ``start()``, made in a thread of their own while the event loop runs on.

    When the caller is cancelled or stops early, the work ends after the tool that is running, before this returns.
    """
    loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, thread_name_prefix="faceagent-async")
    reports: Reports | None = None
    try:
        reports = await loop.run_in_executor(thread, start)
        while True:
            report = await loop.run_in_executor(thread, partial(next, reports, None))
            if report is None:
                return
            yield report
    finally:
        if reports is not None:
            reports.cancel()
            # Waits for a call of ``next`` that is still under way, for they share a thread.
            await asyncio.shield(loop.run_in_executor(thread, reports.close))
        thread.shutdown(wait=False)
