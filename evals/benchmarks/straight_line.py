"""How fast the straight line is: ``python -m evals.benchmarks.straight_line [--pictures N]`` prints one table.

Ratios are taken within one run, on one machine, so that they can be compared between machines; the absolute times
cannot. The picture is drawn from scikit-image (public domain). No threshold here decides a test.
"""

import argparse
import io
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from faceagent import Analyst, Settings


class InferenceClock:
    """Time inside the models' own calls, summed over threads, by wrapping the runtimes' entry points."""

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
def inference_clock() -> Iterator[InferenceClock]:
    """Clock every call into a network: onnxruntime's sessions, and OpenCV's through the functions that call them."""
    import onnxruntime

    from faceagent.faces import mesh, yunet

    clock = InferenceClock()
    targets: list[tuple[Any, str]] = [
        (onnxruntime.InferenceSession, "run"),
        (mesh, "infer"),
        (yunet, "infer"),
    ]
    before = [getattr(owner, name) for owner, name in targets]
    for (owner, name), function in zip(targets, before, strict=True):
        setattr(owner, name, clock.wrap(function))
    try:
        yield clock
    finally:
        for (owner, name), function in zip(targets, before, strict=True):
            setattr(owner, name, function)


def demo_picture() -> bytes:
    """The astronaut as JPEG bytes, 512×512, one face."""
    pixels: NDArray[np.uint8] = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def import_seconds() -> float:
    """Median time of ``import faceagent`` in a fresh interpreter, less that of an empty one."""

    def run(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  (our own interpreter, fixed code)
        return time.perf_counter() - start

    return statistics.median(run("import faceagent") - run("pass") for _ in range(7))


def overhead(picture: bytes, rounds: int) -> tuple[float, float]:
    """Median seconds of one warm ``analyze``, and the share of it outside the models' own inference.

    One worker, so that nothing runs side by side and the parts add up to the whole.
    """
    with inference_clock() as clock, Analyst(Settings(workers=1)) as analyst:
        analyst.analyze(picture)
        totals, shares = [], []
        for _ in range(rounds):
            clock.seconds = 0.0
            start = time.perf_counter()
            analyst.analyze(picture)
            total = time.perf_counter() - start
            totals.append(total)
            shares.append(1 - clock.seconds / total)
    return statistics.median(totals), statistics.median(shares)


def batch_gain(picture: bytes, rounds: int) -> tuple[float, float]:
    """Pictures per second one by one and in batches of 32, alternating so that drift hits both."""
    with Analyst(Settings()) as analyst:
        list(analyst.analyze_many([picture] * 32))
        singles, batches = [], []
        for _ in range(rounds):
            start = time.perf_counter()
            for _ in range(32):
                analyst.analyze(picture)
            singles.append(time.perf_counter() - start)
            start = time.perf_counter()
            list(analyst.analyze_many([picture] * 32))
            batches.append(time.perf_counter() - start)
    return 32 / statistics.median(singles), 32 / statistics.median(batches)


def memory(picture: bytes, pictures: int) -> tuple[float, float]:
    """Peak resident megabytes after the first tenth of ``pictures`` and after all of them."""

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    early = 0.0
    with Analyst(Settings()) as analyst:
        for number, _ in enumerate(analyst.analyze_many(picture for _ in range(pictures)), start=1):
            if number == max(pictures // 10, 1):
                early = peak()
    return early, peak()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1000, help="pictures of the memory run")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    picture = demo_picture()
    imported = import_seconds()
    one, outside = overhead(picture, 4 * asked.rounds)
    single, batched = batch_gain(picture, asked.rounds)
    early, late = memory(picture, asked.pictures)
    table = Table("what", "measured", "bar", title="The straight line, embedded profile")
    table.add_row("import faceagent", f"{imported:.3f} s", "< 0.3 s")
    table.add_row("warm analyze, one face, one worker", f"{1000 * one:.0f} ms", "")
    table.add_row("outside the models' own inference", f"{outside:.1%}", "<= 10 %")
    table.add_row("pictures per second, one by one", f"{single:.2f}", "")
    table.add_row("pictures per second, batch of 32", f"{batched:.2f}", "")
    table.add_row("batch / singles", f"{batched / single:.2f} x", ">= 1.5 x")
    table.add_row(f"peak memory after {max(asked.pictures // 10, 1)} pictures", f"{early:.0f} MB", "< 2048 MB")
    table.add_row(f"peak memory after {asked.pictures} pictures", f"{late:.0f} MB", "flat")
    table.add_row("growth", f"{late / early:.3f} x", "about 1")
    Console().print(table)


if __name__ == "__main__":
    main()
