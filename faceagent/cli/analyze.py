"""``faceagent analyze``: pictures in, a table or JSON on standard output, reports in a folder."""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceagent import weights
from faceagent.cli.csv_file import CsvFile
from faceagent.cli.exit_codes import ERROR, INTERRUPTED, OK, TERMINATED
from faceagent.cli.render import Tally, err, print_report, progress_bar
from faceagent.cli.streams import was_closed
from faceagent.errors import InputError, OutputError
from faceagent.policy import GROUPS, JURISDICTIONS, PURPOSES
from faceagent.settings import load
from faceagent.types import LANGUAGES, QUESTIONS, STYLES

if TYPE_CHECKING:
    from faceagent.agent.analysis import Reports


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
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="A CSV file with one row per face, for scripts and statistics.")
    ] = None,
    csv_columns: Annotated[str, typer.Option(help="Whose columns the CSV file has: openface, py-feat.")] = "openface",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever an earlier run has left in --out.")
    ] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write a signed PDF beside each report.json in --out.")] = False,
    case: Annotated[str | None, typer.Option(help="Number of the case, for the PDF.", metavar="TEXT")] = None,
    examiner: Annotated[str | None, typer.Option(help="Who examines, for the PDF.", metavar="NAME")] = None,
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
    from faceagent.cli import fail_on

    if was_closed("stdout") and out_dir is None and csv_file is None:
        raise OutputError("Standard output is closed.", remedy="Name a folder with --out.")
    rows = None if csv_file is None else CsvFile(csv_file, csv_columns)
    lines = fail_on.parse(fail_lines or ())
    given = {"max_faces": max_faces, "language": language, "style": style}
    settings = load(**{name: value for name, value in given.items() if value is not None})
    weights.ready(settings)
    tally, kept = Tally(settings.max_faces, lines), out_dir is not None or rows is not None
    start = time.perf_counter()
    with Analyst(settings) as analyst, progress_bar() as progress, stop_request() as stop:
        reports = analyst.analyze_many(
            images,
            questions=question or (),
            references=reference or (),
            purpose=purpose,
            jurisdiction=jurisdiction,
            explain=explain,
            out=out_dir,
            fresh=fresh,
            pdf=pdf,
            case=case,
            examiner=examiner,
        )
        task = progress.add_task("analysing", total=reports.total)
        unprinted = None
        # Closed in any case: closing writes the index of the reports that were written.
        with contextlib.closing(reports):
            try:
                for error in _printed(
                    reports, tally, stop, rows, as_json=json_lines, kept=kept, resumes=out_dir is not None
                ):
                    unprinted = error
                    progress.advance(task)
            finally:
                # Also after an interruption: what is finished is kept.
                if rows is not None:
                    rows.write()
        if unprinted is not None and not kept:
            return _end_unprinted(unprinted)
    if tally.seen == 0:
        raise InputError("There is no picture here.", remedy="Name a file, a folder with pictures, a glob or a URL.")
    if out_dir is not None:
        page = out_dir / ("report.html" if reports.total == 1 else "index.html")
        if page.is_file():
            err.print(f"Report: {page}", soft_wrap=True)
        tally.miss(reports.unwritten)
    tally.skip(reports.skipped)
    tally.print_summary(time.perf_counter() - start)
    if unprinted is not None:
        _end_unprinted(unprinted)
    if tally.code != OK:
        raise typer.Exit(tally.code)


def _printed(
    reports: "Reports",
    tally: Tally,
    stop: "StopRequest",
    rows: CsvFile | None,
    *,
    as_json: bool,
    kept: bool,
    resumes: bool,
) -> Iterator[OSError | None]:
    """Print reports as they are made; yields, after each, why it could not be printed, or None.

    Once nothing can be printed, the run goes on only where the reports are also ``kept`` in files.
    A run that ``resumes`` goes on where it was interrupted.
    """
    total, unprinted = reports.total or 0, None
    try:
        for report in reports:
            tally.add(report)
            if rows is not None:
                rows.add(report)
            unprinted = unprinted or print_report(report, total, as_json=as_json)
            yield unprinted
            if unprinted is not None and not kept:
                return
            if stop.signals and tally.seen < total:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        more = ". Run the same command again to go on" if resumes else ""
        err.print(f"Interrupted: {tally.seen} of {total} pictures are done{more}.")
        raise typer.Exit(TERMINATED if signal.SIGTERM in stop.signals else INTERRUPTED) from None


def _end_unprinted(error: OSError) -> None:
    """A reader who has hung up (``| head``) has what he wanted; anything else is an error."""
    if not isinstance(error, BrokenPipeError):
        err.print(f"error: the output cannot be written: {error.strerror}.")
        raise typer.Exit(ERROR)


class StopRequest:
    """The signals that have asked the program to end."""

    def __init__(self) -> None:
        self.signals: list[int] = []


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Collects Ctrl-C and SIGTERM, so that the current picture is finished and kept. A second one raises.

    KeyboardInterrupt is not raised at the first Ctrl-C because it can be lost: where a library runs a callback or
    a destructor, Python prints the exception and continues.
    """
    stop = StopRequest()

    def handle(number: int, frame: object) -> None:
        del frame
        stop.signals.append(number)
        if len(stop.signals) > 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
