"""What people say a picture really was, beside what was measured: the input of a calibration report."""

from pydantic import TypeAdapter
from sqlalchemy import insert, select

from faceagent.storage.database.engine import Database, new_id, now
from faceagent.storage.database.tables import feedback
from faceagent.types.service import Feedback, FeedbackLabel, MeasuredVerdict

_VERDICTS = TypeAdapter(tuple[MeasuredVerdict, ...])


def add_feedback(
    database: Database, case_id: str, key_id: str, label: FeedbackLabel, verdicts: tuple[MeasuredVerdict, ...]
) -> Feedback:
    """Keep a statement."""
    made = Feedback(id=new_id("feedback"), case_id=case_id, label=label, verdicts=verdicts, created=now())
    with database.write() as connection:
        connection.execute(
            insert(feedback).values(
                id=made.id,
                case_id=case_id,
                key_id=key_id,
                label=label,
                verdicts=_VERDICTS.dump_json(verdicts).decode(),
                created=made.created,
            )
        )
    return made


def all_feedback(database: Database) -> list[Feedback]:
    """Every statement, the oldest first; of several about one case the last one counts."""
    with database.read() as connection:
        rows = connection.execute(select(feedback).order_by(feedback.c.created)).mappings().all()
    latest = {row["case_id"]: row for row in rows}
    return [
        Feedback(
            id=row["id"],
            case_id=row["case_id"],
            label=row["label"],
            verdicts=_VERDICTS.validate_json(row["verdicts"]),
            created=row["created"],
        )
        for row in latest.values()
    ]
