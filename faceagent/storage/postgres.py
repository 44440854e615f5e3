"""Conversations in PostgreSQL, for several machines; needs the extra "postgres".

An advisory lock of the server's stands for an open conversation: it ends with the connection, so a process that was
killed leaves nothing locked. This module stores what it is handed, as ``storage`` does.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.store.base import BaseStore
from langgraph.store.postgres import PostgresStore
from psycopg.rows import DictRow, dict_row

from faceagent.storage.protocol import busy_error, strict_serializer, translate_error

CONNECT_SECONDS = 5
TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "store")


class Postgres(AbstractContextManager["Postgres"]):
    """A database. Three connections: for the checkpoints, for the records, and for the locks."""

    persistent = True
    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str) -> None:
        # Without the password: the name is printed.
        self.location = f"the database at {urlsplit(url).hostname or 'its socket'}"
        with _translating(self.location), ExitStack() as stack:
            connections = [stack.enter_context(_connect(url)) for _ in range(3)]
            saver, store = PostgresSaver(connections[0], serde=strict_serializer()), PostgresStore(connections[1])
            saver.setup()
            store.setup()
            self._saver, self._locks = saver, connections[2]
            self._open = stack.pop_all()
        self.saver: BaseCheckpointSaver[Any] = saver
        self.store: BaseStore = store

    @contextmanager
    def lock(self, conversation: str) -> Iterator[None]:
        """Hold a conversation by an advisory lock of the session."""
        key = int.from_bytes(hashlib.sha256(conversation.encode()).digest()[:8], signed=True)
        with _translating(self.location):
            held = self._locks.execute("SELECT pg_try_advisory_lock(%s) AS held", (key,)).fetchone()
        if not held or not held["held"]:
            raise busy_error(conversation)
        try:
            yield
        finally:
            if not self._locks.closed:
                self._locks.execute("SELECT pg_advisory_unlock(%s)", (key,))

    def prune(self, conversation: str) -> None:
        """Drop all checkpoints but the newest."""
        self._saver.prune([conversation], strategy="keep_latest")

    def purge(self, conversations: Sequence[str]) -> None:
        """Rewrite the tables without the deleted rows. The server's own log and backups are its keeper's to empty."""
        del conversations
        with _translating(self.location):
            for table in TABLES:
                self._locks.execute(f"VACUUM FULL {table}")

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __enter__(self) -> Self:
        return self


def _connect(url: str) -> psycopg.Connection[DictRow]:
    return psycopg.connect(
        url, autocommit=True, prepare_threshold=0, row_factory=dict_row, connect_timeout=CONNECT_SECONDS
    )


@contextmanager
def _translating(location: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise translate_error(error, location) from error
