"""The way in for programs: ``analyze`` for one picture, ``analyze_many`` for any number, ``Analyst`` to keep warm."""

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, takewhile
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langchain_core.runnables import RunnableConfig

from faceagent import policy, report
from faceagent.agent.chat import Conversation
from faceagent.agent.explainer import build_explainer, chosen_explainer
from faceagent.agent.graph import build_graph
from faceagent.agent.runtime import AgentRuntime
from faceagent.agent.state import RunContext
from faceagent.errors import InputError
from faceagent.intake import Input, MemoryBlobs, Skipped, check, expand, name_apart, pixels_of
from faceagent.settings import Explain, Settings, load
from faceagent.storage.keys import REFERENCES, item_of
from faceagent.storage.record import Record
from faceagent.tools.base import Tool
from faceagent.types import SUBJECT, FrozenModel, Picture, PolicyDecision, Report, Request, Source


@dataclass(frozen=True)
class _Job:
    """One call of ``analyze_many``, everything decided and nothing read. ``total`` is None where it is not known."""

    request: Request
    decisions: tuple[PolicyDecision, ...]
    sources: Iterator[Source]
    references: tuple[Source, ...]
    total: int | None
    blobs: MemoryBlobs
    explain: Explain
    out: Path | None


class Reports(Iterator[Report]):
    """Reports in the order of their pictures, made as they are asked for.

    ``total`` is how many there will be, or None while the pictures come from an iterator. ``skipped`` are the files of
    folders that are no pictures: their names, and what their bytes look like. ``close`` ends early and writes the
    index of what was written so far.
    """

    def __init__(
        self, reports: Generator[Report, None, None], total: int | None, skipped: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._reports, self.total, self.skipped = reports, total, skipped

    def __next__(self) -> Report:
        return next(self._reports)

    def close(self) -> None:
        """End now; what was written stays, and its index is completed."""
        self._reports.close()


class Analyst(AbstractContextManager["Analyst"]):
    """Analyses pictures and keeps models warm between calls. Safe to share between threads."""

    def __init__(self, settings: Settings | None = None, tools: Mapping[str, Tool] | None = None) -> None:
        """``tools`` replaces the registered tools, by name in the order in which they are to be listed."""
        self.runtime = AgentRuntime.start(settings or load(), tools)
        self._graph = build_graph()

    @property
    def settings(self) -> Settings:
        """The settings that this analyst was made with."""
        return self.runtime.settings

    def analyze(self, picture: Input, **options: Any) -> Report:
        """The report on one picture; takes the same options as ``analyze_many``.

        Raises InputError, besides what ``analyze_many`` raises, when ``picture`` stands for several (a folder, a glob)
        or for none.
        """
        reports = self.analyze_many([picture], **options)
        if not reports.total:
            raise InputError(
                f"There is no picture in {picture!r}.", remedy="Name a picture, or a folder with pictures."
            )
        if reports.total > 1:
            raise InputError(f"{picture!r} stands for several pictures.", remedy="Use analyze_many.")
        return next(reports)

    def analyze_many(
        self,
        pictures: Iterable[Input],
        *,
        questions: Sequence[str] = (),
        references: Iterable[Input] = (),
        purpose: str | None = None,
        jurisdiction: str | None = None,
        explain: str | None = None,
        out: Path | str | None = None,
    ) -> Reports:
        """Reports in the order of the pictures, a batch at a time, so that memory stays flat.

        Args:
            pictures: paths, globs, folders, URLs, bytes, PIL pictures or arrays, see ``intake.expand``.
            questions: what to answer; empty means everything that policy allows without being asked.
            references: pictures of the person for the question "identity"; shared by all pictures.
            purpose: why this is asked, see ``policy.PURPOSES``; default is the setting.
            jurisdiction: whose rules apply, see ``policy.JURISDICTIONS``; default is the setting.
            explain: who explains, "auto", "vlm" or "ledger", see ``Settings.explain``; default is the setting.
            out: folder for ``report.json`` and ``report.html`` of every picture.

        Raises:
            InputError: for a question, purpose, jurisdiction or explainer that does not exist.
            PolicyRefusal: when every question that was asked by name is refused.
        """
        request = Request(
            questions=policy.expand(questions),
            purpose=purpose or self.settings.purpose,
            jurisdiction=jurisdiction or self.settings.jurisdiction,
        )
        blobs = MemoryBlobs(restore=partial(pixels_of, settings=self.settings))
        limit = self.settings.max_bytes
        shared = tuple(name_apart(list(expand(references, blobs, limit=limit))))
        decisions = policy.review(request, has_reference=bool(shared))
        wanted = chosen_explainer(self.settings, explain)
        skipped: list[tuple[str, str]] = []
        sources, total = _counted(pictures, blobs, limit, lambda *file: skipped.append(file))
        job = _Job(request, decisions, sources, shared, total, blobs, wanted, out=None if out is None else Path(out))
        return Reports(self._run(job), total, skipped)

    def chat(
        self,
        session: str | None = None,
        *,
        purpose: str | None = None,
        jurisdiction: str | None = None,
        sign_off: bool = False,
    ) -> Conversation:
        """A conversation about pictures, a new one or the one called ``session``; a context manager.

        Args:
            session: a name of up to 64 letters, digits, hyphens and underscores; default: a new name.
            purpose: why pictures are asked about, see ``policy.PURPOSES``; default is what it was, or the setting.
            jurisdiction: whose rules apply; likewise.
            sign_off: ask a person to release the verdicts of every turn before they are given out.

        Raises:
            InputError: for a name, purpose or jurisdiction that cannot be.
            ConversationBusy: when another process has that conversation open.
        """
        return Conversation(self.runtime, session, purpose=purpose, jurisdiction=jurisdiction, sign_off=sign_off)

    def _run(self, job: _Job) -> Generator[Report, None, None]:
        size = self.settings.batch
        first = tuple(islice(job.sources, size))
        alone = job.total == 1 if job.total is not None else len(first) == 1
        explainer = build_explainer(self.settings, job.explain, alone=alone)
        rows: list[report.IndexEntry] = []
        folders: set[str] = set()
        shared: dict[str, FrozenModel] = {}
        try:
            for batch in takewhile(bool, chain([first], _batches(job.sources, size))):
                context = RunContext(
                    request=job.request,
                    decisions=job.decisions,
                    sources=batch,
                    references=job.references,
                    settings=self.settings,
                    blobs=job.blobs,
                    tools=self.runtime.tools,
                    pool=self.runtime.pool,
                    record=Record(shared),
                    explainer=explainer,
                )
                config = RunnableConfig(max_concurrency=self.settings.workers, recursion_limit=25)
                state = self._graph.invoke({}, context=context, config=config)
                for key in state["reports"]:
                    finished = context.record.get(key, Report)
                    if job.out is not None:
                        folder = job.out if alone else job.out / report.folder_name(finished, folders)
                        rows.append(
                            report.index_entry(finished, report.write(finished, folder, job.blobs), job.out, job.blobs)
                        )
                    yield finished
                shared = {key: one for key, one in context.record.values().items() if item_of(key) == REFERENCES}
                # A picture may be a reference as well: later batches still compare with it.
                kept = {one.sha256 for one in shared.values() if isinstance(one, Picture)}
                read = {one.sha256 for one in context.record.all(Picture) if one.id == SUBJECT}
                job.blobs.forget(read - kept)
        finally:
            # Also when the caller stops early or is interrupted: what was written must be found.
            if job.out is not None and not alone and rows:
                report.index(rows, job.out)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.runtime.close()

    def __enter__(self) -> Self:
        return self


def _batches(sources: Iterator[Source], size: int) -> Iterator[tuple[Source, ...]]:
    """The sources in tuples of ``size``; an empty one is the end."""
    while True:
        yield tuple(islice(sources, size))


def _counted(
    pictures: Iterable[Input], blobs: MemoryBlobs, limit: int, skipped: Skipped
) -> tuple[Iterator[Source], int | None]:
    """The sources, each expanded once, and how many there are where that is known without reading any picture.

    Of a list, names are expanded at once, and told apart; pictures in memory are put into ``blobs`` only when their
    turn comes. What can never be a picture is refused before any is read.
    """
    if not isinstance(pictures, list | tuple):
        return expand(pictures, blobs, limit=limit, skipped=skipped), None
    for one in pictures:
        check(one)
    found = {
        place: list(expand([one], blobs, limit=limit, skipped=skipped))
        for place, one in enumerate(pictures)
        if isinstance(one, str | PathLike)
    }
    named = iter(name_apart([source for sources in found.values() for source in sources]))
    parts: list[Iterable[Source]] = [
        tuple(islice(named, len(found[place]))) if place in found else expand([one], blobs, limit=limit)
        for place, one in enumerate(pictures)
    ]
    return chain.from_iterable(parts), sum(map(len, found.values())) + len(pictures) - len(found)


_default: Analyst | None = None
_lock = threading.Lock()


def _shared() -> Analyst:
    global _default
    with _lock:
        if _default is None:
            _default = Analyst()
        return _default


def analyze(picture: Input, **options: Any) -> Report:
    """The report on one picture: ``analyze("photo.jpg").verdicts``. Options as in ``Analyst.analyze_many``."""
    return _shared().analyze(picture, **options)


def analyze_many(pictures: Iterable[Input], **options: Any) -> Reports:
    """Reports on any number of pictures, in order. Options as in ``Analyst.analyze_many``."""
    return _shared().analyze_many(pictures, **options)
