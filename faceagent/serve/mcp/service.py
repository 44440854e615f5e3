"""What the MCP server works with for as long as it lives: who analyses, allowed folders, reports, open conversations.

``local`` is for one client on this machine. Behind HTTP, ``http`` puts the service's own queue and cases in its place.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import anyio
from mcp_types import Resource

from faceagent.agent.analyst import Analyst
from faceagent.agent.chat import Conversation
from faceagent.errors import FaceagentError, InputError
from faceagent.intake import NamedBytes
from faceagent.serve.mcp.recent import Content, KeptReport, RecentReports
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec
from faceagent.types import FrozenModel, Question, Report

MOST_CONVERSATIONS = 8
"""Conversations held open on one machine: no other process can open them meanwhile."""


class TooBusy(FaceagentError):
    """No further picture is taken now."""

    code = "too_many_requests"


class Wanted(FrozenModel):
    """What is asked about pictures. With ``tool``, no other tool looks at them."""

    questions: tuple[Question, ...]
    purpose: str
    jurisdiction: str
    explain: str | None = None
    tool: str | None = None


Analyse = Callable[[Wanted, Sequence[NamedBytes], Sequence[NamedBytes]], AsyncGenerator[Report, None]]
"""What is wanted, pictures and references → a report per picture, in order."""


class Reports(Protocol):
    """Where reports are kept for clients to read. Every one belongs to an owner."""

    def add(self, report: Report, pictures: Sequence[NamedBytes], owner: str) -> KeptReport:
        """Keep a report; ``pictures`` are the bytes of its picture and its references."""
        ...

    def resources(self, owner: str) -> list[Resource]:
        """The owner's reports, the latest first."""
        ...

    def read(self, uri: str, owner: str) -> Content:
        """The content of a resource. Raises KeyError where the owner has none of that address."""
        ...


@dataclass(frozen=True)
class McpBackend:
    """What differs between one client on this machine and the clients of a service."""

    settings: Settings
    specs: tuple[ToolSpec, ...]
    analyse: Analyse
    chat: Callable[[str], Conversation]
    reports: Reports
    folders: tuple[Path, ...] = ()
    lasting: bool = True
    """Whether a conversation that was closed can be opened again."""
    most_conversations: int = MOST_CONVERSATIONS


def local(analyst: Analyst, folders: Sequence[Path] = ()) -> "McpService":
    """A service for one client. ``folders``: below these it may name files; none: it may name none."""
    return McpService(
        McpBackend(
            settings=analyst.settings,
            specs=tuple(tool.spec for tool in analyst.runtime.tools.values()),
            analyse=_LocalAnalysis(analyst),
            chat=analyst.chat,
            reports=RecentReports(analyst.settings),
            folders=tuple(folders),
        )
    )


class _LocalAnalysis:
    """Analyses with one analyst, and with one that has a single tool where that is wanted."""

    def __init__(self, analyst: Analyst) -> None:
        self._analyst, self._single = analyst, dict[str, Analyst]()

    def __call__(
        self, wanted: Wanted, pictures: Sequence[NamedBytes], references: Sequence[NamedBytes]
    ) -> AsyncGenerator[Report, None]:
        analyst = self._analyst
        if wanted.tool is not None:
            analyst = self._single.setdefault(wanted.tool, self._analyst.with_tool(wanted.tool))
        return analyst.aanalyze_many(list(pictures), references=references, **wanted.model_dump(exclude={"tool"}))


class McpService:
    """State behind the tools. Safe to share between threads."""

    def __init__(self, backend: McpBackend) -> None:
        self.backend = backend
        self.limit = anyio.Semaphore(max(1, backend.settings.workers))
        self._open: OrderedDict[str, Conversation] = OrderedDict()
        self._busy: dict[str, int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def conversation(self, session: str | None, owner: str) -> Iterator[tuple[str, Conversation]]:
        """The conversation of that name and its name, or a new one; it stays open, so that its pictures are at hand.

        Conversations of different owners are different ones, whatever they are called. Raises what ``Analyst.chat``
        raises, and InputError for one that is no longer open and was not stored.
        """
        name = session or f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(4)}"
        key = hashlib.sha256(f"{owner}/{name}".encode()).hexdigest()[:32] if owner else name
        with self._lock:
            found = self._open.pop(key, None)
            if found is None and session is not None and not self.backend.lasting:
                raise InputError(
                    f"The conversation {session!r} is not open here any more.",
                    remedy="Ask without a session, and give the pictures again.",
                )
            self._open[key] = found = found or self.backend.chat(key)
            self._busy[key] = self._busy.get(key, 0) + 1
            self._close_oldest()
        try:
            yield name, found
        finally:
            with self._lock:
                self._busy[key] -= 1

    def _close_oldest(self) -> None:
        idle = [name for name in self._open if not self._busy.get(name)]
        for name in idle[: max(0, len(self._open) - self.backend.most_conversations)]:
            self._busy.pop(name, None)
            self._open.pop(name).close()

    def close(self) -> None:
        """Release all conversations."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()
