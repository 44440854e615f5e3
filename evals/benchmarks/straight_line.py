"""How fast the straight line is: ``python -m evals.benchmarks.straight_line [--pictures N]`` prints one table.

Ratios are taken within one run, on one machine, so that they can be compared between machines; the absolute times
cannot. Every picture is another one, so that nothing is remembered. No threshold here decides a test.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from evals.benchmarks.pictures import demo_pictures
from faceagent import Analyst, Settings
from faceagent.types import Question

ENCODER: tuple[Question, ...] = ("forgery", "morph", "age", "gender")
"""Questions whose detectors read the vision towers."""


class Clock:
    """Wall seconds inside wrapped functions; with one worker they do not overlap."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, clocked."""

        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self.seconds += time.perf_counter() - start

        return run


@contextmanager
def clocked(*targets: tuple[Any, str]) -> Iterator[Clock]:
    """Clock the named attributes of these modules and classes while the block runs."""
    clock = Clock()
    before = [getattr(owner, name) for owner, name in targets]
    for (owner, name), function in zip(targets, before, strict=True):
        setattr(owner, name, clock.wrap(function))
    try:
        yield clock
    finally:
        for (owner, name), function in zip(targets, before, strict=True):
            setattr(owner, name, function)


def import_seconds() -> float:
    """Median time of ``import faceagent`` in a fresh interpreter, less that of an empty one."""

    def run(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  (our own interpreter, fixed code)
        return time.perf_counter() - start

    return statistics.median(run("import faceagent") - run("pass") for _ in range(7))


class Shares(NamedTuple):
    """One warm ``analyze``: wall seconds, and what share of them lies outside two kinds of work."""

    seconds: float
    outside_specialists: float
    outside_networks: float


def overhead(pictures: Iterator[bytes], rounds: int) -> Shares:
    """Medians over warm runs with one worker, so that nothing runs side by side and the parts add up to the whole.

    The specialists are the face finder and the tools; what is left is the house: intake, graph, judge, explanation,
    report. The networks are the calls into onnxruntime, OpenCV and torch alone; what is left then includes the
    specialists' own arithmetic (alignment, spectra, action units).
    """
    from faceagent import faces
    from faceagent.agent import pipeline
    from faceagent.encoder import encoder
    from faceagent.faces import mesh, yunet
    from faceagent.weights.telemetry import import_onnxruntime

    specialists = clocked((faces, "find_faces"), (pipeline, "measure"))
    networks = clocked(
        (import_onnxruntime().InferenceSession, "run"), (mesh, "infer"), (yunet, "infer"), (encoder.Encoder, "run")
    )
    with specialists as inside, networks as network, Analyst(Settings(workers=1)) as analyst:
        analyst.analyze(next(pictures))
        found = []
        for picture in islice(pictures, rounds):
            inside.seconds = network.seconds = 0.0
            start = time.perf_counter()
            analyst.analyze(picture)
            total = time.perf_counter() - start
            found.append(Shares(total, 1 - inside.seconds / total, 1 - network.seconds / total))
    return Shares(*(statistics.median(values) for values in zip(*found, strict=True)))


def batch_gain(pictures: Iterator[bytes], rounds: int) -> tuple[float, float]:
    """Pictures per second one by one and in batches of 32, alternating so that drift hits both."""
    with Analyst(Settings()) as analyst:
        list(analyst.analyze_many(islice(pictures, 32)))
        singles, batches = [], []
        for _ in range(rounds):
            alone, together = list(islice(pictures, 32)), list(islice(pictures, 32))
            start = time.perf_counter()
            for picture in alone:
                analyst.analyze(picture)
            singles.append(time.perf_counter() - start)
            start = time.perf_counter()
            list(analyst.analyze_many(together))
            batches.append(time.perf_counter() - start)
    return 32 / statistics.median(singles), 32 / statistics.median(batches)


def shared_passes(pictures: Iterator[bytes], rounds: int) -> float:
    """Processor time of a batch of 32 for all questions of ``ENCODER`` over that for forgery alone.

    Processor time of the process, so that a busy machine distorts little; other pictures for either.
    """
    with Analyst(Settings()) as analyst:
        list(analyst.analyze_many(islice(pictures, 2), questions=ENCODER))
        found = []
        for _ in range(rounds):
            taken = []
            for questions in (ENCODER, ENCODER[:1]):
                batch = list(islice(pictures, 32))
                start = time.process_time()
                list(analyst.analyze_many(batch, questions=questions))
                taken.append(time.process_time() - start)
            found.append(taken[0] / taken[1])
    return statistics.median(found)


def memory(pictures: Iterator[bytes], count: int) -> tuple[float, float]:
    """Peak resident megabytes after the first tenth of ``count`` pictures and after all of them."""

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    early = 0.0
    with Analyst(Settings()) as analyst:
        for number, _ in enumerate(analyst.analyze_many(islice(pictures, count)), start=1):
            if number == max(count // 10, 1):
                early = peak()
    return early, peak()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1000, help="pictures of the memory run")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    pictures = demo_pictures()
    imported = import_seconds()
    shares = overhead(pictures, 4 * asked.rounds)
    single, batched = batch_gain(pictures, asked.rounds)
    together = shared_passes(pictures, asked.rounds)
    early, late = memory(pictures, asked.pictures)
    table = Table("what", "measured", "bar", title="The straight line, embedded profile")
    table.add_row("import faceagent", f"{imported:.3f} s", "< 0.3 s")
    table.add_row("warm analyze, one face, one worker", f"{1000 * shares.seconds:.0f} ms", "")
    table.add_row("  of it outside face finder and tools", f"{shares.outside_specialists:.1%}", "<= 10 %")
    table.add_row("  of it outside the networks alone", f"{shares.outside_networks:.1%}", "")
    table.add_row("pictures per second, one by one", f"{single:.2f}", "")
    table.add_row("pictures per second, batch of 32", f"{batched:.2f}", "")
    table.add_row("batch / singles", f"{batched / single:.2f} x", ">= 1.6 x")
    table.add_row("forgery, morph, age and gender / forgery alone, batch of 32", f"{together:.2f} x", "<= 1.25 x")
    table.add_row(f"peak memory after {max(asked.pictures // 10, 1)} pictures", f"{early:.0f} MB", "< 2048 MB")
    table.add_row(f"peak memory after {asked.pictures} pictures", f"{late:.0f} MB", "flat")
    table.add_row("growth", f"{late / early:.3f} x", "about 1")
    Console().print(table)


if __name__ == "__main__":
    main()
