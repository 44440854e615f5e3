"""Jobs: stored whole, looked up, cancelled, expired. ``leases`` hands out their items."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from faceagent.intake import NamedBytes
from faceagent.storage.database.engine import Database, new_id, now
from faceagent.storage.database.tables import items, job_references, jobs
from faceagent.types.service import OPEN, Item, Job, JobState

GRAVE_SECONDS = 30 * 86_400.0
ROWS = 500
"""Rows of one INSERT, so that the statement stays within what a server accepts."""


class NewItem(NamedTuple):
    """One picture to analyse: its bytes, or a URL that is fetched when its turn comes."""

    name: str
    data: bytes | None = None
    url: str | None = None


class KeyConflict(Exception):  # noqa: N818 - a state of the request, not a failure
    """The idempotency key was used before, with another request."""


Finished = Callable[[Connection, str, JobState], None]
"""Called with the job's id and its new state, in the transaction in which the job ends."""


def add_job(
    database: Database,
    key_id: str,
    new: Sequence[NewItem],
    *,
    options: str,
    digest: str,
    seconds: float,
    references: Sequence[NamedBytes] = (),
    webhook: str | None = None,
    idempotency_key: str | None = None,
) -> tuple[str, bool]:
    """Store a job with all its items, or none of it; returns its id and whether it is new.

    With an ``idempotency_key`` that was used before, the earlier job is returned. Raises KeyConflict where that one had
    another ``digest``, and StorageError.
    """
    job_id, moment = new_id("job"), now()
    earlier = _earlier(database, key_id, idempotency_key, digest)
    if earlier is not None:
        return earlier, False
    try:
        with database.write(durable=True) as connection:
            connection.execute(
                insert(jobs).values(
                    id=job_id,
                    key_id=key_id,
                    state="queued",
                    created=moment,
                    expires=moment + seconds,
                    total=len(new),
                    options=options,
                    webhook=webhook,
                    idempotency_key=idempotency_key,
                    digest=digest,
                )
            )
            rows = [
                {"job_id": job_id, "number": number, "state": "queued", "attempts": 0, **one._asdict()}
                for number, one in enumerate(new)
            ]
            for start in range(0, len(rows), ROWS):
                connection.execute(insert(items), rows[start : start + ROWS])
            if references:
                compared = [
                    {"job_id": job_id, "number": number, "name": one.name, "data": one.data}
                    for number, one in enumerate(references)
                ]
                connection.execute(insert(job_references), compared)
    except Exception as error:
        # Another request with the same key may have come first by a moment.
        if not isinstance(error.__cause__, IntegrityError):
            raise
        earlier = _earlier(database, key_id, idempotency_key, digest)
        if earlier is None:
            raise
        return earlier, False
    return job_id, True


def _earlier(database: Database, key_id: str, idempotency_key: str | None, digest: str) -> str | None:
    if idempotency_key is None:
        return None
    wanted = select(jobs.c.id, jobs.c.digest).where(jobs.c.key_id == key_id, jobs.c.idempotency_key == idempotency_key)
    with database.read() as connection:
        row = connection.execute(wanted).first()
    if row is not None and row.digest != digest:
        raise KeyConflict
    return None if row is None else str(row.id)


def find_job(database: Database, job_id: str, key_id: str | None) -> Job | None:
    """The job with that id, of that key where one is given."""
    wanted = select(jobs).where(jobs.c.id == job_id)
    if key_id is not None:
        wanted = wanted.where(jobs.c.key_id == key_id)
    with database.read() as connection:
        row = connection.execute(wanted).mappings().first()
        if row is None:
            return None
        found: dict[str, Any] = {name: row[name] for name in Job.model_fields if name not in ("counts", "decisions")}
        found["counts"] = {state: count for state, count in connection.execute(_counted(items.c.state, job_id))}
        decided = connection.execute(_counted(items.c.decision, job_id).where(items.c.decision.is_not(None)))
        found["decisions"] = {decision: count for decision, count in decided}
    return Job.model_validate(found)


def _counted(column: ColumnElement[Any], job_id: str) -> Select[Any]:
    return select(column, func.count()).where(items.c.job_id == job_id).group_by(column)


def list_jobs(database: Database, key_id: str | None, *, limit: int) -> list[Job]:
    """Jobs, the newest first."""
    wanted = select(jobs.c.id).order_by(jobs.c.created.desc()).limit(limit)
    if key_id is not None:
        wanted = wanted.where(jobs.c.key_id == key_id)
    with database.read() as connection:
        found = connection.execute(wanted).scalars().all()
    return [job for one in found if (job := find_job(database, one, None)) is not None]


def list_items(database: Database, job_id: str, *, start: int, limit: int) -> list[Item]:
    """Items of a job in order, from the number ``start``."""
    wanted = select(*(items.c[name] for name in Item.model_fields))
    wanted = wanted.where(items.c.job_id == job_id, items.c.number >= start).order_by(items.c.number).limit(limit)
    with database.read() as connection:
        rows = connection.execute(wanted).mappings().all()
    return [Item.model_validate({**row, "error": json.loads(row["error"]) if row["error"] else None}) for row in rows]


def references_of(database: Database, job_id: str) -> tuple[NamedBytes, ...]:
    """The pictures that every item of a job is compared with."""
    table = job_references
    wanted = select(table.c.name, table.c.data).where(table.c.job_id == job_id).order_by(table.c.number)
    with database.read() as connection:
        return tuple(NamedBytes(name, data) for name, data in connection.execute(wanted))


def drop_references(connection: Connection, job_id: str) -> None:
    """Remove them: the job has ended."""
    connection.execute(delete(job_references).where(job_references.c.job_id == job_id))


def cancel_job(database: Database, job_id: str, *, finished: Finished | None = None) -> bool:
    """Cancel what is not finished, and remove its bytes; False where nothing was left to cancel."""
    return _end(database, job_id, "cancelled", finished)


def _end(database: Database, job_id: str, state: JobState, finished: Finished | None) -> bool:
    with database.write() as connection:
        ended = connection.execute(
            update(jobs).where(jobs.c.id == job_id, jobs.c.state.in_(OPEN)).values(state=state, finished=now())
        )
        if not ended.rowcount:
            return False
        connection.execute(
            update(items)
            .where(items.c.job_id == job_id, items.c.state.in_(OPEN))
            .values(state="cancelled", data=None, lease=None, lease_until=None)
        )
        drop_references(connection, job_id)
        if finished is not None:
            finished(connection, job_id, state)
    return True


def expire_jobs(database: Database, *, finished: Finished | None = None) -> None:
    """End open jobs whose time is over, drop what finished ones hold, and rows from long ago."""
    moment = now()
    with database.read() as connection:
        late = connection.execute(select(jobs.c.id).where(jobs.c.expires <= moment, jobs.c.state.in_(OPEN)))
        open_jobs = late.scalars().all()
    for job_id in open_jobs:
        _end(database, job_id, "expired", finished)
    with database.write() as connection:
        over = select(jobs.c.id).where(jobs.c.expires <= moment)
        connection.execute(delete(items).where(items.c.job_id.in_(over)))
        connection.execute(update(jobs).where(jobs.c.expires <= moment).values(state="expired"))
        connection.execute(delete(jobs).where(jobs.c.expires <= moment - GRAVE_SECONDS))


def open_items(database: Database) -> int:
    """Items that wait or are worked on, for back-pressure and metrics."""
    with database.read() as connection:
        counted = select(func.count()).select_from(items).where(items.c.state.in_(OPEN))
        return int(connection.execute(counted).scalar_one())
