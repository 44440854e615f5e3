"""What the MCP server works with for as long as it lives: analysts, allowed folders, recent reports, conversations."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio

from faceagent.agent.analyst import Analyst
from faceagent.agent.chat import Conversation
from faceagent.serve.mcp.recent import RecentReports
from faceagent.types import Style, SummaryLanguage

MOST_CONVERSATIONS = 8
"""Conversations held open: their pictures are in memory, and no other process can open them."""


class McpService:
    """State behind the tools. Safe to share between threads."""

    def __init__(self, analyst: Analyst, folders: Sequence[Path] = ()) -> None:
        """``folders``: below these a client may name files; none: it may name none."""
        self.analyst = analyst
        self.folders = tuple(folders)
        self.recent = RecentReports(analyst.settings)
        self.limit = anyio.Semaphore(max(1, analyst.settings.workers))
        self._analysts: dict[tuple[str, ...], Analyst] = {}
        self._conversations: OrderedDict[str, Conversation] = OrderedDict()
        self._busy: dict[str, int] = {}
        self._lock = threading.Lock()

    def analyst_for(self, language: SummaryLanguage | None, style: Style | None) -> Analyst:
        """The analyst whose summaries are in that language and style; default: those of the settings."""
        settings = self.analyst.settings
        key = (language or settings.language, style or settings.style)
        if key == (settings.language, settings.style):
            return self.analyst
        with self._lock:
            if key not in self._analysts:
                other = settings.model_copy(update={"language": key[0], "style": key[1]})
                self._analysts[key] = Analyst(other, self.analyst.runtime.tools)
            return self._analysts[key]

    def analyst_with(self, tool: str) -> Analyst:
        """The analyst that measures with this tool alone."""
        with self._lock:
            if (tool,) not in self._analysts:
                self._analysts[(tool,)] = self.analyst.with_tool(tool)
            return self._analysts[(tool,)]

    @contextmanager
    def conversation(self, session: str, owner: str) -> Iterator[Conversation]:
        """The conversation of that name, begun where there is none; it stays open, so that its pictures are at hand.

        Conversations of different owners are different ones, whatever they are called. Raises what ``Analyst.chat``
        raises.
        """
        name = hashlib.sha256(f"{owner}/{session}".encode()).hexdigest()[:32] if owner else session
        with self._lock:
            found = self._conversations.pop(name, None) or self.analyst.chat(name)
            self._conversations[name] = found
            self._busy[name] = self._busy.get(name, 0) + 1
            self._close_oldest()
        try:
            yield found
        finally:
            with self._lock:
                self._busy[name] -= 1

    def _close_oldest(self) -> None:
        idle = [name for name in self._conversations if not self._busy.get(name)]
        for name in idle[: max(0, len(self._conversations) - MOST_CONVERSATIONS)]:
            self._busy.pop(name, None)
            self._conversations.pop(name).close()

    def close(self) -> None:
        """Release all conversations and let the threads of the analysts made here go."""
        with self._lock:
            while self._conversations:
                self._conversations.popitem()[1].close()
            while self._analysts:
                self._analysts.popitem()[1].runtime.close()
