"""The service under load on this machine: ``python -m evals.benchmarks.service [--seconds 600] [--clients 8]``.

Starts ``faceagent serve`` on a folder of its own and asks it for reports on a photograph that ships with scikit-image,
each time cut out elsewhere, so that no two pictures have the same pixels. Prints, each with its bar: the time to ready
without and with models, what a request costs over the same call in this process, errors, times and memory under load,
and the throughput with batches across requests over that without. A load is measured after a warm-up: weights are read
from their files as they are first used, and the encoder remembers crops until its memory is full. Times mean something
only on a machine that does nothing else; its load is printed.
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
from typing import NamedTuple

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
OF_A_CLIENT, WARM_UP = 500, 400
"""Pictures that each client has for itself, and the number of the first one of those for the warm-up."""


@dataclass
class Load:
    """What the clients met. ``took``: seconds from the first request to the last answer."""

    took: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


class Figure(NamedTuple):
    """One measured value and the bar it has to keep; ``at_least``: not to fall below, else not to exceed."""

    name: str
    value: float
    bar: float
    unit: str
    at_least: bool = False

    def line(self) -> str:
        """As it is printed."""
        met = self.value >= self.bar if self.at_least else self.value <= self.bar
        sign = ">=" if self.at_least else "<="
        return f"{self.name:44}{self.value:10.2f} {self.unit:3} (bar {sign} {self.bar:g}) {'met' if met else 'MISSED'}"


def photograph(number: int) -> bytes:
    """The astronaut's head as JPEG; each number up to 4000, and then again, is another cutting of the picture.

    With the same pixels the encoder would continue from what it has computed before.
    """
    down, right = number % 50, number // 50 % 80
    buffer = io.BytesIO()
    cutting = Image.fromarray(_photograph()[down : down + 400, right : right + 420])
    cutting.save(buffer, "JPEG", quality=90, comment=str(number).encode())
    return buffer.getvalue()


class Running(NamedTuple):
    """A service that is ready: a client with its key, its process id, how many seconds it took, and its folder."""

    client: httpx2.Client
    process: int
    seconds: float
    folder: Path


@contextmanager
def server(batch: int, *, warm: bool = True) -> Iterator[Running]:
    """A running service."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        variables = {"FACEAGENT_SERVE_DATABASE": folder, "FACEAGENT_SERVE_PORT": "0", "FACEAGENT_SERVE_RATE": "1000000"}
        environment = {**os.environ, **variables, "FACEAGENT_SERVE_BATCH": str(batch)}
        with log.open("wb") as out:
            start = time.perf_counter()
            command = [sys.executable, "-m", "faceagent", "serve", *(["--warm"] if warm else [])]
            process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)  # noqa: S603 - our own program
        try:
            url, key = _address(log, process)
            with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
                while client.get("/readyz").status_code != 200:
                    time.sleep(0.05)
                yield Running(client, process.pid, time.perf_counter() - start, Path(folder))
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


def drive(client: httpx2.Client, process: int, clients: int, seconds: float, *, first: int = 0) -> Load:
    """``clients`` threads that ask one after the other, for ``seconds``; ``first``: number of their first picture."""
    load, begun, lock = Load(), time.perf_counter(), threading.Lock()
    end = begun + seconds

    def work(place: int) -> None:
        number = first + place * OF_A_CLIENT
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
    load.took = time.perf_counter() - begun
    return load


class Cost(NamedTuple):
    """Milliseconds, medians: a request over loopback, and what it takes over the same call by turns with it."""

    request: float
    overhead: float
    processor: float


def overhead() -> Cost:
    """What a request costs over ``Analyst.analyze`` on pictures of the same face, in pairs whose order changes.

    Server, client and analyst share this process, so that all are slowed down alike by what else runs. The server's
    analyst has the settings of a service: pictures are decoded in processes of their own.
    """
    pairs: list[tuple[float, float]] = []
    processor: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, Analyst(Settings()) as analyst:
        app = create_app(ServiceSettings(database=folder, open=True), Settings())
        running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
        thread = threading.Thread(target=running.run)
        thread.start()
        while not running.started:
            time.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:

            def ask(data: bytes) -> None:
                client.post("/v1/analyze", files={"image": ("a.jpg", data)}, data={"questions": QUESTIONS})

            def call(data: bytes) -> None:
                analyst.analyze(data, questions=QUESTIONS)

            for number in range(ROUNDS + WARM):
                found = {}
                for turn, one in enumerate((ask, call) if number % 2 else (call, ask)):
                    data = photograph(2 * number + turn)
                    start, used = time.perf_counter(), time.process_time()
                    one(data)
                    found[one] = 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - used)
                if number >= WARM:
                    pairs.append((found[ask][0], found[call][0]))
                    processor.append((found[ask][1], found[call][1]))
        running.should_exit = True
        thread.join()
    return Cost(
        statistics.median(asked for asked, _ in pairs),
        statistics.median(asked - called for asked, called in pairs),
        statistics.median(asked - called for asked, called in processor),
    )


def figures(load: Load, clients: int, single: float) -> list[Figure]:
    """Errors, times and memory of a load; ``single``: milliseconds of one request alone."""
    times = np.array(load.seconds)
    bar = 2 * single / 1000 * clients / (os.cpu_count() or 1)
    fifth = max(1, len(load.memory) // 5)
    early, late = statistics.median(load.memory[fifth : 2 * fifth]), statistics.median(load.memory[-fifth:])
    errors = sum(count for status, count in load.statuses.items() if status != 200)
    print(
        f"  {len(times)} requests, statuses {load.statuses}, median {np.median(times):.2f} s, {late:.0f} MB at the end"
    )
    return [
        Figure(f"errors, {clients} clients", errors, 0, ""),
        Figure("p95 (2 x single time x clients / cores)", float(np.quantile(times, 0.95)), round(bar, 2), "s"),
        Figure("memory, last fifth over the second", 100 * (late / early - 1), 5, "%"),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of load")
    parser.add_argument("--single-seconds", type=float, default=60.0, help="of load without batches")
    parser.add_argument("--warm-up", type=float, default=60.0, help="seconds of load before each that is measured")
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    found: list[Figure] = []

    def told(*more: Figure) -> None:
        for one in more:
            print(one.line(), flush=True)
        found.extend(more)

    print(f"load of the machine before: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores")
    with server(8, warm=False) as running:
        told(Figure("start to ready, without models", running.seconds, 5, "s"))
    cost = overhead()
    told(Figure("request over the call, median of pairs", cost.overhead, 15, "ms"))
    print(f"  {cost.request:.0f} ms a request; {cost.processor:+.1f} ms of processor time, without decoding")
    rates = {}
    for batch, seconds in ((8, given.seconds), (1, given.single_seconds)):
        with server(batch) as running:
            drive(running.client, running.process, given.clients, given.warm_up, first=WARM_UP)
            load = drive(running.client, running.process, given.clients, seconds)
            rates[batch] = len(load.seconds) / load.took
            if batch == 8:
                told(Figure("start to ready, with warm models", running.seconds, 20, "s"))
                told(*figures(load, given.clients, cost.request))
    told(Figure("throughput in batches over one at a time", rates[8] / rates[1], 1.5, "x", at_least=True))
    print(f"load of the machine after: {os.getloadavg()[0]:.1f}")
    missed = [one.name for one in found if "MISSED" in one.line()]
    print("all bars are met" if not missed else f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
