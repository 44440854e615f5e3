"""Cases: one analysed picture each. The report is kept until it expires, the picture only where that was asked for.

A case that has expired leaves its row without content, so that a reader is told so, until the row goes as well.
"""

import hashlib
import zlib
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update

from faceagent.storage.database.engine import Database, new_id, now
from faceagent.storage.database.tables import cases

GRAVE_SECONDS = 30 * 86_400.0
"""How long it is known that a case existed."""


class Case(NamedTuple):
    """A stored case. ``report`` is JSON; None once it has expired or was deleted."""

    id: str
    key_id: str
    created: float
    expires: float
    etag: str
    report: bytes | None
    picture: bytes | None


def add_case(
    connection: Connection,
    key_id: str,
    report: bytes,
    *,
    seconds: float,
    picture: bytes | None = None,
    case_id: str | None = None,
) -> str:
    """Keep a report, JSON, for ``seconds``; returns the id of its case. Part of the caller's transaction."""
    case_id, moment = case_id or new_id("case"), now()
    connection.execute(
        insert(cases).values(
            id=case_id,
            key_id=key_id,
            created=moment,
            expires=moment + seconds,
            etag=hashlib.sha256(report).hexdigest(),
            report=zlib.compress(report, 1),
            picture=picture,
        )
    )
    return case_id


def find_case(database: Database, case_id: str, key_id: str | None) -> Case | None:
    """The case with that id, of that key where one is given."""
    wanted = select(cases).where(cases.c.id == case_id)
    if key_id is not None:
        wanted = wanted.where(cases.c.key_id == key_id)
    with database.read() as connection:
        row = connection.execute(wanted).first()
    return None if row is None else _case(row)


def list_cases(database: Database, key_id: str | None, *, limit: int, before: float | None = None) -> list[Case]:
    """Cases that have not expired, the newest first, without their content."""
    wanted = select(cases.c.id, cases.c.key_id, cases.c.created, cases.c.expires, cases.c.etag)
    wanted = wanted.where(cases.c.deleted.is_(None), cases.c.expires > now())
    if key_id is not None:
        wanted = wanted.where(cases.c.key_id == key_id)
    if before is not None:
        wanted = wanted.where(cases.c.created < before)
    with database.read() as connection:
        rows = connection.execute(wanted.order_by(cases.c.created.desc()).limit(limit)).all()
    return [Case(*row, report=None, picture=None) for row in rows]


def delete_case(database: Database, case_id: str) -> None:
    """Remove what a case holds; that it existed stays known for a while."""
    with database.write() as connection:
        connection.execute(update(cases).where(cases.c.id == case_id).values(report=None, picture=None, deleted=now()))


def expire_cases(database: Database) -> int:
    """Remove the content of every case whose time is over, and old empty rows; returns how many expired."""
    moment = now()
    with database.write() as connection:
        ended = connection.execute(
            update(cases)
            .where(cases.c.expires <= moment, cases.c.deleted.is_(None))
            .values(report=None, picture=None, deleted=moment)
        )
        connection.execute(delete(cases).where(cases.c.deleted < moment - GRAVE_SECONDS))
    return ended.rowcount


def _case(row: Row[Any]) -> Case:
    gone = row.deleted is not None or row.expires <= now()
    report = None if gone or row.report is None else zlib.decompress(row.report)
    return Case(row.id, row.key_id, row.created, row.expires, row.etag, report, None if gone else row.picture)
