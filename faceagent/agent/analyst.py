"""The way in for programs: ``analyze`` for one picture, ``analyze_many`` for any number, ``Analyst`` to keep warm."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, closing
from functools import cached_property, partial
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from faceagent import policy
from faceagent.agent.analysis import AnalysisJob, Reports, in_background, run
from faceagent.agent.explainer import chosen_explainer
from faceagent.agent.runtime import AgentRuntime
from faceagent.agent.state import Watch
from faceagent.errors import InputError, OutputError
from faceagent.intake import Input, MemoryBlobs, Skipped, check, expand, name_apart, pixels_of
from faceagent.per_process import ProcessLock
from faceagent.report import PdfMaker, pdf_maker
from faceagent.settings import Settings, load
from faceagent.tools.base import Tool
from faceagent.types import Report, Request, Source

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from faceagent.agent.chat import Conversation


class Analyst(AbstractContextManager["Analyst"]):
    """Analyses pictures and keeps models warm between calls. Safe to share between threads."""

    def __init__(self, settings: Settings | None = None, tools: Mapping[str, Tool] | None = None) -> None:
        """``tools`` replaces the registered tools, by name in the order in which they are to be listed."""
        self.runtime = AgentRuntime.start(settings or load(), tools)

    @cached_property
    def graph(self) -> "CompiledStateGraph[Any, Any, Any, Any]":
        """The compiled pipeline. Made with the first picture: LangGraph takes more than a second to import."""
        from faceagent.agent.graph import build_graph

        return build_graph()

    @property
    def settings(self) -> Settings:
        """The settings that this analyst was made with."""
        return self.runtime.settings

    def with_tool(self, name: str) -> "Analyst":
        """An analyst that measures with this tool alone; its weights are loaded once for both.

        Raises InputError where there is no tool of that name.
        """
        tool = self.runtime.tools.get(name)
        if tool is None:
            there = ", ".join(self.runtime.tools)
            raise InputError(f"There is no tool called {name!r}.", remedy=f"There are: {there}.")
        return Analyst(self.settings, {name: tool})

    def analyze(self, picture: Input, **options: Any) -> Report:
        """The report on one picture; takes the same options as ``analyze_many``.

        Raises, besides what ``analyze_many`` raises, InputError when ``picture`` stands for several (a folder, a glob)
        or for none, and OutputError, whose ``result`` is the report, when it cannot be written to ``out``.
        """
        reports = self._one(picture, options)
        with closing(reports):
            report = next(reports)
        _check_written(report, reports)
        return report

    async def aanalyze(self, picture: Input, **options: Any) -> Report:
        """``analyze`` for asyncio: other tasks run meanwhile, and cancelling the task ends the work."""
        started: list[Reports] = []

        def start() -> Reports:
            started.append(self._one(picture, options))
            return started[0]

        async with aclosing(in_background(start)) as found:
            report = await anext(found)
        _check_written(report, started[0])
        return report

    def aanalyze_many(self, pictures: Iterable[Input], **options: Any) -> AsyncGenerator[Report, None]:
        """``analyze_many`` for asyncio: ``async for report in analyst.aanalyze_many(...)``.

        Other tasks run meanwhile; leaving the loop or cancelling the task ends the work. ``pictures`` is gone through
        in another thread. Raises what ``analyze_many`` raises with the first report.
        """
        return in_background(lambda: self.analyze_many(pictures, **options))

    def _one(self, picture: Input, options: Mapping[str, Any]) -> Reports:
        """``analyze_many`` of what stands for one picture. Raises InputError for anything else."""
        reports = self.analyze_many([picture], **options)
        if not reports.total:
            raise InputError(
                f"There is no picture in {picture!r}.", remedy="Name a picture, or a folder with pictures."
            )
        if reports.total > 1:
            raise InputError(f"{picture!r} stands for several pictures.", remedy="Use analyze_many.")
        return reports

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
        fresh: bool = False,
        pdf: bool = False,
        case: str | None = None,
        examiner: str | None = None,
        progress: bool = False,
        watch: Watch | None = None,
    ) -> Reports:
        """Reports in the order of the pictures, a batch at a time, so that memory stays flat.

        With ``out`` every report is written before it is given out. One that cannot be written (a full disk) is given
        out all the same, and named in ``unwritten`` of what is returned.

        Args:
            pictures: paths, globs, folders, URLs, bytes, PIL pictures or arrays, see ``intake.expand``.
            questions: what to answer; empty means everything that policy allows without being asked.
            references: pictures of the person for the question "identity"; shared by all pictures.
            purpose: why this is asked, see ``policy.PURPOSES``; default is the setting.
            jurisdiction: whose rules apply, see ``policy.JURISDICTIONS``; default is the setting.
            explain: who explains, "auto", "vlm" or "ledger", see ``Settings.explain``; default is the setting.
            out: folder for ``report.json`` and ``report.html`` of every picture. Pictures that an earlier run with the
                same request has reported on there are not analysed again, as long as their bytes are the same.
            fresh: analyse every picture, whatever is in ``out``.
            pdf: write also a PDF of every report, with its signature; needs ``out`` and the extra ``pdf``.
            case: number of the case on the PDF; default: one made of the report's digest.
            examiner: who is named on the PDF as its examiner.
            progress: draw a progress bar, in a terminal on standard error or in a notebook.
            watch: called when a step of the run begins and when it has ended, from the threads of the run.

        Raises:
            InputError: for a question, purpose, jurisdiction or explainer that does not exist, or a PDF without
                a folder.
            SettingsError: for a signing key that cannot be used.
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
        job = AnalysisJob(
            request,
            decisions,
            sources,
            shared,
            total,
            blobs,
            wanted,
            out=None if out is None else Path(out).absolute(),
            fresh=fresh,
            pdf=_pdf_maker(self.settings, out, case, examiner) if pdf else None,
            progress=progress,
            watch=watch,
        )
        return Reports(run(job, self.runtime, self.graph), job, skipped)

    def chat(
        self,
        session: str | None = None,
        *,
        purpose: str | None = None,
        jurisdiction: str | None = None,
        sign_off: bool = False,
    ) -> "Conversation":
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
        from faceagent.agent.chat import Conversation

        return Conversation(self.runtime, session, purpose=purpose, jurisdiction=jurisdiction, sign_off=sign_off)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.runtime.close()

    def __enter__(self) -> Self:
        return self


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


def _pdf_maker(settings: Settings, out: Path | str | None, case: str | None, examiner: str | None) -> PdfMaker:
    if out is None:
        raise InputError("A PDF needs a folder to be written to.", remedy="Name one with out, or --out.")
    return pdf_maker(settings, case, examiner)


def _check_written(report: Report, reports: Reports) -> None:
    if reports.unwritten:
        raise OutputError(reports.unwritten[0][1], remedy="Free some space, or choose another folder.", result=report)


_default: Analyst | None = None
_lock = ProcessLock()


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


async def aanalyze(picture: Input, **options: Any) -> Report:
    """``analyze`` for asyncio, see ``Analyst.aanalyze``."""
    return await _shared().aanalyze(picture, **options)


def aanalyze_many(pictures: Iterable[Input], **options: Any) -> AsyncGenerator[Report, None]:
    """``analyze_many`` for asyncio, see ``Analyst.aanalyze_many``."""
    return _shared().aanalyze_many(pictures, **options)
