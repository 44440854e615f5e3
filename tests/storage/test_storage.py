"""Where conversations are kept: written once, read back, deleted for good, and in one process at a time."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceagent.errors import ConversationBusy, InputError, StorageError
from faceagent.settings import Settings
from faceagent.storage.conversation_store import ConversationStore, ToolRun
from faceagent.storage.in_memory import InMemory
from faceagent.storage.protocol import Storage, validate_name
from faceagent.storage.sessions import SessionInfo, delete_sessions, list_sessions, open_storage, save_session_info
from faceagent.storage.sqlite import Sqlite
from faceagent.types import Evidence, ToolStamp


def evidence(name: str, words: str = "measured") -> Evidence:
    stamp = ToolStamp(name="forgery", version="1")
    return Evidence(id=name, tool=stamp, question="forgery", subject="F1", statement=words)


def session(name: str) -> SessionInfo:
    return SessionInfo(id=name, title=name, turns=1, pictures=1, started="2026-01-01", used="2026-01-01")


@pytest.fixture(params=["local", "fleeting"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "fleeting":
        yield InMemory()
    else:
        with Sqlite(tmp_path / "kept") as local:
            yield local


def test_what_was_kept_is_read_back_in_order(storage: Storage) -> None:
    store = ConversationStore(storage.store, "one")
    store.put("1/F1:b", evidence("F1:b"))
    store.put("1/F1:a", evidence("F1:a"))
    store.put("1/gone", ToolRun(questions=("forgery",)))
    store.flush()
    store.drop("1/gone")
    store.put("1/F1:b", evidence("F1:b", "measured again"))
    store.flush()
    again = ConversationStore(storage.store, "one")
    assert again.keys("1", Evidence) == ["1/F1:b", "1/F1:a"]
    assert again.get("1/F1:b", Evidence).statement == "measured again"
    assert again.keys("1", ToolRun) == []
    assert ConversationStore(storage.store, "other").all(Evidence) == []


def test_what_was_not_kept_is_not_there(storage: Storage) -> None:
    ConversationStore(storage.store, "one").put("1/F1:a", evidence("F1:a"))
    assert ConversationStore(storage.store, "one").all(Evidence) == []


def test_a_conversation_moves_to_another_store_whole(storage: Storage) -> None:
    store = ConversationStore(storage.store, "one")
    store.put("1/F1:a", evidence("F1:a"))
    store.flush()
    store.put("1/F1:b", evidence("F1:b"))
    other = InMemory()
    store.move_to(other.store)
    store.flush()
    assert ConversationStore(other.store, "one").keys("1", Evidence) == ["1/F1:a", "1/F1:b"]


def test_conversations_are_listed_the_last_used_first(storage: Storage) -> None:
    save_session_info(storage, session("old"))
    save_session_info(storage, session("new").model_copy(update={"used": "2026-02-01"}))
    assert [one.id for one in list_sessions(storage)] == ["new", "old"]


def test_deleted_means_no_byte_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    words = "the mole above the left brow"
    with Sqlite(folder) as storage:
        for name in ("kept-1", "gone-1"):
            store = ConversationStore(storage.store, name)
            for index in range(50):
                store.put(f"1/F1:{index}", evidence(f"F1:{index}", f"{words} {name}"))
            store.flush()
            save_session_info(storage, session(name))
        with storage.lock("gone-1"):
            pass
        delete_sessions(storage, ["gone-1"])
        left = b"".join(path.read_bytes() for path in folder.iterdir())
        assert b"gone-1" not in left and f"{words} kept-1".encode() in left
        assert not any("gone-1" in path.name for path in folder.iterdir())
        assert [one.id for one in list_sessions(storage)] == ["kept-1"]
        with pytest.raises(InputError, match="gone-1"):
            delete_sessions(storage, ["gone-1"])


def test_an_open_conversation_is_not_deleted_and_no_other_with_it(tmp_path: Path) -> None:
    with Sqlite(tmp_path) as storage, Sqlite(tmp_path) as elsewhere:
        save_session_info(storage, session("a"))
        save_session_info(storage, session("b"))
        with elsewhere.lock("b"), pytest.raises(ConversationBusy):
            delete_sessions(storage, ["a", "b"])
        assert len(list_sessions(storage)) == 2


def test_one_process_holds_a_conversation_until_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from faceagent.storage.sqlite import Sqlite\n"
        "with Sqlite(Path(sys.argv[1])) as memory, memory.lock('one'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        with Sqlite(tmp_path) as storage:
            with pytest.raises(ConversationBusy, match="Another process"), storage.lock("one"):
                pass
            with storage.lock("two"):
                pass
            holder.kill()
            holder.wait()
            with storage.lock("one"):
                pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_a_damaged_store_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "conversations.sqlite"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="damaged"), open_storage(Settings(memory=str(tmp_path))):
        pass
    assert file.read_bytes().startswith(b"this is no database")


def test_a_locked_store_is_told(tmp_path: Path) -> None:
    with Sqlite(tmp_path):
        pass
    blocker = sqlite3.connect(tmp_path / "conversations.sqlite")
    blocker.execute("BEGIN EXCLUSIVE")
    start = time.monotonic()
    try:
        with Sqlite(tmp_path) as storage, pytest.raises(sqlite3.OperationalError, match="locked"):
            save_session_info(storage, session("a"))
    except StorageError as error:
        assert "locked" in str(error)
    finally:
        blocker.close()
    assert time.monotonic() - start < 30


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with (
        pytest.raises(StorageError, match="cannot be used"),
        open_storage(Settings(memory=str(tmp_path / "file" / "sub"))),
    ):
        pass


def test_the_folder_is_the_owners_alone(tmp_path: Path) -> None:
    with Sqlite(tmp_path / "kept"):
        assert os.stat(tmp_path / "kept").st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "../x", "a b", "-a", "x" * 65, "ü", "a/b", "a\n"])
def test_a_name_becomes_part_of_a_path_and_must_be_plain(name: str) -> None:
    with pytest.raises(InputError):
        validate_name(name)
    assert validate_name("2026-holiday_1") == "2026-holiday_1"


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_nobody_else_can_read_what_is_kept(tmp_path: Path, mask: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    before = os.umask(mask)
    try:
        (folder / "conversations.sqlite").touch(0o644)
        with Sqlite(folder) as storage, storage.lock("private"):
            storage.store.put(("a",), "b", {"c": "d"})
            modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert {"conversations.sqlite", "conversations.sqlite-wal", "private.lock"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes
