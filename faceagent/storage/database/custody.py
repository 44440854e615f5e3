"""What the database knows of the way of one case: who did what, when. No content."""

from typing import NamedTuple

from sqlalchemy import select

from faceagent.storage.database.engine import Database
from faceagent.storage.database.reviews import reviews_of
from faceagent.storage.database.tables import api_keys, audit
from faceagent.types.service import Review


class Event(NamedTuple):
    """One line of the audit log about a case; ``who`` is the name of the key."""

    at: float
    who: str
    action: str


class Custody(NamedTuple):
    """The way of a case, each part oldest first; ``sender`` is the key that it came with."""

    sender: str | None
    events: tuple[Event, ...]
    reviews: tuple[Review, ...]


def custody_of(database: Database, case_id: str, key_id: str) -> Custody:
    """Everything recorded about a case that came with the key ``key_id``."""
    logged = select(audit.c.at, audit.c.key_id, audit.c.action).where(audit.c.target == case_id)
    with database.read() as connection:
        names = {row.id: row.name for row in connection.execute(select(api_keys.c.id, api_keys.c.name))}
        lines = connection.execute(logged.order_by(audit.c.number)).all()
        reviews = reviews_of(connection, case_id)
    return Custody(
        sender=names.get(key_id),
        events=tuple(Event(row.at, names.get(row.key_id, row.key_id), row.action) for row in lines),
        reviews=tuple(reviews),
    )
