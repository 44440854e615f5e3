"""``faceagent analyze``: pictures in, a table or JSON on standard output, reports in a folder."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from faceagent import weights
from faceagent.cli import fail_on
from faceagent.cli.exit_codes import INTERRUPTED, OK
from faceagent.cli.render import Tally, err, print_report, progress_bar
from faceagent.errors import InputError
from faceagent.policy import GROUPS, JURISDICTIONS, PURPOSES
from faceagent.settings import load
from faceagent.types import LANGUAGES, QUESTIONS, STYLES


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
    max_faces: Annotated[
        int | None,
        typer.Option(min=1, help="Faces analysed per picture, largest first; identity compares all.", metavar="N"),
    ] = None,
    fail_lines: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on", help='Exit with 5 where this is met: forged, act, review, "forgery>=0.9", … Repeatable.'
        ),
    ] = None,
    language: Annotated[str | None, typer.Option(help=f"Language of the summary: {', '.join(LANGUAGES)}.")] = None,
    style: Annotated[str | None, typer.Option(help=f"Who the summary is written for: {', '.join(STYLES)}.")] = None,
    explain: Annotated[
        str | None,
        typer.Option(help="Who explains: vlm, ledger, or auto: the model of a configured endpoint, else the ledger."),
    ] = None,
) -> None:
    """Analyse pictures: faces, evidence, verdicts, explanations, reports."""
    from faceagent.agent.analyst import Analyst

    lines = fail_on.parse(fail_lines or ())
    given = {"max_faces": max_faces, "language": language, "style": style}
    settings = load(**{name: value for name, value in given.items() if value is not None})
    weights.ready(settings)
    tally = Tally(settings.max_faces, lines)
    start = time.perf_counter()
    with Analyst(settings) as analyst, progress_bar() as progress, interrupt_flag() as interrupted:
        reports = analyst.analyze_many(
            images,
            questions=question or (),
            references=reference or (),
            purpose=purpose,
            jurisdiction=jurisdiction,
            explain=explain,
            out=out_dir,
        )
        total = reports.total or 0
        task = progress.add_task("analysing", total=total)
        # Closed in any case: closing writes the index of the reports that were written.
        with contextlib.closing(reports):
            try:
                for report in reports:
                    tally.add(report)
                    progress.advance(task)
                    if not print_report(report, total, as_json=json_lines) and out_dir is None:
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
    tally.skip(reports.skipped)
    tally.print_summary(time.perf_counter() - start)
    if tally.code != OK:
        raise typer.Exit(tally.code)


@contextlib.contextmanager
def interrupt_flag() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that the current picture is finished. A second Ctrl-C raises.

    KeyboardInterrupt is not raised at the first Ctrl-C because it can be lost: where a library runs a callback or
    a destructor, Python prints the exception and continues.
    """
    interrupted = threading.Event()

    def handle(number: int, frame: object) -> None:
        del number, frame
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
