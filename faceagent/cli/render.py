"""How results look in a terminal: tables and lines on standard output, progress and remarks on standard error."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from faceagent.types import INCONCLUSIVE, Report, Verdict

OK, ERROR, USAGE, REFUSED, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes."""


@contextlib.contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, and the picture at hand is finished; a second one breaks in.

    An exception that is raised wherever the program happens to be can be lost: where a library calls back or cleans
    up, Python prints it and goes on.
    """
    asked = threading.Event()

    def note(number: int, frame: object) -> None:
        del number, frame
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


class _Output(Console):
    """Standard output; a reader that hangs up is for the command to handle, which may have work to finish."""

    def on_broken_pipe(self) -> None:
        """Let the error through; rich would end the program."""
        raise BrokenPipeError


out = _Output()
err = Console(stderr=True)

FEW = 5
"""Up to this many pictures each get a table; more get a line for each face."""
NARROW = 72
"""Columns that a table needs."""

STYLES = {"stable": "green", "uncertain": "yellow", "contested": "red"}


class Tally:
    """What a run came to, for the lines at its end and the exit code."""

    def __init__(self) -> None:
        self.seen = self.faces = self.broken = 0
        self._remarks: dict[str, None] = {}
        self._incomplete = False

    def add(self, report: Report) -> None:
        """Count one report, and keep what a reader of the table alone would miss; each remark once."""
        self.seen += 1
        self.faces += len(report.faces)
        self.broken += report.problem is not None
        for one in report.lost_references:
            self._incomplete = True
            self._remarks[f"The reference {one.source} could not be read: {one.problem.message}"] = None
        for decision in report.policy:
            if decision.decision == "refuse":
                words = decision.question.replace("_", " ")
                self._remarks[f"Refused: {words} ({decision.rule}). {decision.notice}"] = None
        for item in report.evidence:
            if item.status == "failed" or item.reason == "weights_missing":
                self._incomplete = True
                self._remarks[item.statement] = None

    def tell(self, seconds: float) -> None:
        """Print the remarks and the sums."""
        for remark in self._remarks:
            err.print(Text(remark, style="yellow"))
        err.print(
            f"{self.seen} picture{'s' * (self.seen != 1)}, {self.faces} face{'s' * (self.faces != 1)}, "
            f"{self.broken} could not be analysed, {seconds:.1f} s ({seconds / self.seen:.2f} s each).",
            highlight=False,
        )

    @property
    def code(self) -> int:
        """The exit code: an error when nothing could be analysed, partial when something is missing."""
        if self.broken == self.seen:
            return ERROR
        return PARTIAL if self.broken or self._incomplete else OK


def shown(report: Report, total: int, *, as_json: bool) -> bool:
    """Print one report; False once nobody reads any more (``| head``)."""
    try:
        if as_json:
            sys.stdout.write(report.model_dump_json() + "\n")
            sys.stdout.flush()
        elif total > FEW or out.width < NARROW:
            _show_lines(report)
        else:
            _show(report)
    except BrokenPipeError:
        # Python would complain again while flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def progress_bar() -> Progress:
    """A bar on standard error that leaves nothing behind, and is not drawn where nobody would see it."""
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
    for verdict in _by_subject(report):
        name = verdict.subject if verdict.subject != last else ""
        style = STYLES[verdict.status]
        table.add_row(
            Text(name), verdict.question.replace("_", " "), Text(verdict.label.replace("_", " ")),
            f"[{style}]{verdict.status}[/]", Text(verdict.wording), end_section=False,
        )  # fmt: skip
        last = verdict.subject
    out.print(table)


def _show_lines(report: Report) -> None:
    """A line per face, for many pictures and narrow terminals: what was decided, and the problem if there was one."""
    name = Text(f"{report.source}: ", style="bold")
    if report.problem is not None:
        said = [Text(f"{report.problem.reason}: {report.problem.message}", style="red")]
    elif not report.faces:
        said = [Text("no face", style="yellow")]
    else:
        said = []
        for face in report.faces:
            decided = [one for one in report.verdicts if one.subject == face.id and one.label != INCONCLUSIVE]
            words = "; ".join(f"{one.question} {one.label}".replace("_", " ") for one in decided)
            said.append(Text(f"{face.id} {words or 'inconclusive throughout'}"))
    for line in said:
        out.print(name + line, soft_wrap=True)


def _by_subject(report: Report) -> list[Verdict]:
    """Verdicts face by face, largest first, then those on the picture."""
    places = {face.id: place for place, face in enumerate(report.faces)}
    return sorted(report.verdicts, key=lambda verdict: places.get(verdict.subject, len(places)))
