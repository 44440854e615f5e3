"""What people came to about a case: sign-offs in the order in which they were given, none of which is ever changed.

A sign-off says how many its reader had seen, so that nobody signs over another reader's head without knowing.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from faceagent.errors import StorageError
from faceagent.storage.database import case_index
from faceagent.storage.database.engine import Database, now
from faceagent.storage.database.tables import case_reviews
from faceagent.types.service import Review, ReviewDecision, SignOff


class ReviewConflict(Exception):  # noqa: N818 - a state of the case, not a failure
    """Somebody has signed since the reader looked."""


def list_reviews(database: Database, case_id: str) -> list[Review]:
    """The sign-offs of a case, the oldest first."""
    with database.read() as connection:
        return reviews_of(connection, case_id)


def add_review(
    database: Database,
    case_id: str,
    *,
    key_id: str,
    reviewer: str,
    decision: ReviewDecision,
    reason: str,
    seen: int,
) -> list[Review]:
    """Sign a case off; returns all its sign-offs. Raises ReviewConflict where there are not ``seen`` of them so far."""
    try:
        with database.write(durable=True) as connection:
            mine = case_reviews.c.case_id == case_id
            known = connection.execute(select(func.count()).select_from(case_reviews).where(mine)).scalar_one()
            if known != seen:
                raise ReviewConflict
            connection.execute(
                insert(case_reviews).values(
                    case_id=case_id,
                    number=known + 1,
                    key_id=key_id,
                    reviewer=reviewer,
                    decision=decision,
                    reason=reason,
                    created=now(),
                )
            )
            found = reviews_of(connection, case_id)
            case_index.set_sign_off(connection, case_id, state_of(found))
            return found
    except StorageError as error:
        # Another process has taken the same number by a moment.
        if isinstance(error.__cause__, IntegrityError):
            raise ReviewConflict from None
        raise


def state_of(reviews: Sequence[Review]) -> SignOff:
    """What the sign-offs of a case come to.

    The last word of every reader counts. A reader who escalates asks another one, and his own word does not end that.
    """
    latest = {one.reviewer_id: one for one in reviews}
    words = {one.decision for one in latest.values()} - {"escalate"}
    if len(words) == 2:
        return "disputed"
    asked = {one.reviewer_id for one in reviews if one.decision == "escalate"}
    if asked and not {one for one in latest if latest[one].decision != "escalate"} - asked:
        return "escalated"
    return "accepted" if words == {"accept"} else "rejected" if words else "open"


def reviews_of(connection: Connection, case_id: str) -> list[Review]:
    """The sign-offs of a case, the oldest first."""
    wanted = select(case_reviews).where(case_reviews.c.case_id == case_id).order_by(case_reviews.c.number)
    return [
        Review(
            number=row["number"],
            reviewer_id=row["key_id"],
            reviewer=row["reviewer"],
            decision=row["decision"],
            reason=row["reason"],
            created=row["created"],
        )
        for row in connection.execute(wanted).mappings()
    ]
