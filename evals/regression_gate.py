"""The regression gate: a small suite on pictures that the project makes itself, each figure held to an interval.

The suite is drawn, pasted and spoiled from one public-domain photograph, so it needs no data folder and is the same
everywhere. It says nothing about how good a tool is; it says when one has changed. ``baselines.json`` holds the
intervals: a figure that leaves its own fails the gate, until a person looks and renews it.

    python -m evals.regression_gate              checks the small suite
    python -m evals.regression_gate --runs DIR   checks the large sets: runs that `python -m evals.results` left in DIR
    python -m evals.regression_gate --renew      measures the small suite anew, writes its intervals; with --runs both

An interval of a large set is the bootstrap interval that the figure had when it was accepted; what it must reach in
any case stands in ``thresholds.toml``.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple

from evals.result import NAME, Result, read
from evals.run import RunConfig, run
from evals.synthetic_data import SUITES
from evals.thresholds import thresholds
from faceagent.settings import Settings, load

FILE = "baselines.json"
ROUNDS = 50
"""Intervals of this suite are not read; few rounds suffice."""
SLACK = {"ratio": 0.02, "absolute": 0.01}
"""Platforms round differently: what a figure may move without anything having changed."""


TIMES = ("ms_", "fruits")
"""Figures that depend on the machine."""


class OutOfInterval(NamedTuple):
    """A figure that left its interval, or is not there any more."""

    suite: str
    metric: str
    value: float | None
    low: float
    high: float

    def __str__(self) -> str:
        if math.isinf(self.high) or math.isinf(self.low):
            needed = f"≥ {self.low:g}" if math.isinf(self.high) else f"≤ {self.high:g}"
            return f"{self.suite}: {self.metric} is {self.value}, needed {needed}"
        return (
            f"{self.suite}: {self.metric} is {self.value}, outside {self.low:g} to {self.high:g}; "
            "if that is meant: python -m evals.regression_gate --renew"
        )


Intervals = Mapping[str, Mapping[str, tuple[float, float]]]
"""Suite → metric → lowest and highest value that passes."""


def intervals(kind: Literal["suites", "sets"] = "suites") -> Intervals:
    """The shipped intervals: of the small suites, or of the large sets."""
    text = resources.files("evals").joinpath(FILE).read_text(encoding="utf-8")
    suites: dict[str, dict[str, list[float]]] = json.loads(text)[kind]
    return {suite: {name: (ends[0], ends[1]) for name, ends in metrics.items()} for suite, metrics in suites.items()}


def check_runs(runs: Path) -> list[OutOfInterval]:
    """What left its interval, or misses its threshold, among the runs in a folder; a set not run is passed over."""
    found: list[OutOfInterval] = []
    for known in (intervals("sets"), demanded()):
        for name, metrics in known.items():
            if (runs / name / NAME).is_file():
                found += leaving(name, read(runs / name), metrics)
    return found


def demanded() -> Intervals:
    """The thresholds of planned runs as intervals that are open on one side."""
    return {
        run: {
            metric: (-math.inf if one.min is None else one.min, math.inf if one.max is None else one.max)
            for metric, one in metrics.items()
        }
        for run, metrics in thresholds().items()
    }


def accepted(runs: Path) -> dict[str, dict[str, list[float]]]:
    """The headline figures of the runs in a folder, each with the interval it has."""
    return {
        path.parent.name: {
            name: [one.low, one.high]
            for name, one in read(path).metrics.items()
            if one.low is not None and one.high is not None and "." not in name and not name.startswith(TIMES)
        }
        for path in sorted(runs.glob(f"*/{NAME}"))
    }


def check(settings: Settings, suites: Sequence[str] | None = None) -> list[OutOfInterval]:
    """Measure the suites and list what left its interval."""
    known = intervals()
    found: list[OutOfInterval] = []
    for name, result in measure(settings, suites or tuple(known)):
        found += leaving(name, result, known[name])
    return found


def leaving(suite: str, result: Result, known: Mapping[str, tuple[float, float]]) -> Iterator[OutOfInterval]:
    """The figures of one result outside their intervals."""
    for metric, (low, high) in known.items():
        value = result.metrics[metric].value if metric in result.metrics else None
        if value is None or not low <= value <= high:
            yield OutOfInterval(suite, metric, value, low, high)


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
    return run(RunConfig(task, data, settings, out=folder / "run", rounds=ROUNDS)).result


def renewed(settings: Settings) -> dict[str, dict[str, list[float]]]:
    """Intervals around what is measured now; times are left out."""
    return {
        name: {
            metric: _interval(one.value)
            for metric, one in result.metrics.items()
            if one.value is not None and not metric.startswith(TIMES)
        }
        for name, result in measure(settings, tuple(SUITES))
    }


def _interval(value: float) -> list[float]:
    reach = max(abs(value) * SLACK["ratio"], SLACK["absolute"])
    return [round(value - reach, 4), round(value + reach, 4)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or renew; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals.regression_gate", description=__doc__)
    parser.add_argument("--renew", action="store_true", help="write new intervals")
    parser.add_argument("--runs", type=Path, help="folder of the large suites' runs")
    options = parser.parse_args(arguments)
    if options.renew:
        note = "Written by `python -m evals.regression_gate --renew` after a person agreed that the change is meant."
        sets = accepted(options.runs) if options.runs else {name: dict(one) for name, one in intervals("sets").items()}
        text = json.dumps({"note": note, "suites": renewed(load()), "sets": sets}, indent=1)
        (Path(__file__).parent / FILE).write_text(text + "\n", encoding="utf-8")
        return 0
    found = check_runs(options.runs) if options.runs else check(load())
    for one in found:
        print(one)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
