"""Hostile inputs in bulk: ``make fuzz``, or ``python -m evals.benchmarks.fuzz [--inputs N] [--seed S]``.

Every input goes through intake and the readers of metadata, a sample of them and of photographs with a face through
the whole analysis. Counted are exceptions (a broken request is an answer, not one), the processor time of each input,
and the memory beyond that of the loaded models. The exit code is 1 where a bar is missed; an input is made again from
the seed and its number.
"""

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals.data.hostile_inputs import HostileInputs
from faceagent import Analyst, InputError, Settings
from faceagent.cli.render import progress_bar
from faceagent.intake import Input, MemoryBlobs, expand, take
from faceagent.intake.credentials import read_credentials
from faceagent.intake.metadata import read_metadata
from faceagent.types import Problem

SLOWEST = 5.0
"""Seconds of processor time that one input may take."""
MOST_MEMORY = 1024.0
"""MB beyond the loaded models."""
KEPT = 20
"""Failures that are shown."""


@dataclass
class Outcome:
    """What a run found."""

    inputs: int = 0
    analyses: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    slowest_input: str = ""
    memory: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every bar holds."""
        return not self.failures and self.slowest <= SLOWEST and self.memory <= MOST_MEMORY


def run_intake(
    inputs: HostileInputs, numbers: Sequence[int], outcome: Outcome, advance: Callable[[], None] | None = None
) -> None:
    """Take every input in, and read its metadata and credentials."""
    for number in numbers:
        kind, one = inputs.make(number)
        _timed(f"{kind} {number}", partial(_take, one), outcome)
        outcome.inputs += 1
        if advance is not None:
            advance()


def run_analysis(
    analyst: Analyst,
    inputs: HostileInputs,
    numbers: Sequence[int],
    outcome: Outcome,
    advance: Callable[[], None] | None = None,
) -> None:
    """Analyse a hostile input and a photograph with a face, for every number, in one call."""
    for number in numbers:
        kind, one = inputs.make(number)
        given = [one, inputs.face(number)]
        _timed(f"analysis of {kind} {number}", partial(_analyse, analyst, given), outcome)
        outcome.analyses += 1
        if advance is not None:
            advance()


def peak_memory() -> float:
    """MB: the largest resident memory of this process since ``forget_peak``."""
    return _status("VmHWM")


def forget_peak() -> float:
    """Begin to measure the peak anew; returns the MB that are resident now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def _timed(name: str, work: Callable[[], list[str]], outcome: Outcome) -> None:
    started = time.process_time()
    try:
        outcome.answers.update(work())
    except InputError:
        outcome.answers["broken request"] += 1
    except Exception:
        outcome.failures.append(f"{name}: {traceback.format_exc(limit=-3)}")
    spent = time.process_time() - started
    if spent > outcome.slowest:
        outcome.slowest, outcome.slowest_input = spent, name


def _take(one: Input) -> list[str]:
    blobs, settings = MemoryBlobs(), Settings()
    answers: list[str] = []
    for source in expand([one], blobs):
        found = take(source, blobs, settings)
        answers.append(found.reason if isinstance(found, Problem) else "picture")
        if source.kind == "bytes" and source.problem is None:
            data = blobs.get(source.ref)
            read_metadata(data)
            read_credentials(data)
    return answers


def _analyse(analyst: Analyst, given: list[Input]) -> list[str]:
    reports = list(analyst.analyze_many(given))
    if any(item.reason == "crashed" for report in reports for item in report.evidence):
        raise RuntimeError("a tool crashed")
    return [report.problem.reason if report.problem else "report" for report in reports]


def main() -> None:
    """Run, print what was found, and exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--analyses", type=int, default=100, help="how many of them are analysed as a whole")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    # Python's own warnings about strange numbers and closed files are no finding.
    warnings.simplefilter("ignore")
    outcome = Outcome()
    with (
        tempfile.TemporaryDirectory() as folder,
        Analyst(Settings(workers=1, explain="ledger")) as analyst,
        progress_bar() as bar,
    ):
        inputs = HostileInputs.prepared(asked.seed, Path(folder))
        _analyse(analyst, [inputs.face(0)])
        resident = forget_peak()
        task = bar.add_task("fuzzing", total=asked.inputs + asked.analyses)
        step = max(1, asked.inputs // max(1, asked.analyses))
        run_analysis(analyst, inputs, range(0, asked.analyses * step, step), outcome, lambda: bar.advance(task))
        run_intake(inputs, range(asked.inputs), outcome, lambda: bar.advance(task))
        outcome.memory = peak_memory() - resident
    _print(outcome)
    sys.exit(0 if outcome.passed else 1)


def _print(outcome: Outcome) -> None:
    console = Console()
    for failure in outcome.failures[:KEPT]:
        console.print(failure, markup=False, highlight=False)
    table = Table("what", "measured", "bar", title="Hostile inputs")
    table.add_row("inputs through intake", f"{outcome.inputs:,}", "")
    table.add_row("calls of the whole analysis, two inputs each", f"{outcome.analyses:,}", "")
    table.add_row("exceptions", f"{len(outcome.failures)}", "0")
    table.add_row(f"slowest ({outcome.slowest_input})", f"{outcome.slowest:.2f} s", f"<= {SLOWEST:g} s")
    table.add_row("memory beyond the models", f"{outcome.memory:.0f} MB", f"<= {MOST_MEMORY:.0f} MB")
    for answer, count in outcome.answers.most_common():
        table.add_row(f"answered: {answer}", f"{count:,}", "")
    console.print(table)


if __name__ == "__main__":
    main()
