"""What the harness itself costs: ``python -m evals.benchmarks.harness [--cases 1000 10000]`` prints one table.

Whole runs over sets of growing size, each in a process of its own, with answers that are drawn at random instead of
measured: what is left is reading the set, keeping records, inspect's log, scoring with 1,000 bootstrap rounds, and the
report. Peak memory should hardly grow. No threshold here decides a test.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from evals import report
from evals.data import Case, Skip
from evals.metrics.bootstrap import ROUNDS
from evals.observations import Values
from evals.records import load
from evals.run import RunConfig, run, score
from evals.runner import Runner
from evals.stats.shortcut_features import RINGS
from evals.synthetic_data import write_labels
from evals.tasks import TASKS, attack_detection, spoof
from faceagent.settings import Settings


def drawn(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Answers of the shape that detectors give, from the case's name alone; one in fifty is not answered."""
    del runner
    found: list[Values | Skip] = []
    for case in cases:
        rng = np.random.default_rng(int(case.id.partition(".")[0]))
        logit = float(rng.normal() + (case.truth["class"] == attack_detection.ATTACK))
        cues = {"cue_file_size": int(rng.integers(9999)), "cue_resolution": 65536, "cue_sharpness": float(rng.random())}
        values = {
            "score": logit,
            "scale": "logit",
            "llr": logit / 2.3,
            "probability": 1 / (1 + float(np.exp(-logit))),
            "unclipped": logit / 2.3,
            "called": float(logit > 0),
            "line": "shipped",
            **cues,
            "cue_spectrum": rng.random(RINGS).round(4).tolist(),
        }
        found.append(values if rng.random() < 0.98 else Skip(case.id, "no_face", f"No face was found in {case.id}."))
    return found


TASK = replace(spoof.TASK, name="harness", observe=drawn)


def made(folder: Path, cases: int) -> Path:
    """A set of that size: one small picture under as many names."""
    folder.mkdir()
    first = folder / "picture.png"
    cv2.imwrite(str(first), np.full((16, 16, 3), 128, np.uint8))
    rows = []
    for number in range(cases):
        name = f"{number:07}.png"
        os.link(first, folder / name)
        rows.append({"file": name, "label": "print" if number % 2 else "live", "subject": f"p{number // 4:06}"})
    return write_labels(folder, rows)


def once(cases: int) -> dict[str, float]:
    """One run with its report: seconds of the run, of scoring alone, of the report, and peak memory in MB."""
    if TASK.name not in TASKS:
        TASKS.add(TASK.name, f"{__name__}:TASK")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, out = made(folder / "data", cases), folder / "run"
        started = time.perf_counter()
        run(RunConfig(TASK.name, data, Settings(), "spoof", out=out))
        ran = time.perf_counter()
        report.write(out)
        told = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        again = time.perf_counter()
        score(TASK, load(out)[1], rounds=ROUNDS)
        scored = time.perf_counter()
    return {"run": ran - started, "report": told - ran, "score": scored - again, "peak": peak}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.harness", description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(once(asked.one)))
        return
    table = Table(
        "cases",
        "whole run",
        f"of it scoring, {ROUNDS} rounds",
        "report",
        "peak memory",
        title="The harness without any tool",
    )
    for cases in asked.cases:
        command = [sys.executable, "-m", "evals.benchmarks.harness", "--one", str(cases)]
        told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603
        table.add_row(
            f"{cases:,}",
            f"{told['run']:.1f} s",
            f"{told['score']:.2f} s",
            f"{told['report']:.1f} s",
            f"{told['peak']:.0f} MB",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
