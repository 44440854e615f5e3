"""The command line: ``faceagent analyze``, ``chat``, ``sessions``, ``tools``, ``doctor``, ``weights`` and ``vlm``.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 error, 2 wrong usage,
3 refused by policy, 4 some pictures could not be analysed while the others were.
"""

import contextlib
import logging
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.logging import RichHandler
from rich.table import Column, Table
from rich.text import Text

from faceagent import __version__, weights
from faceagent.cli import chat as chat_commands
from faceagent.cli import doctor
from faceagent.cli import route as route_command
from faceagent.cli import vlm as vlm_commands
from faceagent.cli.render import (
    ERROR,
    INTERRUPTED,
    OK,
    REFUSED,
    USAGE,
    Tally,
    err,
    interrupts,
    out,
    progress_bar,
    shown,
)
from faceagent.errors import FaceagentError, InputError, PolicyRefusal
from faceagent.policy import GROUPS, JURISDICTIONS, PURPOSES
from faceagent.settings import load
from faceagent.types import QUESTIONS

app = typer.Typer(
    name="faceagent",
    help="Explainable face analysis: expression, deepfake, identity.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
weights_app = typer.Typer(help="List, pull and verify model weights.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")
app.add_typer(vlm_commands.app, name="vlm")
app.command("chat")(chat_commands.chat)
app.command("route")(route_command.route)
app.add_typer(chat_commands.sessions_app, name="sessions")


def main() -> None:
    """Entry point: runs the command and turns faceagent's errors into a message and an exit code."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=err, show_time=False, show_path=False)],
    )
    # peft loads bitsandbytes where it is installed, which warns of a 4-bit kernel that nothing here runs.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    try:
        _add_commands(sys.argv[1:2])
        app()
    except PolicyRefusal as refusal:
        _fail(refusal, REFUSED)
    except InputError as error:
        _fail(error, USAGE)
    except FaceagentError as error:
        _fail(error, ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        # Standard output itself: a full disk, a closed terminal.
        err.print(f"error: the output cannot be written: {error.strerror}.", highlight=False)
        sys.exit(ERROR)


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
    explain: Annotated[
        str | None,
        typer.Option(help="Who explains: vlm, ledger, or auto: the model of a configured endpoint, else the ledger."),
    ] = None,
) -> None:
    """Analyse pictures: faces, evidence, verdicts, explanations, reports."""
    from faceagent.agent.analyst import Analyst
    from faceagent.intake import MemoryBlobs, expand

    settings = load()
    weights.ready(settings)
    # Standard input can be read only once, so it is counted without being looked at.
    total = images.count("-") + sum(1 for _ in expand([name for name in images if name != "-"], MemoryBlobs()))
    tally = Tally()
    start = time.perf_counter()
    with Analyst(settings) as analyst, progress_bar() as progress, interrupts() as interrupted:
        task = progress.add_task("analysing", total=total)
        reports = analyst.analyze_many(
            images,
            questions=question or (),
            references=reference or (),
            purpose=purpose,
            jurisdiction=jurisdiction,
            explain=explain,
            out=out_dir,
        )
        # Closed at the end whatever happens: closing is what writes the index over the reports that are there.
        with contextlib.closing(reports):
            try:
                for report in reports:
                    tally.add(report)
                    progress.advance(task)
                    if not shown(report, total, as_json=json_lines) and out_dir is None:
                        return
                    if interrupted.is_set():
                        raise KeyboardInterrupt
            except KeyboardInterrupt:
                err.print(f"Interrupted: {tally.seen} of {total} pictures are done.", highlight=False)
                raise typer.Exit(INTERRUPTED) from None
    if tally.seen == 0:
        raise InputError("There is no picture here.", remedy="Name a file, a folder with pictures, a glob or a URL.")
    if out_dir is not None:
        page = out_dir / ("report.html" if tally.seen == 1 else "index.html")
        err.print(f"Report: {page}", soft_wrap=True, highlight=False)
    tally.tell(time.perf_counter() - start)
    if tally.code != OK:
        raise typer.Exit(tally.code)


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
    table = Table(Column("id", no_wrap=True), "what", "licence", "commercial", "MB", "profiles", "state")
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
    """Check every weight against the catalogue; fails on a corrupt one, and on one that the profile lacks."""
    settings = load()
    checks = weights.verify(settings)
    needed = weights.of_profile(settings.profile)
    table = Table(Column("id", no_wrap=True), "state", Column("detail", overflow="fold"))
    for check in checks:
        table.add_row(check.id, check.state, Text(check.detail or str(check.path or "")))
    out.print(table)
    if any(check.state == "corrupt" or (check.state == "missing" and check.id in needed) for check in checks):
        raise typer.Exit(ERROR)
