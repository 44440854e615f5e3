"""Starts ``faceagent serve`` as a process of its own, as a person does, for the tests of the running service."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2


class RunningService:
    """A server process with its address and its admin key. ``end`` lets it finish, ``kill`` does not."""

    def __init__(
        self, folder: Path, *arguments: str, key: str | None = None, port: int | None = None, **settings: str
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / "log.txt"
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "FACEAGENT_SERVE_DATABASE": str(folder),
            "FACEAGENT_SERVE_PORT": str(self.port),
            **settings,
        }
        start = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "faceagent", "serve", *arguments], stdout=log, stderr=log, env=environment
            )
        self._wait()
        self.seconds_to_ready = time.monotonic() - start
        found = re.search(r"fa_[0-9a-f]+_[A-Za-z0-9_-]+", self.log.read_text())
        self.key = key or (found[0] if found else "")

    def _wait(self) -> None:
        while True:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=30).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)

    @property
    def headers(self) -> dict[str, str]:
        """Who asks: the admin."""
        return {"Authorization": f"Bearer {self.key}"}

    def client(self) -> httpx2.Client:
        """A client with the admin's key."""
        return httpx2.Client(base_url=self.url, headers=self.headers, timeout=300)

    def end(self) -> int:
        """Ask it to end, and wait."""
        self.process.terminate()
        return self.process.wait(240)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(60)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
