"""How a conversation looks in a terminal: the steps of a turn, the table of verdicts, the streamed reply.

Replies and verdicts go to standard output, steps and notices to standard error.
"""

import re
import sys
import unicodedata

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from faceagent.agent.chat import phrases
from faceagent.agent.chat.events import Checked, Decided, Done, Event, FacesFound, Noted, Planned, Recorded, ToolStarted
from faceagent.cli.render import STYLES, err, out
from faceagent.router.plan import Language

PROMPT = "> "
MIN_TABLE_ROWS = 2
"""Number of verdicts from which a table is printed above the reply."""
LIST_INDENT = "  "
"""Indentation of the second and further lines of a list item."""
_PARTS = re.compile(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]")
"""Words; in Chinese a line may end after any character."""


class EventPrinter:
    """Prints the events of one turn: the steps as dim lines on standard error, the verdicts as a table."""

    def __init__(self, *, is_command: bool = False) -> None:
        """``is_command``: the turn was typed as a slash command, so the kind of turn is not printed."""
        self._is_command = is_command
        self._verdicts: dict[tuple[int, str, str], Decided] = {}
        self._group: tuple[str, int, list[int]] | None = None
        self._language: Language = "en"

    def print_event(self, event: Event) -> None:
        """Print one event, or keep it: verdicts for the table, evidence for one line per tool and picture."""
        if isinstance(event, Recorded):
            self._collect_evidence(event)
            return
        self._print_evidence()
        if isinstance(event, FacesFound):
            faces = ", ".join(event.faces) or "no face"
            _print_dim(f"picture {event.picture}, {event.source}: {faces}")
        elif isinstance(event, ToolStarted):
            pictures = ", ".join(str(number) for number in event.pictures)
            reason = f", because {event.why.replace(':', ' is ').replace('_', ' ')}" if event.why else ""
            crop = f", {event.crop} crop" if event.crop else ""
            _print_dim(f"→ {event.tool} on picture {pictures}{crop}{reason}")
        elif isinstance(event, Decided):
            self._verdicts[event.picture, event.verdict.subject, event.verdict.question] = event
        elif isinstance(event, Checked):
            if event.struck or event.author != "ledger":
                struck = f", {len(event.struck)} struck" if event.struck else ""
                _print_dim(f"✓ {event.subject} {event.question}: {event.kept} sentences by {event.author}{struck}")
        elif isinstance(event, Noted):
            err.print(Text(strip_control_characters(event.text), style="yellow"))
        elif isinstance(event, Planned):
            self._language = event.plan.language
            if not self._is_command and event.plan.kind not in ("analyse", "refused", "unclear", "help"):
                _print_dim(event.plan.kind.replace("_", " "))

    def _collect_evidence(self, event: Recorded) -> None:
        tool = event.evidence.tool.name
        if self._group is None or self._group[:2] != (tool, event.picture):
            self._print_evidence()
            self._group = (tool, event.picture, [])
        self._group[2].append(event.number)

    def _print_evidence(self) -> None:
        if self._group is not None:
            tool, picture, numbers = self._group
            ids = f"E{min(numbers)}" if len(numbers) == 1 else f"E{min(numbers)} to E{max(numbers)}"
            _print_dim(f"  {tool}, picture {picture}: {ids}")
            self._group = None

    def print_verdicts(self) -> None:
        """Print the verdicts since the last call as a table; fewer than ``MIN_TABLE_ROWS`` get none."""
        self._print_evidence()
        found, self._verdicts = list(self._verdicts.values()), {}
        if len(found) < MIN_TABLE_ROWS:
            return
        several = len({one.picture for one in found}) > 1
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in phrases.columns(self._language)[0 if several else 1 :]:
            table.add_column(heading, overflow="fold")
        for one in found:
            verdict, style = one.verdict, STYLES[one.verdict.status]
            cells = [Text(str(one.picture))] if several else []
            cells += [
                Text(verdict.subject),
                Text(phrases.question(self._language, verdict.question)),
                Text(phrases.label(self._language, verdict.label)),
                Text(phrases.status(self._language, verdict.status), style=style),
            ]
            table.add_row(*cells)
        out.print(table)
        out.print()

    def print_duration(self, event: Done) -> None:
        """Print the duration of the turn, after the verdicts that are left."""
        self.print_verdicts()
        more = f", {event.calls} further measurement{'s' * (event.calls != 1)}" if event.calls else ""
        _print_dim(f"{event.seconds:.1f} s{more}")


class WordWrap:
    """Prints streamed text. In a terminal, lines are broken at its width; a pipe gets the text unchanged."""

    def __init__(self) -> None:
        self._column = 0
        self._space = ""
        self._indent = ""

    def write(self, piece: str) -> None:
        """Print one piece of the reply: words and the white space between them."""
        for part in _PARTS.findall(strip_control_characters(piece)):
            if part.isspace():
                self._break(part)
                continue
            wide = len(self._space) + cell_len(part)
            if self._column == 0:
                self._indent = LIST_INDENT if part == "-" else ""
            elif out.is_terminal and self._column + wide >= out.width:
                self._break("\n")
                self._space = self._indent
            sys.stdout.write(self._space + part)
            self._column += len(self._space) + cell_len(part)
            self._space = ""
        sys.stdout.flush()

    def _break(self, space: str) -> None:
        """Print line breaks; other white space is kept until a word follows on the same line."""
        lines = space.count("\n")
        if lines:
            sys.stdout.write("\n" * lines)
            self._column = 0
        self._space = "" if lines and out.is_terminal else space.rpartition("\n")[2]

    def end(self) -> None:
        """End the last line."""
        if self._column:
            sys.stdout.write("\n")
        sys.stdout.flush()
        self._column, self._space = 0, ""


def strip_control_characters(text: str) -> str:
    """``text`` without control and format characters, which can move a terminal's cursor or reverse its text."""
    return "".join(mark for mark in text if mark == "\n" or not unicodedata.category(mark).startswith("C"))


def _print_dim(text: str) -> None:
    err.print(Text(strip_control_characters(text), style="dim"), soft_wrap=not err.is_terminal)
