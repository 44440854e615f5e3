"""Where one conversation is kept: its checkpoints, its record and its line in the list of conversations.

Where the storage fails, everything goes on in memory; the conversation reports it. This module runs no turn.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot

from faceagent.errors import ConversationBusy, StorageError
from faceagent.settings import Settings
from faceagent.storage.conversation_store import ConversationStore, Exchange
from faceagent.storage.in_memory import InMemory
from faceagent.storage.keys import PENDING, exchange_key
from faceagent.storage.protocol import Storage, translate_error
from faceagent.storage.sessions import SessionInfo, list_sessions, open_storage, save_session_info

TITLE = 60
"""Characters of the first question that name a conversation in a list."""
EXCHANGES = 50
"""Turns whose words are kept; older ones give way, the evidence stays."""
LONGEST = 4_000
"""Characters kept of the words of a turn, on each side."""


WAITING = 2
"""Threads of the graph that run no node: one waits for events, one writes checkpoints. LangGraph takes them from the
same pool as the nodes; with too few of them no node would ever run."""

CompileGraph = Callable[[BaseCheckpointSaver[Any]], CompiledStateGraph[Any, Any, Any, Any]]


class Session:
    """One conversation in the storage that the settings name, locked for this process until it is closed.

    ``values`` are the graph's state after the last turn. ``error`` is why the storage could not be used, until the
    user was told.
    """

    def __init__(self, name: str, settings: Settings, compile_graph: CompileGraph, *, steps: int) -> None:
        """Open or begin it. Raises ConversationBusy when another process holds it.

        Args:
            name: the conversation's name, a valid one.
            settings: name the storage.
            compile_graph: compiles the conversation's graph with a checkpointer.
            steps: how many steps of the graph one turn may take.
        """
        self.name, self._settings, self._compile, self._steps = name, settings, compile_graph, steps
        self.error: StorageError | None = None
        with ExitStack() as stack:
            self.storage = self._opened(stack)
            self._open = stack.pop_all()

    def _opened(self, stack: ExitStack) -> Storage:
        try:
            storage = stack.enter_context(open_storage(self._settings))
            stack.enter_context(storage.lock(self.name))
            self._load(storage)
            return storage
        except ConversationBusy:
            raise
        except StorageError as error:
            self.error = error
        in_memory = InMemory()
        self._load(in_memory)
        return in_memory

    def _load(self, storage: Storage) -> None:
        """What is recorded so far. Raises StorageError."""
        try:
            self.graph = self._compile(storage.saver)
            self.store = ConversationStore(storage.store, self.name)
            self._snapshot: StateSnapshot | None = self.graph.get_state(self.config)
            self.values: dict[str, Any] = dict(self._snapshot.values)
            self._info = next((one for one in list_sessions(storage) if one.id == self.name), None)
        except (ValueError, KeyError) as error:
            # Rows that are not what was written here: treated as what they are, damage.
            raise StorageError(
                f"{storage.location} holds something else under {self.name!r}.", remedy="Choose another name."
            ) from error
        except storage.errors as error:
            raise translate_error(error, storage.location) from error

    @property
    def config(self) -> Any:
        """How LangGraph finds this conversation, and how far a turn may go."""
        return {
            "configurable": {"thread_id": self.name},
            "recursion_limit": self._steps,
            "max_concurrency": self._settings.workers + WAITING,
        }

    @property
    def new(self) -> bool:
        """Whether nothing has been asked yet."""
        return self._info is None

    def state(self) -> StateSnapshot:
        """The newest checkpoint."""
        if self._snapshot is None:
            self._snapshot = self.graph.get_state(self.config)
        return self._snapshot

    def begin_turn(self) -> None:
        """A turn begins: the checkpoint that is known grows old."""
        self._snapshot = None

    def move_to_memory(self) -> None:
        """Go on in this process; everything recorded comes along."""
        self.storage, self._snapshot = InMemory(), None
        self.graph = self._compile(self.storage.saver)
        self.store.move_to(self.storage.store)
        self.store.flush()

    def finish(self, turn: int, pictures: int) -> None:
        """Keep the words of a turn, drop the checkpoints that it left behind."""
        text, reply = str(self.values["text"]), str(self.values["reply"])
        self.store.put(exchange_key(turn % EXCHANGES), Exchange(turn=turn, text=text[:LONGEST], reply=reply[:LONGEST]))
        self.store.drop(PENDING)
        self.store.flush()
        self.update_info(text, turn, pictures)
        self.storage.prune(self.name)

    def update_info(self, text: str, turns: int, pictures: int) -> None:
        """Bring the line in the list of conversations up to date."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        title = " ".join(text.split())[:TITLE] or "(a picture)"
        begun = self._info or SessionInfo(id=self.name, title=title, turns=0, pictures=0, started=now, used=now)
        self._info = begun.model_copy(update={"turns": turns, "pictures": pictures, "used": now})
        save_session_info(self.storage, self._info)

    def close(self) -> None:
        """Let go of the conversation; it stays where it is kept."""
        self._open.close()
