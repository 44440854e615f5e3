"""Webhooks that have to be delivered: stored with the change that they report, tried again until they are taken."""

from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, or_, select, update

from faceagent.storage.database.engine import Database, new_id, now
from faceagent.storage.database.tables import deliveries

DeliveryState = Literal["waiting", "delivered", "failed"]
HELD_SECONDS = 60.0
"""How long one try may take before another process may try as well; the receiver knows repeats by their id."""


class Delivery(NamedTuple):
    """One message to one URL. ``attempts`` counts the one that is under way."""

    id: str
    key_id: str
    url: str
    body: str
    attempts: int


def add_delivery(connection: Connection, key_id: str, job_id: str, url: str, body: str) -> None:
    """Queue a message, in the transaction of the change that it reports."""
    connection.execute(
        insert(deliveries).values(
            id=new_id("msg"),
            key_id=key_id,
            job_id=job_id,
            url=url,
            body=body,
            state="waiting",
            attempts=0,
            due=now(),
        )
    )


def claim_due(database: Database, limit: int = 10) -> list[Delivery]:
    """Messages whose time has come; nobody else gets them while they are tried."""
    moment = now()
    due = (deliveries.c.state == "waiting", deliveries.c.due <= moment)
    with database.read() as connection:
        if connection.execute(select(deliveries.c.id).where(*due).limit(1)).first() is None:
            return []
    with database.write() as connection:
        rows = connection.execute(
            select(deliveries).where(*due).order_by(deliveries.c.due).limit(limit).with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == row.id)
                .values(attempts=row.attempts + 1, due=moment + HELD_SECONDS)
            )
    return [Delivery(row.id, row.key_id, row.url, row.body, row.attempts + 1) for row in rows]


def record_try(database: Database, delivery_id: str, state: DeliveryState, outcome: str, due: float = 0.0) -> None:
    """What came of a try: "waiting" until ``due``, or the end of it."""
    with database.write() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.id == delivery_id).values(state=state, outcome=outcome, due=due)
        )


def delivery_log(database: Database, job_id: str) -> list[dict[str, object]]:
    """Every message about a job with its state and its last outcome."""
    wanted = select(deliveries).where(deliveries.c.job_id == job_id).order_by(deliveries.c.id)
    with database.read() as connection:
        return [
            {"id": row.id, "state": row.state, "attempts": row.attempts, "outcome": row.outcome}
            for row in connection.execute(wanted)
        ]


def forget_deliveries(database: Database, older_than: float) -> None:
    """Drop messages that are over and whose last try lies before that moment."""
    with database.write() as connection:
        over = or_(deliveries.c.state == "delivered", deliveries.c.state == "failed")
        connection.execute(delete(deliveries).where(over, deliveries.c.due < older_than))
