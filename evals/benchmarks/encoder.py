"""How fast the encoder is: ``python -m evals.benchmarks.encoder [--rounds N]`` prints one table.

Processor time on one thread, so that a busy machine distorts little, except for the batch, whose parts are walked on
all cores: time on the wall, to be read on a quiet machine. Ratios within one run. Nothing is remembered between calls,
and all crops differ.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from faceagent.encoder.branch import load_branch, shipped
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.tower import load_tower
from faceagent.settings import Settings, load
from faceagent.weights import locate
from faceagent.weights.telemetry import import_onnxruntime

BRANCHES = ("forgery_fast", "forgery_generated", "morph", "attributes")
"""The shipped branches of one tower."""


def seconds(call: Callable[[], object], rounds: int, clock: Callable[[], float] = time.process_time) -> float:
    """Median time of a call, after one that does not count."""
    call()
    found = []
    for _ in range(rounds):
        start = clock()
        call()
        found.append(clock() - start)
    return statistics.median(found)


def measure(settings: Settings, rounds: int) -> list[tuple[str, float, float]]:
    """Name, ratio and bar of every figure."""
    tower = load_tower(settings)
    encoder = Encoder(tower, [load_branch(shipped(name), tower) for name in BRANCHES], workers=settings.workers)
    crops = list(np.random.default_rng(0).integers(0, 256, (32, tower.size, tower.size, 3), dtype=np.uint8))
    some, names, wall = crops[:4], list(encoder.branches), time.perf_counter
    together = seconds(lambda: encoder.run(some), rounds)
    apart = seconds(lambda: [encoder.run(some, [name]) for name in names], rounds)
    single = seconds(lambda: encoder.run(crops[:1], names[:1]), rounds, wall)
    batch = seconds(lambda: encoder.run(crops, names[:1]), rounds, wall)
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(locate("dinov2_vits14", settings), options)
    images = tower.tensor(crops[:1]).numpy()
    other = seconds(lambda: session.run(None, {"input": images}), rounds)

    def alone() -> None:
        with torch.inference_mode():
            tower.backbone.finish(tower.frozen_tokens(tower.tensor(crops[:1]), 0))

    return [
        ("four branches in one pass / four passes", together / apart, 0.45),
        ("time per face, batch of 32 / single", batch / len(crops) / single, 0.5),
        ("tower / onnxruntime", seconds(alone, rounds) / other, 1.2),
    ]


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.encoder", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    view = Table("figure", "ratio", "aim ≤")
    for name, ratio, bar in measure(load(threads=1), options.rounds):
        view.add_row(name, f"{ratio:.2f}", f"{bar:g}")
    Console().print(view)


if __name__ == "__main__":
    main()
