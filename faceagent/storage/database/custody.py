"""What the database knows of the way of one case: who did what, when. No content."""

from typing import NamedTuple

from sqlalchemy import select

from faceagent.storage.database.engine import Database
from faceagent.storage.database.tables import api_keys, audit, case_reviews


class Event(NamedTuple):
    """One line of the audit log about a case; ``who`` is the name of the key."""

    at: float
    who: str
    action: str


class Review(NamedTuple):
    """The decision of a person about a case."""

    at: float
    who: str
    decision: str
    reason: str


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
        reviews = connection.execute(
            select(case_reviews).where(case_reviews.c.case_id == case_id).order_by(case_reviews.c.number)
        ).all()
    return Custody(
        sender=names.get(key_id),
        events=tuple(Event(row.at, names.get(row.key_id, row.key_id), row.action) for row in lines),
        reviews=tuple(Review(row.created, row.reviewer, row.decision, row.reason) for row in reviews),
    )
