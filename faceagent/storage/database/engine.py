"""Opens the service's database, brings its tables up to date, and says in our words what its errors mean.

A write on SQLite takes the lock when it begins (BEGIN IMMEDIATE): taking it at the first statement that writes would
fail at once, without waiting, where another process has written in between.
"""

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from faceagent.errors import StorageError
from faceagent.storage.database.upgrade import NewerTablesError, upgrade

FILE = "service.sqlite"
PRIVATE = 0o600
BUSY_SECONDS = 10.0
"""How long a write waits for another process to finish its own."""
CONNECT_SECONDS = 5
CONNECTIONS = 20
SECRET_SETTING = "FACEAGENT_SERVE_DATABASE"  # noqa: S105 - the name of a variable


class Database:
    """An engine and the name of its place. Safe to share between threads, not between forked processes."""

    def __init__(self, engine: Engine, location: str) -> None:
        self.engine, self.location = engine, location

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises StorageError."""
        with self._translating(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block, or rolled back. Raises StorageError.

        It outlives the process at once. With ``durable`` it also outlives the machine: SQLite then waits for the disk,
        which takes longer than all else together; PostgreSQL does so always.
        """
        with (
            self._translating(),
            self.engine.connect().execution_options(writes=True) as connection,
            self._synchronous(connection, durable),
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _synchronous(self, connection: Connection, durable: bool) -> Iterator[None]:
        if not durable or self.engine.dialect.name != "sqlite":
            yield
            return
        # Beside SQLAlchemy, which would begin a transaction for it.
        plain: Any = connection.connection.driver_connection
        plain.execute("PRAGMA synchronous=FULL")
        try:
            yield
        finally:
            plain.execute("PRAGMA synchronous=NORMAL")

    def purge(self) -> None:
        """Leave nothing of deleted rows in SQLite's file and log; a PostgreSQL server vacuums by itself."""
        if self.engine.dialect.name != "sqlite":
            return
        with self._translating(), self.engine.connect() as connection:
            # Beside SQLAlchemy, which begins a transaction before every statement.
            plain: Any = connection.connection.driver_connection
            try:
                plain.execute("VACUUM")
                plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                raise _storage_error(error, self.location) from error

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise _storage_error(error, self.location) from error


def new_id(kind: str) -> str:
    """An id that nobody can guess: "case_3f…"."""
    return f"{kind}_{secrets.token_hex(12)}"


def now() -> float:
    """Seconds since 1970, UTC."""
    return time.time()


def open_database(place: str) -> Database:
    """The database in a folder or behind a ``postgresql://`` URL, with its tables up to date. Raises StorageError."""
    if place.startswith("postgresql://"):
        location = f"the database at {urlsplit(place).hostname or 'its socket'}"
        engine = create_engine(
            place.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=CONNECTIONS,
            max_overflow=CONNECTIONS,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
    else:
        file = Path(place) / FILE
        location = str(file)
        try:
            _make_private(file)
        except OSError as error:
            raise _storage_error(error, location) from error
        engine = create_engine(
            f"sqlite:///{file}",
            pool_size=CONNECTIONS,
            max_overflow=CONNECTIONS,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    database = Database(engine, location)
    try:
        with database.write() as connection:
            upgrade(connection)
    except NewerTablesError as error:
        raise StorageError(
            f"{location} has tables of a newer version.", remedy="Use that version, or restore the backup from before."
        ) from error
    return database


def _make_private(file: Path) -> None:
    """Make the file when there is none, for its user alone; SQLite gives its log the same mode."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))


def _set_up_sqlite(connection: Any, record: object) -> None:
    del record
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _storage_error(error: Exception, where: str) -> StorageError:
    """What an exception of the database means. The statement and its values, which SQLAlchemy adds, are left out."""
    words = str(getattr(error, "orig", None) or error).lower()
    if "locked" in words or "busy" in words or "timeout" in words:
        return StorageError(f"{where} is locked by another program.", remedy="Try again.")
    if "full" in words or "no space" in words:
        return StorageError(f"There is no room left for {where}.", remedy="Free some space.")
    if "malformed" in words or "not a database" in words:
        return StorageError(f"{where} is damaged.", remedy="Restore it from a backup, or move it away.")
    return StorageError(
        f"{where} cannot be used ({type(error).__name__}).", remedy=f"Check {SECRET_SETTING} and that the place is up."
    )
