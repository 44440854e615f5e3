"""The audit log: who did what to which key, case, job or policy, and when. No content, no name of a picture."""

from pydantic import Field
from sqlalchemy import delete, insert, select

from faceagent.storage.database.engine import Database, now
from faceagent.storage.database.tables import audit
from faceagent.types import FrozenModel


class AuditEntry(FrozenModel):
    """One line of the log."""

    number: int
    at: float = Field(description="seconds since 1970, UTC")
    key_id: str
    action: str
    target: str
    request_id: str


def record(database: Database, key_id: str, action: str, target: str, request_id: str = "") -> None:
    """Add a line."""
    with database.write() as connection:
        connection.execute(
            insert(audit).values(at=now(), key_id=key_id, action=action, target=target, request_id=request_id)
        )


def entries(database: Database, *, before: int | None, limit: int) -> list[AuditEntry]:
    """Lines, the newest first."""
    wanted = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(audit.c.number < before)
    with database.read() as connection:
        return [AuditEntry.model_validate(dict(row)) for row in connection.execute(wanted).mappings()]


def forget_entries(database: Database, older_than: float) -> None:
    """Drop lines from before that moment."""
    with database.write() as connection:
        connection.execute(delete(audit).where(audit.c.at < older_than))
