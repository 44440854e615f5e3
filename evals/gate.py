"""The regression gate: a small suite on pictures that the project makes itself, each figure held to an interval.

The suite is drawn, pasted and spoiled from one public-domain photograph, so it needs no data folder and is the same
everywhere. It says nothing about how good a tool is; it says when one has changed. ``baselines.json`` holds the
intervals: a figure that leaves its own fails the gate, until a person looks and renews it.

    python -m evals.gate            checks
    python -m evals.gate --renew    measures anew and writes the intervals
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from evals.homemade import SUITES
from evals.result import Result
from evals.run import Order, run
from faceagent.settings import Settings, load

FILE = "baselines.json"
ROUNDS = 50
"""Intervals of this suite are not read; few rounds suffice."""
SLACK = {"ratio": 0.02, "absolute": 0.01}
"""Platforms round differently: what a figure may move without anything having changed."""


class Leaving(NamedTuple):
    """A figure that left its interval, or is not there any more."""

    suite: str
    metric: str
    value: float | None
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.suite}: {self.metric} is {self.value}, outside {self.low:g} to {self.high:g}"


def intervals() -> Mapping[str, Mapping[str, tuple[float, float]]]:
    """Suite → metric → lowest and highest value that passes."""
    text = resources.files("evals").joinpath(FILE).read_text(encoding="utf-8")
    suites: dict[str, dict[str, list[float]]] = json.loads(text)["suites"]
    return {suite: {name: (ends[0], ends[1]) for name, ends in metrics.items()} for suite, metrics in suites.items()}


def check(settings: Settings, suites: Sequence[str] | None = None) -> list[Leaving]:
    """Measure the suites and list what left its interval."""
    known = intervals()
    found: list[Leaving] = []
    for name, result in measure(settings, suites or tuple(known)):
        found += leaving(name, result, known[name])
    return found


def leaving(suite: str, result: Result, known: Mapping[str, tuple[float, float]]) -> Iterator[Leaving]:
    """The figures of one result outside their intervals."""
    for metric, (low, high) in known.items():
        value = result.metrics[metric].value if metric in result.metrics else None
        if value is None or not low <= value <= high:
            yield Leaving(suite, metric, value, low, high)


def measure(settings: Settings, suites: Sequence[str]) -> Iterator[tuple[str, Result]]:
    """Make each suite's pictures in a temporary folder and run its task on them."""
    for name in suites:
        task, make = SUITES[name]
        with tempfile.TemporaryDirectory() as folder:
            yield name, _run(task, make, Path(folder), settings)


def _run(task: str, make: Callable[[Path], None], folder: Path, settings: Settings) -> Result:
    data = folder / "data"
    data.mkdir()
    make(data)
    return run(Order(task, data, settings, out=folder / "run", rounds=ROUNDS)).result


def renewed(settings: Settings) -> dict[str, dict[str, list[float]]]:
    """Intervals around what is measured now; times are left out."""
    return {
        name: {
            metric: _interval(one.value)
            for metric, one in result.metrics.items()
            if one.value is not None and not metric.startswith(("ms_", "fruits"))
        }
        for name, result in measure(settings, tuple(SUITES))
    }


def _interval(value: float) -> list[float]:
    reach = max(abs(value) * SLACK["ratio"], SLACK["absolute"])
    return [round(value - reach, 4), round(value + reach, 4)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or renew; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals.gate", description=__doc__)
    parser.add_argument("--renew", action="store_true", help="write new intervals")
    options = parser.parse_args(arguments)
    if options.renew:
        note = "Written by `python -m evals.gate --renew` after a person agreed that the change is meant."
        text = json.dumps({"note": note, "suites": renewed(load())}, indent=1)
        (Path(__file__).parent / FILE).write_text(text + "\n", encoding="utf-8")
        return 0
    found = check(load())
    for one in found:
        print(one)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
