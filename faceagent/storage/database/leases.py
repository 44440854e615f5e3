"""Items of jobs under leases. The database alone knows what is to be done, by whom and until when.

An item is worked on under a lease with a random token. Its result is stored in the transaction that ends the lease, and
only while the token is still the item's: a worker that was thought dead and comes back changes nothing, so every item
has one result. A lease that is not renewed runs out, and the item is claimed again.
"""

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Select, and_, func, or_, select, update

from faceagent.storage.database.engine import Database, new_id, now
from faceagent.storage.database.jobs import Finished, drop_references
from faceagent.storage.database.tables import items, jobs
from faceagent.types.service import OPEN, Decision, JobState

MOST_ATTEMPTS = 10
"""Times that an item is begun: one that ends its process each time must not do so for ever."""


class Claim(NamedTuple):
    """An item that this process works on until its lease ends."""

    job_id: str
    number: int
    lease: str
    key_id: str
    options: str
    name: str
    data: bytes | None
    url: str | None
    attempts: int


def claim(database: Database, limit: int, seconds: float) -> list[Claim]:
    """Up to ``limit`` items to work on for ``seconds``. Jobs take turns, item by item; repeats come last."""
    moment = now()
    free = or_(items.c.state == "queued", and_(items.c.state == "running", items.c.lease_until < moment))
    wanted = (
        select(items, jobs.c.key_id, jobs.c.options)
        .join(jobs, jobs.c.id == items.c.job_id)
        .where(free, jobs.c.state.in_(OPEN), jobs.c.expires > moment)
        .order_by(items.c.attempts, items.c.number, jobs.c.created)
        .limit(limit)
        .with_for_update(of=items, skip_locked=True)
    )
    with database.read() as connection:
        # Without anything to do, no write lock is taken.
        if connection.execute(select(items.c.number).where(free).limit(1)).first() is None:
            return []
    claimed = []
    with database.write() as connection:
        for row in connection.execute(wanted).all():
            lease = new_id("lease")
            connection.execute(
                update(items)
                .where(items.c.job_id == row.job_id, items.c.number == row.number)
                .values(state="running", lease=lease, lease_until=moment + seconds, attempts=row.attempts + 1)
            )
            claimed.append(
                Claim(
                    row.job_id,
                    row.number,
                    lease,
                    row.key_id,
                    row.options,
                    row.name,
                    row.data,
                    row.url,
                    row.attempts + 1,
                )
            )
        begun = sorted({one.job_id for one in claimed})
        connection.execute(update(jobs).where(jobs.c.id.in_(begun), jobs.c.state == "queued").values(state="running"))
    return claimed


def renew(database: Database, leases: Sequence[str], seconds: float) -> None:
    """Heartbeat: keep these leases for ``seconds`` from now."""
    with database.write() as connection:
        connection.execute(update(items).where(items.c.lease.in_(leases)).values(lease_until=now() + seconds))


def release(database: Database, leases: Sequence[str]) -> None:
    """Give items back unworked: this process ends."""
    with database.write() as connection:
        connection.execute(
            update(items)
            .where(items.c.lease.in_(leases))
            .values(state="queued", lease=None, lease_until=None, attempts=items.c.attempts - 1)
        )


def finish_item(
    connection: Connection,
    claimed: Claim,
    state: Literal["done", "failed"],
    *,
    case_id: str | None = None,
    error: dict[str, str] | None = None,
    decision: Decision | None = None,
    finished: Finished | None = None,
) -> bool:
    """Store the result of an item and remove its bytes; False where the lease was lost and nothing was stored."""
    # Of two workers that finish the last two items, the second one must see the first one's.
    job = connection.execute(select(jobs.c.state).where(jobs.c.id == claimed.job_id).with_for_update()).first()
    done = connection.execute(
        update(items)
        .where(items.c.job_id == claimed.job_id, items.c.number == claimed.number, items.c.lease == claimed.lease)
        .values(
            state=state,
            case_id=case_id,
            error=None if error is None else json.dumps(error),
            decision=decision,
            data=None,
            lease=None,
            lease_until=None,
        )
    )
    if not done.rowcount or job is None:
        return False
    left = {row.state: row.count for row in connection.execute(_counted(claimed.job_id))}
    if not any(one in left for one in OPEN):
        ended: JobState = "failed" if set(left) == {"failed"} else "done"
        connection.execute(update(jobs).where(jobs.c.id == claimed.job_id).values(state=ended, finished=now()))
        drop_references(connection, claimed.job_id)
        if finished is not None:
            finished(connection, claimed.job_id, ended)
    return True


def _counted(job_id: str) -> Select[tuple[str, int]]:
    return select(items.c.state, func.count().label("count")).where(items.c.job_id == job_id).group_by(items.c.state)
