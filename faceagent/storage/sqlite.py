"""Conversations in one SQLite file of the user's; the default.

Deleted means deleted: SQLite overwrites the rows (secure_delete) and gives the space back.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.base import BaseStore
from langgraph.store.sqlite import SqliteStore

from faceagent.storage.protocol import busy_error, strict_serializer, translate_error

PRIVATE = 0o600
"""Mode of every file: what is said about people in pictures is for the user alone, wherever the folder is."""
BUSY_SECONDS = 2.0
"""How long a write waits for another process to finish its own."""


class Sqlite(AbstractContextManager["Sqlite"]):
    """One SQLite file in a folder, and a lock file for every conversation that is open."""

    persistent = True
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "conversations.sqlite"
        self.location = str(self._file)
        with _translating(self._file):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make_private(self._file)
            # Each library counts on transactions being begun in its own way.
            self._connections = [_connect(self._file), _connect(self._file, autocommit=True)]
            self._saver, store = (
                SqliteSaver(self._connections[0], serde=strict_serializer()),
                SqliteStore(self._connections[1]),
            )
            self._saver.setup()
            store.setup()
        self.saver: BaseCheckpointSaver[Any] = self._saver
        self.store: BaseStore = store

    @contextmanager
    def lock(self, conversation: str) -> Iterator[None]:
        """Hold a conversation by a lock file, which the system releases even when the process is killed."""
        lock = FileLock(self._lock_file(conversation), timeout=0, mode=PRIVATE)
        try:
            lock.acquire()
        except Timeout:
            raise busy_error(conversation) from None
        except OSError as error:
            raise translate_error(error, self.location) from error
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

    def purge(self, conversations: Sequence[str]) -> None:
        """Rewrite the file without what was deleted, and empty the log that still holds it; leases are held."""
        with _translating(self._file), closing(_connect(self._file)) as connection:
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


def _make_private(file: Path) -> None:
    """Make the database when there is none, and let nobody else read it; SQLite gives its log the same mode."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))
    for name in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        # A file of another user keeps its mode.
        with suppress(OSError):
            if name.stat().st_mode & 0o077:
                name.chmod(PRIVATE)


def _connect(file: Path, *, autocommit: bool = False) -> sqlite3.Connection:
    level: Any = None if autocommit else ""
    connection = sqlite3.connect(file, check_same_thread=False, timeout=BUSY_SECONDS, isolation_level=level)
    # The process may be killed at any moment, and nothing is lost by it; a power cut may cost the last turn.
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;")
    return connection


@contextmanager
def _translating(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise translate_error(error, str(file)) from error
