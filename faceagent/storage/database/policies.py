"""Moderation policies: documents by name and version. A version never changes once it is stored."""

from sqlalchemy import func, insert, select

from faceagent.storage.database.engine import Database, now
from faceagent.storage.database.tables import policies


def add_policy(database: Database, name: str, document: str, key_id: str) -> int:
    """Store a document, JSON, as the next version of its name; returns the version."""
    with database.write() as connection:
        newest = connection.execute(select(func.max(policies.c.version)).where(policies.c.name == name)).scalar()
        version = (newest or 0) + 1
        connection.execute(
            insert(policies).values(name=name, version=version, document=document, created=now(), key_id=key_id)
        )
    return version


def find_policy(database: Database, name: str, version: int | None = None) -> tuple[int, str] | None:
    """Version and document of a policy; without ``version`` the newest."""
    wanted = select(policies.c.version, policies.c.document).where(policies.c.name == name)
    if version is not None:
        wanted = wanted.where(policies.c.version == version)
    with database.read() as connection:
        row = connection.execute(wanted.order_by(policies.c.version.desc()).limit(1)).first()
    return None if row is None else (row.version, row.document)


def list_policies(database: Database) -> list[tuple[str, int]]:
    """Every name with its newest version."""
    wanted = select(policies.c.name, func.max(policies.c.version)).group_by(policies.c.name).order_by(policies.c.name)
    with database.read() as connection:
        return [(row[0], row[1]) for row in connection.execute(wanted)]
