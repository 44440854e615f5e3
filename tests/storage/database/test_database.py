"""The service's database: its migrations, its file, and its errors in our words."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from faceagent.errors import StorageError
from faceagent.storage.database import engine
from faceagent.storage.database.audit import entries, record
from faceagent.storage.database.engine import FILE, open_database
from faceagent.storage.database.tables import REVISION, metadata


def schema(folder: Path) -> list[tuple[str, str, list[tuple[object, ...]]]]:
    """Tables with their columns, and indexes with theirs, of a SQLite file; columns in the order of their names."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        names = connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY 1, 2")
        pragmas = {"table": "table_info", "index": "index_info"}
        return [
            (kind, name, sorted(row[1:] for row in connection.execute(f"PRAGMA {pragmas[kind]}({name})")))
            for kind, name in names.fetchall()
        ]


def test_tables_are_made_at_once_and_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        database = open_database(str(tmp_path))
        with database.read() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        record(database, "key", "test", "target")
        database.close()
    assert len(entries(open_database(str(tmp_path)), before=None, limit=10)) == 2


def test_migrations_from_the_first_one_leave_the_same_tables(tmp_path: Path) -> None:
    folders = [tmp_path / "old", tmp_path / "new"]
    for folder in folders:
        open_database(str(folder)).close()
    with closing(sqlite3.connect(folders[0] / FILE)) as connection:
        for name in metadata.tables:
            connection.execute(f"DROP TABLE {name}")
        connection.execute("DELETE FROM alembic_version")
        connection.commit()
    open_database(str(folders[0])).close()
    old, new = map(schema, folders)
    assert old == new
    scripts = ScriptDirectory(str(Path(engine.__file__).with_name("migrations")))
    assert scripts.get_current_head() == REVISION


def test_an_older_database_is_migrated_and_keeps_its_rows(tmp_path: Path) -> None:
    database = open_database(str(tmp_path))
    record(database, "key", "test", "target")
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE job_references DROP COLUMN name")
        connection.exec_driver_sql("ALTER TABLE cases DROP COLUMN answers")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
    database.close()
    database = open_database(str(tmp_path))
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert len(entries(database, before=None, limit=10)) == 1


def test_files_are_private(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "new"))
    record(database, "key", "test", "target")
    assert all(path.stat().st_mode & 0o077 == 0 for path in [tmp_path / "new", *(tmp_path / "new").iterdir()])


def test_a_locked_and_a_damaged_database_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    database = open_database(str(tmp_path))
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        record(database, "key", "test", "target")
    other.close()
    record(database, "key", "test", "target")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE).write_bytes(b"no database at all " * 100)
    with pytest.raises(StorageError, match="damaged"):
        open_database(str(tmp_path / "bad"))


def test_tables_of_a_newer_version_are_told_and_left_alone(tmp_path: Path) -> None:
    database = open_database(str(tmp_path))
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(StorageError, match="newer version"):
        open_database(str(tmp_path))


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = open_database(str(tmp_path))
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO audit (at, key_id, action, target, request_id) VALUES (1, 'a', 'b', 'c', 'd')"
        )
        _ = 1 / 0
    assert entries(database, before=None, limit=10) == []


def test_what_has_to_outlive_the_machine_waits_for_the_disk_and_nothing_else(tmp_path: Path) -> None:
    database = open_database(str(tmp_path))

    def synchronous(durable: bool) -> int:
        with database.write(durable=durable) as connection:
            return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    assert [synchronous(durable) for durable in (False, True, False)] == [1, 2, 1]
