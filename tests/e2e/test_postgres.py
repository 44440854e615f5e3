"""Conversations in a real PostgreSQL server, which this test makes, starts and throws away."""

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceagent.agent.memory import Memory, Session, delete, note, opened, sessions
from faceagent.agent.notebook import Notebook
from faceagent.errors import ConversationBusy, MemoryTrouble
from faceagent.settings import Settings
from faceagent.types import Evidence, ToolStamp

pytestmark = pytest.mark.e2e


def program(name: str) -> str:
    """A program of PostgreSQL's; Debian keeps them out of the PATH."""
    places = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *places]))
    assert found is not None, f"{name} is not installed: apt-get install postgresql"
    return found


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    # The path of a socket may have about a hundred characters, and the server must not run as root.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="pg-") as folder:
        root = getpass.getuser() == "root"
        user = ["runuser", "-u", "postgres", "--"] if root else []
        if root:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
        subprocess.run([*user, program("initdb"), "-D", data, "-U", "tester", "-A", "trust", "-N"], **run)
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        control = [*user, program("pg_ctl"), "-D", data]
        subprocess.run([*control, "-w", "-l", f"{folder}/log", "-o", options, "start"], **run)
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)


@pytest.fixture
def memory(url: str) -> Iterator[Memory]:
    with opened(Settings(memory=url)) as remote:
        yield remote


def test_nouns_and_conversations_are_kept_and_deleted(memory: Memory) -> None:
    stamp = ToolStamp(name="forgery", version="1")
    book = Notebook(memory.store, "one")
    book.put("1/F1:a", Evidence(id="F1:a", tool=stamp, question="forgery", subject="F1", statement="measured"))
    book.keep()
    note(memory, Session(id="one", title="one", turns=1, pictures=1, started="2026-01-01", used="2026-01-01"))
    assert Notebook(memory.store, "one").keys("1", Evidence) == ["1/F1:a"]
    assert [one.id for one in sessions(memory)] == ["one"]
    delete(memory, ["one"])
    assert Notebook(memory.store, "one").all(Evidence) == []
    assert sessions(memory) == ()


def test_one_holds_a_conversation_and_the_other_is_told(memory: Memory, url: str) -> None:
    with opened(Settings(memory=url)) as other:
        with memory.lease("one"):
            with pytest.raises(ConversationBusy), other.lease("one"):
                pass
            with other.lease("two"):
                pass
        with other.lease("one"):
            pass


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    broken = "postgresql://tester:hush@127.0.0.1:1/postgres"
    with pytest.raises(MemoryTrouble) as caught, opened(Settings(memory=broken)):
        pass
    assert "127.0.0.1" in str(caught.value) and "hush" not in str(caught.value)
