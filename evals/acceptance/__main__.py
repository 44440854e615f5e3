"""``python -m evals.acceptance --data DIR [--only NAME]``: the acceptance figures as one table.

Exit status: 0 every bar that could be measured is met, 1 a bar is missed, 2 nothing could be measured.
"""

import argparse
import importlib
import importlib.util
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals.acceptance import MODULES, MissingSet, Row
from faceagent.settings import Settings, load


def measure(name: str, data: Path, settings: Settings, console: Console) -> list[Row]:
    """All rows of one module; rows it cannot measure are named on the console."""
    if importlib.util.find_spec(f"evals.acceptance.{name}") is None:
        console.print(f"[yellow]{name}: skipped, evals.acceptance.{name} does not exist[/]")
        return []
    started = time.perf_counter()
    rows: list[Row] = []
    try:
        for row in importlib.import_module(f"evals.acceptance.{name}").rows(data, settings):
            if row.value is None:
                console.print(f"[yellow]{name}: {row.on}: {row.figure}, {row.note}[/]")
            else:
                rows.append(row)
    except MissingSet as missing:
        console.print(f"[yellow]{name}: skipped, {missing}[/]")
    console.print(f"{name}: {len(rows)} figures in {time.perf_counter() - started:.0f} s", style="dim")
    return rows


def table(rows: list[Row]) -> Table:
    """The figures, each beside its bar and its aim."""
    view = Table(title="Acceptance")
    for column in ("on", "figure"):
        view.add_column(column)
    for column in ("value", "95 %", "n", "bar", "aim", "met"):
        view.add_column(column, justify="right")
    view.add_column("note")
    for row in rows:
        sign = "≤" if row.lower_is_better else "≥"
        met = {None: "", True: "[green]yes[/]", False: "[red]NO[/]"}[row.met]
        span = "" if row.low is None or row.high is None else f"{row.low:.4g}-{row.high:.4g}"
        bar, aim = ("" if value is None else f"{sign} {value:g}" for value in (row.bar, row.aim))
        view.add_row(row.on, row.figure, f"{row.value:.4g}", span, str(row.n), bar, aim, met, row.note)
    return view


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals.acceptance", description=__doc__)
    folder = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("--data", type=Path, default=folder and Path(folder), help="default: $FACEAGENT_DATA")
    parser.add_argument("--only", action="append", choices=MODULES, help="may be given more than once")
    options = parser.parse_args(arguments)
    if options.data is None or not options.data.is_dir():
        parser.error("--data must name the folder of labelled sets")
    progress = Console(stderr=True)
    rows = [row for name in options.only or MODULES for row in measure(name, options.data, load(), progress)]
    if not rows:
        progress.print("Nothing could be measured.")
        return 2
    console = Console()
    # A file or a pipe has no width of its own, and 80 columns are too few.
    (console if console.is_terminal else Console(width=180)).print(table(rows))
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
