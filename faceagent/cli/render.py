"""How results look in a terminal: tables and lines on standard output, progress and remarks on standard error."""

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from faceagent.cli.exit_codes import ERROR, FLAGGED, OK, PARTIAL
from faceagent.cli.streams import abandon_stdout
from faceagent.types import INCONCLUSIVE, Report, Verdict

if TYPE_CHECKING:
    from faceagent.judge.conditions import Line


class _PlainConsole(Console):
    """Prints strings as they are: names of files and stored texts are data, never markup, links or commands."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The segments without characters that move a terminal's cursor, change its state or reverse its text."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else strip_control_characters(text), style, control)

    def on_broken_pipe(self) -> None:
        """Raise the error, because the command may have work to finish; rich would end the program."""
        raise BrokenPipeError


def strip_control_characters(text: str) -> str:
    """``text`` without control and format characters, which can move a terminal's cursor or reverse its text."""
    if text.isprintable():
        return text
    return "".join(mark for mark in text if mark in "\n\t" or not unicodedata.category(mark).startswith("C"))


out = _PlainConsole()
err = _PlainConsole(stderr=True)

FEW = 5
"""Up to this many pictures each get a table; more get a line for each face."""
NARROW = 72
"""Columns that a table needs."""

MANY_UNLIKE, SHARE_UNLIKE = 10, 0.3
"""Faces, and their share, that a batch must have unlike everything learnt before they are taken for one kind."""

STYLES = {"stable": "green", "uncertain": "yellow", "leans": "yellow", "contested": "red"}


class Tally:
    """Counts and remarks of one run, for its last lines and its exit code."""

    def __init__(self, most_faces: int, lines: "Sequence[Line]" = ()) -> None:
        """``most_faces`` is the setting ``max_faces``; ``lines`` are those of ``--fail-on``."""
        # Imported here, because loading OpenCV would delay ``--help``.
        from faceagent.faces import search_notes

        self._search_notes = partial(search_notes, most=most_faces)
        self.seen = self.faces = self.broken = 0
        self._judged = self._unlike = 0
        self._remarks: dict[str, None] = {}
        self._incomplete = self._flagged = self._unwritten = False
        self._lines = lines

    def add(self, report: Report) -> None:
        """Count one report and keep the remarks that its table does not show, each once."""
        self.seen += 1
        self.faces += len(report.faces)
        self.broken += report.problem is not None
        forgery = [verdict.reason for verdict in report.verdicts if verdict.question == "forgery"]
        self._judged += len(forgery)
        self._unlike += forgery.count("open_set")
        for note in self._search_notes(report.picture, len(report.faces)) if report.picture else ():
            self._remarks[f"{report.source}: {note}"] = None
        # Here and not above: it brings OpenCV along, which most commands do without.
        from faceagent.judge.conditions import met

        for line, verdict in met(self._lines, report):
            self._flagged = True
            self._remarks[f"{report.source}: {verdict.subject} meets {line.text}."] = None
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

    def skip(self, files: Sequence[tuple[str, str]]) -> None:
        """Remark on files of folders that are no pictures: how many, of which kinds, and the first of each."""
        kinds: dict[str, list[str]] = {}
        for name, looks in files:
            kinds.setdefault(looks, []).append(name)
        for looks, names in kinds.items():
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            self._remarks[f"Skipped: {names[0]}{more}, because it is {looks} and no picture that is read."] = None

    def miss(self, unwritten: Sequence[tuple[str, str]]) -> None:
        """Remark on reports that could not be written: names of pictures, and why."""
        self._unwritten = bool(unwritten)
        for name, why in unwritten:
            self._remarks[f"{name}: {why}"] = None

    def print_summary(self, seconds: float) -> None:
        """Print the remarks and the counts. ``seconds`` is the duration of the whole run."""
        if self._unlike >= max(MANY_UNLIKE, SHARE_UNLIKE * self._judged):
            self._remarks[
                f"{self._unlike} of {self._judged} faces are unlike everything that the forgery detector learnt from. "
                "If they are fakes of one kind, it can be taught that kind: see python -m finetune.add_family."
            ] = None
        for remark in self._remarks:
            err.print(Text(remark, style="yellow"))
        err.print(
            f"{self.seen} picture{'s' * (self.seen != 1)}, {self.faces} face{'s' * (self.faces != 1)}, "
            f"{self.broken} could not be analysed, {seconds:.1f} s ({seconds / self.seen:.2f} s each).",
            highlight=False,
        )

    @property
    def code(self) -> int:
        """The exit code: an error when nothing could be analysed or written, a line that was met, partial."""
        if self._unwritten or self.broken == self.seen:
            return ERROR
        if self._flagged:
            return FLAGGED
        return PARTIAL if self.broken or self._incomplete else OK


def print_report(report: Report, total: int, *, as_json: bool) -> OSError | None:
    """Print one report to standard output.

    Args:
        report: the report of one picture.
        total: the number of pictures of the run; many pictures get a line for each face instead of a table.
        as_json: print one line of JSON.

    Returns:
        None when it was printed, else why nothing more can be: BrokenPipeError when the reader has closed the pipe
        (``| head``), another OSError for a full disk.
    """
    try:
        if as_json:
            sys.stdout.write(report.model_dump_json() + "\n")
        elif total > FEW or out.width < NARROW:
            _print_lines(report)
        else:
            _print_table(report)
        sys.stdout.flush()
    except OSError as error:
        abandon_stdout()
        return error
    return None


def progress_bar() -> Progress:
    """A progress bar on standard error. It is removed at the end, and not drawn where standard error is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def _print_table(report: Report) -> None:
    """Print the summary of one report and its verdicts as a table, or its problem."""
    if report.problem is not None:
        out.print(
            Text.assemble(
                (f"{report.source}: ", "bold"),
                (report.problem.reason, "red"),
                f". {report.problem.message} {report.problem.remedy or ''}",
            )
        )
        return
    out.print(Text(report.source, style="bold"))
    if report.summary is not None:
        # Imported here, because loading OpenCV would delay ``--help``.
        from faceagent.report.headings import headings_in

        out.print(Text(report.summary.answer, style="bold"))
        for heading, text in headings_in(report.summary.language).head(report.summary):
            out.print(Text(f"{heading}: {text}" if "\n" not in text else f"{heading}:\n{text}"))
    table = Table(expand=True, box=SIMPLE_HEAD, padding=(0, 1))
    for heading in ("face", "question", "verdict", "how sure"):
        table.add_column(heading, no_wrap=heading != "verdict", max_width=18, overflow="fold")
    table.add_column("in words", ratio=1)
    last = None
    for verdict in _by_subject(report):
        table.add_row(
            Text(verdict.subject if verdict.subject != last else ""),
            verdict.question.replace("_", " "),
            Text(verdict.label.replace("_", " ")),
            Text(how_sure(verdict), style=STYLES[verdict.status]),
            Text(verdict.wording),
        )
        last = verdict.subject
    out.print(table)


def how_sure(verdict: Verdict) -> str:
    """The probability of the label, and that it only leans or is contested."""
    # Imported here, because loading OpenCV would delay ``--help``.
    from faceagent.judge.wording import percent

    share = percent(verdict.probability.value) if verdict.probability else ""
    if verdict.label == INCONCLUSIVE:
        return "contested" if verdict.status == "contested" else "open"
    return f"leans, {share}" if verdict.status == "leans" else share or verdict.status


def _print_lines(report: Report) -> None:
    """Print the short answer of one picture, or its problem."""
    name = Text(f"{report.source}: ", style="bold")
    if report.problem is not None:
        line = Text(f"{report.problem.reason}: {report.problem.message}", style="red")
    else:
        line = Text(report.summary.line if report.summary else "no summary")
    out.print(name + line, soft_wrap=True)


def _by_subject(report: Report) -> list[Verdict]:
    """Verdicts face by face, largest first, then those on the picture."""
    places = {face.id: place for place, face in enumerate(report.faces)}
    return sorted(report.verdicts, key=lambda verdict: places.get(verdict.subject, len(places)))
