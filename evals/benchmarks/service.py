"""The service under load on this machine: ``python -m evals.benchmarks.service [--seconds 60] [--clients 8]``.

Starts ``faceagent serve`` on a folder of its own and asks it for reports on a photograph that ships with scikit-image,
each time with other bytes. Prints errors, times, throughput and memory, with batches across requests and without, and
what a request costs over the same call in this process. Times mean something only on a machine that does nothing else.
"""

import argparse
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import numpy as np
import skimage.data
import uvicorn
from numpy.typing import NDArray
from PIL import Image

from faceagent import Analyst, Settings
from faceagent.serve.app import create_app
from faceagent.serve.settings import ServiceSettings

_photograph: Callable[[], NDArray[np.uint8]] = skimage.data.astronaut
ROUNDS, WARM = 40, 3
"""Requests by which the cost of the transport is measured, each beside the same call, and those before them."""
QUESTIONS = ("quality", "forgery", "expression")


@dataclass
class Load:
    """What the clients met."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


def photograph(number: int) -> bytes:
    """The astronaut's head as JPEG; each number has other bytes, and nearly the same pixels."""
    buffer = io.BytesIO()
    Image.fromarray(_photograph()[:400]).save(buffer, "JPEG", quality=90, comment=str(number).encode())
    return buffer.getvalue()


@contextmanager
def server(batch: int) -> Iterator[tuple[httpx2.Client, int]]:
    """A running service; a client with its key, and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        variables = {"FACEAGENT_SERVE_DATABASE": folder, "FACEAGENT_SERVE_PORT": "0", "FACEAGENT_SERVE_RATE": "1000000"}
        environment = {**os.environ, **variables, "FACEAGENT_SERVE_BATCH": str(batch)}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "faceagent", "serve", "--warm"], stdout=out, stderr=out, env=environment
            )
        try:
            start = time.perf_counter()
            url, key = _address(log, process)
            with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
                while client.get("/readyz").status_code != 200:
                    time.sleep(0.05)
                print(f"batch {batch}: ready with warm models after {time.perf_counter() - start:.1f} s")
                yield client, process.pid
        finally:
            process.terminate()
            process.wait(60)


def _address(log: Path, process: "subprocess.Popen[bytes]") -> tuple[str, str]:
    while True:
        if process.poll() is not None:
            raise SystemExit(log.read_text()[-2000:])
        text = log.read_text()
        url, key = re.search(r"http://[0-9.:]+", text), re.search(r"fa_[0-9a-f]+_[\w-]+", text)
        if url and key:
            return url[0], key[0]
        time.sleep(0.05)


def resident(process: int) -> float:
    """Megabytes that a process holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def drive(client: httpx2.Client, process: int, clients: int, seconds: float) -> Load:
    """``clients`` threads that ask one after the other, for ``seconds``."""
    load, end, lock = Load(), time.perf_counter() + seconds, threading.Lock()

    def work(place: int) -> None:
        number = place * 1_000_000
        while time.perf_counter() < end:
            number += 1
            data = photograph(number)
            start = time.perf_counter()
            answer = client.post("/v1/analyze", files={"image": ("a.jpg", data)}, data={"questions": QUESTIONS})
            with lock:
                load.seconds.append(time.perf_counter() - start)
                load.statuses[answer.status_code] = load.statuses.get(answer.status_code, 0) + 1
                load.memory.append(resident(process))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return load


def overhead() -> tuple[float, float]:
    """Median milliseconds of a request over loopback and of the same call to the same analyst, by turns.

    Server, client and analyst share this process, so that all three are slowed down alike by what else runs.
    """
    asked, called = [], []
    with tempfile.TemporaryDirectory() as folder, Analyst(Settings()) as analyst:
        app = create_app(ServiceSettings(database=folder, open=True), Settings(), lambda settings: analyst)
        running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
        thread = threading.Thread(target=running.run)
        thread.start()
        while not running.started:
            time.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            for number in range(ROUNDS + WARM):
                data = photograph(number)
                start = time.perf_counter()
                client.post("/v1/analyze", files={"image": ("a.jpg", data)}, data={"questions": QUESTIONS})
                middle = time.perf_counter()
                analyst.analyze(data, questions=QUESTIONS)
                if number >= WARM:
                    asked.append(1000 * (middle - start))
                    called.append(1000 * (time.perf_counter() - middle))
        running.should_exit = True
        thread.join()
    return statistics.median(asked), statistics.median(called)


def _print(load: Load, clients: int, single: float, seconds: float) -> float:
    times = np.array(load.seconds)
    p95, bar = float(np.quantile(times, 0.95)), 2 * single / 1000 * clients / (os.cpu_count() or 1)
    rate = len(times) / seconds
    print(f"  {clients} clients: {len(times)} requests, {rate:.2f} a second, statuses {load.statuses}")
    print(f"  median {np.median(times):.2f} s, p95 {p95:.2f} s (bar: 2 x single time x clients / cores = {bar:.2f} s)")
    fifth = max(1, len(load.memory) // 5)
    early, late = statistics.median(load.memory[fifth : 2 * fifth]), statistics.median(load.memory[-fifth:])
    print(f"  memory {early:.0f} MB after a fifth, {late:.0f} MB at the end: {100 * (late / early - 1):+.1f} %")
    return rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of load, for each setting")
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    asked, called = overhead()
    print(f"one client: {asked:.1f} ms a request, {called:.1f} ms the call alone: {asked - called:+.1f} ms")
    rates = {}
    for batch in (8, 1):
        with server(batch) as (client, process):
            load = drive(client, process, given.clients, given.seconds)
            rates[batch] = _print(load, given.clients, asked, given.seconds)
    print(f"batches of up to 8 give {rates[8] / rates[1]:.2f} times the throughput of single pictures")


if __name__ == "__main__":
    main()
