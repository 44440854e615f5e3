"""The command line: ``faceagent analyze``, ``tools``, ``doctor`` and ``weights``.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 error, 2 wrong usage,
3 refused by policy, 4 some pictures could not be analysed while the others were.
"""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from faceagent import __version__, doctor, weights
from faceagent.errors import FaceagentError, InputError, PolicyRefusal
from faceagent.policy import GROUPS, JURISDICTIONS, PURPOSES
from faceagent.settings import Settings, load
from faceagent.types import INCONCLUSIVE, QUESTIONS, Report, Verdict

OK, ERROR, USAGE, REFUSED, PARTIAL = 0, 1, 2, 3, 4

app = typer.Typer(
    name="faceagent",
    help="Explainable face analysis: expression, deepfake, identity.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
weights_app = typer.Typer(help="List, pull and verify model weights.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")

out = Console()
err = Console(stderr=True)

FEW = 5
"""Up to this many pictures each get a table; more get a line each."""

STYLES = {"stable": "green", "uncertain": "yellow", "contested": "red"}


def main() -> None:
    """Entry point: runs the command and turns faceagent's errors into a message and an exit code."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=err, show_time=False, show_path=False)],
    )
    try:
        _add_commands(sys.argv[1:2])
        app()
    except PolicyRefusal as refusal:
        _fail(refusal, REFUSED)
    except InputError as error:
        _fail(error, USAGE)
    except FaceagentError as error:
        _fail(error, ERROR)
    except BrokenPipeError:
        # The reader has seen enough (head, less). Python would complain again while flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)


def _add_commands(first: list[str]) -> None:
    """Commands of other packages, by entry point; loaded only where they are run or listed, for they may be heavy."""
    for entry in entry_points(group="faceagent.commands"):
        if not first or first[0] in (entry.name, "-h", "--help"):
            app.add_typer(entry.load(), name=entry.name)


def _fail(error: FaceagentError, code: int) -> NoReturn:
    err.print(Text(f"{error.code}: ", style="bold red") + Text(str(error), style="default"))
    sys.exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"faceagent {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command()
def analyze(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Files, globs, folders, URLs, or - for stdin.")
    ],
    question: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help=f"Repeatable. One of: {', '.join((*QUESTIONS, *GROUPS))}."),
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option("--reference", "-r", help="A picture of the person, for identity. Repeatable.")
    ] = None,
    out_dir: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for report.json and report.html.")] = None,
    json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON report per line.")] = False,
    purpose: Annotated[str | None, typer.Option(help=f"Why you ask: {', '.join(PURPOSES)}.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help=f"Whose rules apply: {', '.join(JURISDICTIONS)}.")] = None,
) -> None:
    """Analyse pictures: faces, evidence, verdicts, explanations, reports."""
    from faceagent.agent.analyst import Analyst
    from faceagent.intake import MemoryBlobs, expand

    settings = load()
    _ready(settings)
    # Standard input can be read only once, so it is counted without being looked at.
    total = images.count("-") + sum(1 for _ in expand([name for name in images if name != "-"], MemoryBlobs()))
    seen = broken = faces = 0
    start = time.perf_counter()
    with Analyst(settings) as analyst, _progress() as progress:
        task = progress.add_task("analysing", total=total)
        reports = analyst.analyze_many(
            images,
            questions=question or (),
            references=reference or (),
            purpose=purpose,
            jurisdiction=jurisdiction,
            out=out_dir,
        )
        for report in reports:
            seen += 1
            broken += report.problem is not None
            faces += len(report.faces)
            progress.advance(task)
            if json_lines:
                sys.stdout.write(report.model_dump_json() + "\n")
                sys.stdout.flush()
            elif total > FEW:
                _show_line(report)
            else:
                _show(report)
    if seen == 0:
        raise InputError("There is no picture here.", remedy="Name a file, a folder with pictures, a glob or a URL.")
    if out_dir is not None:
        page = out_dir / ("report.html" if seen == 1 else "index.html")
        err.print(f"Report: {page}", soft_wrap=True, highlight=False)
    seconds = time.perf_counter() - start
    err.print(
        f"{seen} picture{'s' * (seen != 1)}, {faces} face{'s' * (faces != 1)}, {broken} could not be analysed, "
        f"{seconds:.1f} s ({seconds / seen:.2f} s each).",
        highlight=False,
    )
    if broken:
        raise typer.Exit(ERROR if broken == seen else PARTIAL)


@app.command()
def tools() -> None:
    """List the specialists with their questions, weights and licences."""
    from faceagent.agent.analyst import build_tools

    table = Table("tool", "version", "answers", "weights and licences", "what it measures", expand=True)
    for tool in build_tools(load()).values():
        spec = tool.spec
        used = ", ".join(f"{name} ({weights.entry(name).license})" for name in spec.weights) or "none"
        state = f"{spec.summary} [yellow]{spec.pending}[/]" if spec.pending else spec.summary
        table.add_row(spec.name, spec.version, ", ".join(spec.questions), used, state)
    out.print(table)


@app.command("doctor")
def doctor_command() -> None:
    """Say what is installed, which device really runs, what is missing, and the command that mends it."""
    table = Table("", "what", "found", "remedy", expand=True)
    marks = {"ok": "[green]ok[/]", "optional": "[dim]optional[/]", "missing": "[red]missing[/]"}
    findings = list(doctor.examine(load()))
    for finding in findings:
        table.add_row(marks[finding.state], finding.what, Text(finding.found), Text(finding.remedy or ""))
    out.print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(ERROR)


@weights_app.command("list")
def weights_list() -> None:
    """List every catalogued weight with its licence and state on this machine."""
    settings = load()
    states = {check.id: check for check in weights.verify(settings)}
    table = Table("id", "what", "licence", "commercial", "MB", "profiles", "state")
    for entry in weights.entries():
        size = f"{entry.bytes / 1e6:.1f}" if entry.bytes else ""
        commercial = "yes" if entry.commercial else "[red]no[/]"
        state = states[entry.id].state
        table.add_row(entry.id, entry.title, entry.license, commercial, size, ", ".join(entry.profiles), state)
    out.print(table)


@weights_app.command("pull")
def weights_pull(
    names: Annotated[list[str] | None, typer.Argument(help="Ids; without any, all of the profile.")] = None,
) -> None:
    """Fetch weights and verify them against the catalogue."""
    settings = load()
    for path in weights.pull(names or weights.of_profile(settings.profile), settings):
        out.print(str(path), soft_wrap=True, highlight=False)


@weights_app.command("verify")
def weights_verify() -> None:
    """Check every weight on this machine against the catalogue; fetches nothing."""
    checks = weights.verify(load())
    table = Table("id", "state", "detail")
    for check in checks:
        table.add_row(check.id, check.state, Text(check.detail or str(check.path or "")))
    out.print(table)
    if any(check.state == "corrupt" for check in checks):
        raise typer.Exit(ERROR)


def _ready(settings: Settings) -> None:
    """Fetch what the profile needs before the work starts, so that its progress bar stands alone."""
    # What cannot be had is left to the tools, which answer "unavailable" one by one.
    with contextlib.suppress(FaceagentError):
        weights.pull(weights.of_profile(settings.profile), settings)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip


def _show(report: Report) -> None:
    """The verdicts of one report as a table for people."""
    if report.problem is not None:
        out.print(
            Text.assemble(
                (f"{report.source}: ", "bold"),
                (report.problem.reason, "red"),
                f". {report.problem.message} {report.problem.remedy or ''}",
            )
        )
        return
    table = Table(title=report.source, title_justify="left", title_style="bold", expand=True)
    for heading in ("face", "question", "verdict", "status"):
        table.add_column(heading, no_wrap=heading != "verdict", max_width=16, overflow="fold")
    table.add_column("in words", ratio=1)
    last = None
    for verdict in _by_subject(report.verdicts):
        name = verdict.subject if verdict.subject != last else ""
        style = STYLES[verdict.status]
        table.add_row(
            Text(name), verdict.question.replace("_", " "), Text(verdict.label.replace("_", " ")),
            f"[{style}]{verdict.status}[/]", Text(verdict.wording), end_section=False,
        )  # fmt: skip
        last = verdict.subject
    out.print(table)


def _show_line(report: Report) -> None:
    """One line per picture, for the many: what was decided, and the problem if there was one."""
    if report.problem is not None:
        said = Text(f"{report.problem.reason}: {report.problem.message}", style="red")
    elif not report.faces:
        said = Text("no face", style="yellow")
    else:
        decided = [one for one in _by_subject(report.verdicts) if one.label != INCONCLUSIVE]
        said = Text("; ".join(f"{one.subject} {one.question} {one.label}".replace("_", " ") for one in decided))
    out.print(Text(f"{report.source}: ", style="bold") + said, soft_wrap=True)


def _by_subject(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: (verdict.subject == "P1", verdict.subject))
