"""Brings the tables to the newest revision: made at once in an empty database, else by alembic's migrations.

alembic is imported only where there is something to migrate: it takes most of a second, and a server mostly starts on
tables that are up to date.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from faceagent.storage.database.tables import REVISION, metadata

MIGRATING = 718_281_828
"""Key of the PostgreSQL lock under which one process at a time brings the tables up to date."""
_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""Alembic's own table: one row with the revision of the others."""


class NewerTablesError(Exception):
    """The tables are of a revision that this version does not know."""


def upgrade(connection: Connection) -> None:
    """Bring the tables to ``REVISION``; of several processes that start at once, one does. Raises NewerTablesError."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
    there = set(inspect(connection).get_table_names())
    if _version.name in there:
        if connection.scalar(select(_version.c.version_num)) != REVISION:
            _migrate(connection)
    elif there.isdisjoint(metadata.tables):
        metadata.create_all(connection, checkfirst=False)
        _version.create(connection)
        connection.execute(_version.insert().values(version_num=REVISION))
    else:
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)

    def revisions(revision: Any, context: Any) -> Any:
        del context
        return script._upgrade_revs(REVISION, revision)

    try:
        with EnvironmentContext(config, script, fn=revisions) as environment:
            environment.configure(connection=connection, target_metadata=metadata)
            environment.run_migrations()
    except CommandError as error:
        raise NewerTablesError(str(error)) from error
