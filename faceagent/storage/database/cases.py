"""Cases: one analysed picture each. The report is kept until it expires, the picture only where that was asked for.

A case that has expired leaves its row without content, so that a reader is told so, until the row goes as well.
"""

import hashlib
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from faceagent.storage.database import case_index
from faceagent.storage.database.engine import Database, new_id, now
from faceagent.storage.database.tables import case_references, case_thumbnails, case_verdicts, cases
from faceagent.types import Report
from faceagent.types.service import Moderation

GRAVE_SECONDS = 30 * 86_400.0
"""How long it is known that a case existed."""


class Case(NamedTuple):
    """A stored case. ``report`` is JSON; None once it has expired or was deleted."""

    id: str
    key_id: str
    created: float
    expires: float
    etag: str
    name: str
    report: bytes | None
    picture: bytes | None


def add_case(
    connection: Connection,
    key_id: str,
    report: Report,
    text: bytes,
    *,
    seconds: float,
    picture: bytes | None = None,
    moderation: Moderation | None = None,
) -> str:
    """Keep a report for ``seconds``; returns the id of its case. Part of the caller's transaction.

    Args:
        connection: of the transaction.
        key_id: whose case it is.
        report: what is listed and searched comes from it.
        text: the report as JSON, as it is given out again.
        seconds: how long it is kept.
        picture: the picture's bytes, where they are kept as well.
        moderation: what a policy decided about it.
    """
    case_id, moment = new_id("case"), now()
    connection.execute(
        insert(cases).values(
            id=case_id,
            key_id=key_id,
            created=moment,
            expires=moment + seconds,
            etag=hashlib.sha256(text).hexdigest(),
            report=zlib.compress(text, 1),
            picture=picture,
            kept=picture is not None,
            sign_off="open",
            **case_index.columns_of(report, moderation),
        )
    )
    case_index.add_verdicts(connection, case_id, report)
    return case_id


def add_references(connection: Connection, case_id: str, pictures: Sequence[bytes]) -> None:
    """Keep the pictures that the picture of a case was compared with, each once."""
    kept = {hashlib.sha256(data).hexdigest(): data for data in pictures}
    if kept:
        rows = [{"case_id": case_id, "sha256": digest, "data": data} for digest, data in kept.items()]
        connection.execute(insert(case_references), rows)


def kept_references(database: Database, case_id: str) -> frozenset[str]:
    """sha256 of the pictures that the picture of a case was compared with, of those that were kept."""
    with database.read() as connection:
        found = connection.execute(select(case_references.c.sha256).where(case_references.c.case_id == case_id))
        return frozenset(found.scalars())


def find_reference(database: Database, case_id: str, sha256: str) -> bytes | None:
    """A picture that the picture of a case was compared with, where it was kept."""
    wanted = select(case_references.c.data).where(
        case_references.c.case_id == case_id, case_references.c.sha256 == sha256
    )
    with database.read() as connection:
        return connection.execute(wanted).scalar()


def add_thumbnail(database: Database, case_id: str, data: bytes) -> None:
    """Keep a small copy of the picture of a case, JPEG, as long as the case."""
    with database.write() as connection:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        added = dialect.insert(case_thumbnails).values(case_id=case_id, data=data)
        connection.execute(added.on_conflict_do_nothing())


def find_thumbnail(database: Database, case_id: str) -> bytes | None:
    """The small copy of the picture of a case, where there is one."""
    with database.read() as connection:
        return connection.execute(select(case_thumbnails.c.data).where(case_thumbnails.c.case_id == case_id)).scalar()


def find_case(database: Database, case_id: str, key_id: str | None) -> Case | None:
    """The case with that id, of that key where one is given."""
    wanted = select(cases).where(cases.c.id == case_id)
    if key_id is not None:
        wanted = wanted.where(cases.c.key_id == key_id)
    with database.read() as connection:
        row = connection.execute(wanted).first()
    return None if row is None else _case(row)


def delete_case(database: Database, case_id: str) -> None:
    """Remove what a case holds; that it existed stays known for a while."""
    with database.write() as connection:
        _empty(connection, cases.c.id == case_id)


def expire_cases(database: Database) -> int:
    """Remove the content of every case whose time is over, and old empty rows; returns how many expired."""
    moment = now()
    with database.write() as connection:
        ended = _empty(connection, (cases.c.expires <= moment) & cases.c.deleted.is_(None))
        connection.execute(delete(cases).where(cases.c.deleted < moment - GRAVE_SECONDS))
    return ended


def _empty(connection: Connection, those: ColumnElement[bool]) -> int:
    over = select(cases.c.id).where(those)
    for table in (case_verdicts, case_references, case_thumbnails):
        connection.execute(delete(table).where(table.c.case_id.in_(over)))
    emptied = update(cases).where(those)
    emptied = emptied.values(report=None, picture=None, kept=False, deleted=now(), **case_index.EMPTY)
    return connection.execute(emptied).rowcount


def _case(row: Row[Any]) -> Case:
    gone = row.deleted is not None or row.expires <= now()
    report = None if gone or row.report is None else zlib.decompress(row.report)
    return Case(row.id, row.key_id, row.created, row.expires, row.etag, row.name, report, None if gone else row.picture)
