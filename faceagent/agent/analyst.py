"""The way in for programs: ``analyze`` for one picture, ``analyze_many`` for any number, ``Analyst`` to keep warm."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache, partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from faceagent import policy, report
from faceagent.agent.chat import Conversation
from faceagent.agent.explainer import narrator
from faceagent.agent.graph import build_graph
from faceagent.agent.state import RunContext
from faceagent.errors import InputError
from faceagent.explain import Narrator
from faceagent.intake import Input, MemoryBlobs, expand, pixels_of
from faceagent.settings import Settings, load
from faceagent.tools import TOOLS
from faceagent.tools.base import Tool
from faceagent.types import SUBJECT, Picture, Report, Request, Source


@cache
def build_tools(settings: Settings) -> dict[str, Tool]:
    """Every registered tool, built once per settings; none loads its weights before it is first used."""
    TOOLS.freeze()
    return {name: TOOLS.get(name)(settings) for name in TOOLS}


class Analyst(AbstractContextManager["Analyst"]):
    """Analyses pictures and keeps models warm between calls. Safe to share between threads."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load()
        self._graph = build_graph()
        self._tools = build_tools(self.settings)
        self._pool = ThreadPoolExecutor(self.settings.workers, thread_name_prefix="faceagent")

    def analyze(self, picture: Input, **options: Any) -> Report:
        """The report on one picture; takes the same options as ``analyze_many``.

        Raises InputError, besides what ``analyze_many`` raises, when ``picture`` stands for several (a folder, a glob).
        """
        # Standard input can be read only once, and is one picture.
        if isinstance(picture, str | Path) and picture != "-":
            found = list(islice(expand([picture], MemoryBlobs()), 2))
            if len(found) > 1:
                raise InputError(f"{picture} stands for several pictures.", remedy="Use analyze_many.")
        return next(iter(self.analyze_many([picture], **options)))

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
    ) -> Generator[Report, None, None]:
        """Reports in the order of the pictures, a batch at a time, so that memory stays flat.

        Args:
            pictures: paths, globs, folders, URLs, bytes, PIL pictures or H×W×3 uint8 RGB arrays.
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
        shared = tuple(expand(references, blobs, limit=self.settings.max_bytes))
        policy.review(request, has_reference=bool(shared))
        sources = expand(pictures, blobs, limit=self.settings.max_bytes)
        voice = partial(narrator, self.settings, explain)
        voice(alone=False)
        return self._run(request, sources, shared, blobs, voice, None if out is None else Path(out))

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
        return Conversation(self, session, purpose=purpose, jurisdiction=jurisdiction, sign_off=sign_off)

    def _run(
        self,
        request: Request,
        sources: Iterator[Source],
        references: tuple[Source, ...],
        blobs: MemoryBlobs,
        voice: Callable[..., Narrator | None],
        out: Path | None,
    ) -> Generator[Report, None, None]:
        alone: bool | None = None
        speaker: Narrator | None = None
        rows: list[report.Row] = []
        try:
            while batch := tuple(islice(sources, self.settings.batch)):
                if alone is None:
                    alone = len(batch) == 1
                    speaker = voice(alone=alone)
                context = RunContext(
                    request, batch, references, self.settings, blobs, self._tools, self._pool, narrator=speaker
                )
                state = self._graph.invoke(
                    {}, context=context, config={"max_concurrency": self.settings.workers, "recursion_limit": 25}
                )
                for key in state["reports"]:
                    finished = context.record.get(key, Report)
                    if out is not None:
                        where = report.write(finished, out if alone else out / report.folder_name(finished), blobs)
                        rows.append(report.row(finished, where, out, blobs))
                    yield finished
                blobs.forget(picture.sha256 for picture in context.record.all(Picture) if picture.id == SUBJECT)
        finally:
            # Also when the caller stops early or is interrupted: what is there shall be found.
            if out is not None and not alone and rows:
                report.index(rows, out)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self


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


def analyze_many(pictures: Iterable[Input], **options: Any) -> Generator[Report, None, None]:
    """Reports on any number of pictures, in order. Options as in ``Analyst.analyze_many``."""
    return _shared().analyze_many(pictures, **options)
