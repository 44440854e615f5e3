"""Servers that the tests make, start and throw away: PostgreSQL and Redis."""

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


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


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    # The path of a socket may have about a hundred characters.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="redis-") as folder:
        socket = Path(folder, "socket")
        server = subprocess.Popen(
            [program("redis-server"), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not socket.exists():
                assert server.poll() is None
                time.sleep(0.02)
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait(20)
