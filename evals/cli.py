"""``faceagent eval``: list tasks and benchmarks, run one, compare two runs, write a report, look for leaks.

``faceagent.cli.checkout`` adds it to the command line where faceagent runs from a checkout. Nothing heavy is imported
before a command needs it, because ``faceagent --help`` imports this module.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from faceagent.cli.render import err, progress_bar
from faceagent.settings import load

if TYPE_CHECKING:
    from evals.result import MetricEstimate

app = typer.Typer(help="Measure tools on labelled sets by the field's protocols.", no_args_is_help=True)
out = Console()

Data = Annotated[Path, typer.Option("--data", "-d", help="A labelled set: see `faceagent eval list`.")]


@app.command("list")
def list_tasks(
    name: Annotated[str | None, typer.Argument(help="A task or a benchmark: all that is known about it.")] = None,
) -> None:
    """The tasks, and the public benchmarks they know; or everything about one of them."""
    from evals.data.catalog import benchmarks
    from evals.tasks import TASKS

    TASKS.freeze()
    if name is not None:
        _describe(name)
        return
    table = Table("task", "tools", "reads", "protocol", title="Tasks", expand=True)
    for known in TASKS:
        task = TASKS.get(known)
        table.add_row(known, ", ".join(task.tools), task.needs, task.protocol)
    out.print(table)
    sets = Table(
        "name", "benchmark", "tasks", "split", "metric", "licence", title="Public benchmarks (none is shipped)"
    )
    for known, entry in benchmarks().items():
        sets.add_row(known, entry.title, ", ".join(entry.tasks), entry.split, entry.metric, entry.licence)
    out.print(sets)
    out.print("faceagent eval list NAME tells all about one: for a benchmark also how to obtain and describe it.")


def _describe(name: str) -> None:
    """One task with what its figures mean, or one benchmark with what to do to have it."""
    from evals.data.catalog import find
    from evals.metric_docs import of_task
    from evals.tasks import TASKS
    from faceagent.errors import InputError

    rows: list[tuple[str, str]]
    if name in TASKS:
        task = TASKS.get(name)
        rows = [
            ("task", f"{task.name}: {task.title}"),
            ("tools", ", ".join(task.tools)),
            ("reads", task.needs),
            ("protocol", task.protocol),
            *of_task(name).items(),
        ]
    elif (entry := find(name)) is not None:
        rows = [
            ("benchmark", f"{entry.title} (faceagent neither ships nor fetches it)"),
            ("tasks", ", ".join(entry.tasks)),
            ("protocol", entry.protocol),
            ("split", entry.split),
            ("metric", entry.metric),
            ("licence", entry.licence),
            ("obtain", entry.obtain),
            ("describe as", f"{entry.descriptor} with {entry.columns}"),
            ("then", f"faceagent eval run {entry.tasks[0]} --data FOLDER"),
        ]
    else:
        raise InputError(f"There is no task and no benchmark called {name!r}.", remedy="See `faceagent eval list`.")
    view = Table(show_header=False, box=None, pad_edge=False)
    for left, right in rows:
        view.add_row(Text(left), Text(right))
    out.print(view)


@app.command("run")
def run_task(
    task: Annotated[str, typer.Argument(help="A task: see `faceagent eval list`.")],
    data: Data,
    tool: Annotated[str | None, typer.Option(help="Which tool; by default the one that fits the labels.")] = None,
    profile: Annotated[str | None, typer.Option(help="embedded or gpu; by default the one in force.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Cases at most, whole people or videos together.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="File for the result as one JSON object.")] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for records, log and result; by default in the cache.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only rows whose column split says this.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Where the pictures of a JSON or pairs descriptor lie, if not beside it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    rounds: Annotated[int, typer.Option(min=1, help="Bootstrap rounds.")] = 1000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Observe again what an earlier run has observed.")] = False,
) -> None:
    """Run one task on one set; resumes a run that was interrupted."""
    from evals.run import RunConfig, run

    settings = load() if profile is None else load(profile=profile)
    config = RunConfig(task, data, settings, tool, split, limit, out_dir, seed, rounds, fresh, pictures)
    try:
        with progress_bar() as bar:
            row = bar.add_task(task, total=None)
            outcome = run(config, lambda done, total: bar.update(row, completed=done, total=total))
    except KeyboardInterrupt:
        err.print("Interrupted. What was observed is kept; the same command goes on from there.")
        raise
    result = outcome.result
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    counts = f"n = {result.dataset.n}, {result.dataset.skipped} left out"
    out.print(Text(f"{result.task}: {result.tool} on {data.name}, {counts}"), soft_wrap=True)
    view = Table()
    for column, side in (("metric", "left"), ("value", "right"), ("95 %", "right")):
        view.add_column(column, justify=side)  # type: ignore[arg-type]
    _add(view, result.metrics)
    if result.baselines:
        view.add_section()
        _add(view, result.baselines, "baseline ")
    out.print(view)
    for note in outcome.notes:
        err.print(Text(note))
    for skip in outcome.skips[:5]:
        err.print(Text(f"  {skip.id}: {skip.reason}. {skip.message}"), soft_wrap=True)
    err.print(f"Records: {outcome.folder}", soft_wrap=True, highlight=False)
    err.print(f"Log: {outcome.log}", soft_wrap=True, highlight=False)
    if result.dataset.n == 0:
        raise typer.Exit(1)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another run on the same cases.")],
    rounds: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Paired differences of two runs on the cases that both could score."""
    from evals.compare import compare as paired

    found = paired(first, second, rounds=rounds, seed=seed)
    out.print(Text(f"{found.task}: A {found.names[0]}, B {found.names[1]}, {found.n} cases answered by both"))
    view = Table()
    for column in ("metric", "A", "B", "B - A", "95 %", "p", ""):
        view.add_column(column, justify="left" if column == "metric" else "right")
    for row in found.rows:
        span = "" if row.low is None else f"{row.low:+.4f} to {row.high:+.4f}"
        p = "" if row.p is None else f"{row.p:.3f}"
        view.add_row(row.metric, _number(row.first), _number(row.second), f"{row.change:+.4f}", span, p, row.verdict)
    out.print(view)
    for note in found.notes:
        err.print(Text(note))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run, or of several runs.")],
    file: Annotated[Path | None, typer.Option("--out", "-o", help="The page; by default DIR/report.html.")] = None,
) -> None:
    """One self-contained HTML page about the runs in a folder."""
    from evals.report import write

    err.print(f"Report: {write(folder, file)}", soft_wrap=True, highlight=False)


@app.command()
def leaks(
    train: Annotated[Path, typer.Option("--train", help="The set that was trained on.")],
    test: Annotated[Path, typer.Option("--test", help="The set that is tested on.")],
) -> None:
    """Near-duplicates between two sets, by perceptual hash and by face embedding."""
    from evals.stats.leaks import find

    found = find(train, test, load())
    view = Table("test picture", "training picture", "how", "closeness", title=f"{len(found.pairs)} near-duplicates")
    for pair in found.pairs[:50]:
        view.add_row(pair.test, pair.train, pair.how, f"{pair.closeness:.3f}")
    out.print(view)
    err.print(Text(found.summary))
    if found.pairs:
        raise typer.Exit(1)


def _add(view: Table, figures: "Mapping[str, MetricEstimate]", prefix: str = "") -> None:
    for name, one in figures.items():
        span = "" if one.low is None or one.high is None else f"{one.low:.4f} to {one.high:.4f}"
        view.add_row(f"{prefix}{name}", _number(one.value), span)


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
