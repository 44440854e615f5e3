"""Where conversations are kept: LangGraph's checkpoints and the nouns they point at, in SQLite or PostgreSQL.

By default a folder of the user's with one SQLite file in it; a ``postgresql://`` URL for several machines. Deleted
means deleted: SQLite overwrites the rows (secure_delete) and gives the space back. One process at a time may be in a
conversation. This module knows no picture and no question; it stores what it is handed.
"""

import re
import sqlite3
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

from filelock import FileLock, Timeout
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.base import BaseStore, PutOp
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

from faceagent.agent.notebook import MOST, space
from faceagent.errors import ConversationBusy, InputError, MemoryTrouble
from faceagent.settings import Settings
from faceagent.types import Noun

TITLES = ("conversations",)
"""The namespace of what is known about each conversation."""
BUSY_SECONDS = 2.0
"""How long a write waits for another process to finish its own."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What a conversation may be called: its name becomes part of a file's."""


class Session(Noun):
    """What a list of conversations shows of one."""

    id: str
    title: str
    turns: int
    pictures: int
    started: str
    used: str


class Memory(Protocol):
    """Checkpoints and nouns of all conversations."""

    saver: BaseCheckpointSaver[Any]
    store: BaseStore
    lasting: bool
    where: str
    """What to call the place in a message."""
    errors: tuple[type[Exception], ...]
    """What the store itself raises when it fails."""

    @abstractmethod
    def lease(self, conversation: str) -> AbstractContextManager[None]:
        """Hold a conversation alone. Raises ConversationBusy at once when another process holds it."""

    @abstractmethod
    def prune(self, conversation: str) -> None:
        """Drop all checkpoints but the newest."""

    @abstractmethod
    def shred(self, conversations: Sequence[str]) -> None:
        """Leave nothing of conversations whose rows were deleted, and give back their space."""


class Fleeting:
    """Everything in this process; gone with it. What conversations fall back to when the store fails."""

    lasting = False
    where = "this process"
    errors: tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self.saver: BaseCheckpointSaver[Any] = InMemorySaver(serde=strict())
        self.store: BaseStore = InMemoryStore()

    @contextmanager
    def lease(self, conversation: str) -> Iterator[None]:
        """Nobody else can be here."""
        del conversation
        yield

    def prune(self, conversation: str) -> None:
        """Drop all checkpoints but the newest."""
        config: Any = {"configurable": {"thread_id": conversation, "checkpoint_ns": ""}}
        newest = self.saver.get_tuple(config)
        if newest is not None and isinstance(self.saver, InMemorySaver):
            for name in list(self.saver.storage[conversation][""]):
                if name != newest.checkpoint["id"]:
                    del self.saver.storage[conversation][""][name]
                    self.saver.writes.pop((conversation, "", name), None)
            used = newest.checkpoint["channel_versions"]
            for blob in [key for key in self.saver.blobs if key[0] == conversation and used.get(key[2]) != key[3]]:
                del self.saver.blobs[blob]

    def shred(self, conversations: Sequence[str]) -> None:
        """Nothing to do."""


class Local(AbstractContextManager["Local"]):
    """One SQLite file in a folder, and a lock file for every conversation that is open."""

    lasting = True
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "conversations.sqlite"
        self.where = str(self._file)
        with _translated(self._file):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Each library counts on transactions being begun in its own way.
            self._connections = [_connect(self._file), _connect(self._file, autocommit=True)]
            self._saver, store = SqliteSaver(self._connections[0], serde=strict()), SqliteStore(self._connections[1])
            self._saver.setup()
            store.setup()
        self.saver: BaseCheckpointSaver[Any] = self._saver
        self.store: BaseStore = store

    @contextmanager
    def lease(self, conversation: str) -> Iterator[None]:
        """Hold a conversation by a lock file, which the system lets go of even when the process is killed."""
        lock = FileLock(self._lock_file(conversation), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise busy(conversation) from None
        except OSError as error:
            raise trouble(error, self.where) from error
        try:
            yield
        finally:
            lock.release()

    def prune(self, conversation: str) -> None:
        """Drop all checkpoints but the newest."""
        newest = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '')"
        with self._saver.cursor() as cursor:
            for table in ("writes", "checkpoints"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id <> {newest}",  # noqa: S608  (constants)
                    (conversation, conversation),
                )

    def shred(self, conversations: Sequence[str]) -> None:
        """Rewrite the file without what was deleted, and empty the log that still holds it; leases are held."""
        with _translated(self._file), closing(_connect(self._file)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            for name in conversations:
                self._lock_file(name).unlink(missing_ok=True)

    def _lock_file(self, conversation: str) -> Path:
        return self._folder / f"{conversation}.lock"

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def __enter__(self) -> Self:
        return self


@contextmanager
def opened(settings: Settings) -> Iterator[Memory]:
    """The memory that the settings name. Raises MemoryTrouble when it cannot be used."""
    with ExitStack() as stack:
        if settings.memory.startswith(("postgresql://", "postgres://")):
            from faceagent.agent.postgres import Remote

            yield stack.enter_context(Remote(settings.memory))
        else:
            yield stack.enter_context(Local(Path(settings.memory)))


def sessions(memory: Memory) -> tuple[Session, ...]:
    """All conversations, the one used last first."""
    found = [Session.model_validate(entry.value) for entry in memory.store.search(TITLES, limit=MOST)]
    return tuple(sorted(found, key=lambda one: one.used, reverse=True))


def note(memory: Memory, session: Session) -> None:
    """Keep what the list shows of a conversation."""
    memory.store.put(TITLES, session.id, session.model_dump(), index=False)


def delete(memory: Memory, conversations: Sequence[str]) -> None:
    """Delete conversations with everything recorded in them. Raises InputError, or ConversationBusy if one is open."""
    known = {session.id for session in sessions(memory)}
    for name in conversations:
        if name not in known:
            raise InputError(f"There is no conversation {name!r}.", remedy="See `faceagent sessions list`.")
    with ExitStack() as held:
        for name in conversations:
            held.enter_context(memory.lease(name))
        for name in conversations:
            memory.saver.delete_thread(name)
            entries = memory.store.search(space(name), limit=MOST)
            memory.store.batch([PutOp(space(name), entry.key, None) for entry in entries])
            memory.store.delete(TITLES, name)
        memory.shred(conversations)


def named(conversation: str) -> str:
    """``conversation`` as it is. Raises InputError for a name that cannot be one."""
    if not NAME.fullmatch(conversation):
        raise InputError(
            f"A conversation cannot be called {conversation[:80]!r}.",
            remedy="Use up to 64 letters, digits, hyphens and underscores.",
        )
    return conversation


def strict() -> JsonPlusSerializer:
    """Plain values only: a checkpoint that holds anything else was not written here and is not loaded."""
    return JsonPlusSerializer(allowed_msgpack_modules=[])


def _connect(file: Path, *, autocommit: bool = False) -> sqlite3.Connection:
    level: Any = None if autocommit else ""
    connection = sqlite3.connect(file, check_same_thread=False, timeout=BUSY_SECONDS, isolation_level=level)
    # The process may be killed at any moment, and nothing is lost by it; a power cut may cost the last turn.
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;")
    return connection


def busy(conversation: str) -> ConversationBusy:
    """What to raise when somebody else holds the conversation."""
    return ConversationBusy(
        f"Another process has the conversation {conversation!r} open.",
        remedy="Close it there, or start a new conversation.",
    )


def trouble(error: Exception, where: str) -> MemoryTrouble:
    """What a store's own exception means, and what can be done."""
    words = " ".join(str(one) for one in (error, error.__context__) if one is not None).lower()
    if "locked" in words or "busy" in words:
        return MemoryTrouble(f"{where} is locked by another program.", remedy="Close that program and try again.")
    if "full" in words or "no space" in words:
        return MemoryTrouble(f"There is no room left for {where}.", remedy="Free some space, or set FACEAGENT_MEMORY.")
    if "malformed" in words or "not a database" in words or "corrupt" in words:
        return MemoryTrouble(f"{where} is damaged.", remedy="Move it away; a new one is made. Or set FACEAGENT_MEMORY.")
    reason = " ".join(str(error).split())[:200]
    return MemoryTrouble(f"{where} cannot be used: {reason}.", remedy="Set FACEAGENT_MEMORY to another place.")


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise trouble(error, str(file)) from error
