"""``python -m evals.results --data DIR``: every planned figure, measured, written and printed.

Carries out ``plans.toml``, writes docs/results.json, docs/results.md and the README's table, and prints that table.
A run is carried out when it has no result yet, or when its pictures, labels, tool, weights or task protocol are others
by now; what was interrupted goes on where it stopped; what was observed is only scored again when nothing but the
program changed. What was not measured on this machine keeps its figures in docs/results.json. ``--fresh`` measures
anew, ``--only`` some tasks, and without a data folder the pages are only written.

Exit status: 0 every threshold that could be measured is met, 1 one is missed, 2 nothing was measured.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from evals.data.derived import locate
from evals.plans import PlannedRun, plans
from evals.report import markdown, readme
from evals.report.summary import FinishedRun, Summary, misses, renewed, summarise
from evals.report.summary import read as read_summary
from evals.result import NAME, read
from evals.run import RunConfig, is_current, prepare, run
from faceagent.errors import FaceagentError
from faceagent.settings import Settings, load

DOCS = Path("docs")
README = Path("README.md")
JSON, PAGE = "results.json", "results.md"


def perform(planned: Sequence[PlannedRun], data: Path, runs: Path, console: Console, *, fresh: bool = False) -> None:
    """Carry out the runs that are missing or out of date; a set that is not there is named and passed over."""
    settings = load()
    for plan in planned:
        started = time.monotonic()
        try:
            config = _config(plan, data, runs, settings, fresh=fresh)
            prepared = prepare(config)
            if not fresh and is_current(prepared):
                continue
            outcome = run(config, prepared=prepared)
        except FaceagentError as error:
            console.print(f"{plan.name}: {error}", soft_wrap=True)
            continue
        spent = time.monotonic() - started
        notes = " ".join(outcome.notes)
        console.print(f"{plan.name}: n = {outcome.result.dataset.n}, {spent:.0f} s. {notes}", soft_wrap=True)


def _config(plan: PlannedRun, data: Path, runs: Path, settings: Settings, *, fresh: bool) -> RunConfig:
    return RunConfig(
        plan.task,
        locate(plan.data, data, runs / "made", settings),
        settings,
        plan.tool,
        plan.split,
        plan.limit,
        runs / plan.name,
        fresh=fresh,
        where=plan.where,
        key="protocol",
    )


def finished(planned: Sequence[PlannedRun], runs: Path, limit: int | None = None) -> Iterator[FinishedRun]:
    """The planned runs that have a result: the one that was planned, else one on fewer cases."""
    for plan in planned:
        there = [one for one in (plan, plan.capped(limit)) if (runs / one.name / NAME).is_file()]
        if there:
            yield FinishedRun(plan, read(runs / there[0].name), runs / there[0].name, there[0].part)


def write(summary: Summary, docs: Path, page: Path | None) -> None:
    """Write results.json and results.md into ``docs``, and the table into the README ``page`` where there is one."""
    docs.mkdir(parents=True, exist_ok=True)
    (docs / JSON).write_text(summary.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (docs / PAGE).write_text(markdown.page(summary), encoding="utf-8")
    if page is not None and page.is_file():
        page.write_text(readme.with_figures(page.read_text(encoding="utf-8"), summary), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals.results", description=__doc__)
    folder = os.environ.get("FACEAGENT_DATA")
    parser.add_argument(
        "--data", type=Path, default=folder and Path(folder), help="folder of the sets; default: $FACEAGENT_DATA"
    )
    parser.add_argument("--runs", type=Path, help="folder for the runs; default: results in the cache")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder for results.json and results.md")
    parser.add_argument("--readme", type=Path, default=README, help="file whose table of figures is written")
    parser.add_argument("--only", nargs="*", default=[], metavar="TASK", help="measure these tasks only")
    parser.add_argument("--limit", type=int, help="cases at most in every run, where there is none of the whole")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    runs = options.runs or load().cache / "results"
    planned = plans().run
    if options.data is not None:
        chosen = [plan.capped(options.limit) for plan in planned if not options.only or plan.task in options.only]
        perform(chosen, options.data, runs, console, fresh=options.fresh)
    done = list(finished(planned, runs, options.limit))
    if not done:
        console.print("Nothing was measured.")
        return 2
    summary = summarise(done)
    if (options.docs / JSON).is_file():
        summary = renewed(read_summary(options.docs / JSON), summary, [plan.name for plan in planned])
    write(summary, options.docs, options.readme)
    print(readme.table(summary))
    missed = misses(summary)
    for miss in missed:
        console.print(f"missed: {miss}", soft_wrap=True)
    console.print(f"Written: {options.docs / JSON}, {options.docs / PAGE}, {options.readme}", soft_wrap=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
