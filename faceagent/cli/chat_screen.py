"""A conversation in a terminal, or through a pipe: prompts, the tools' trace, a table of verdicts, the streamed reply.

What was asked and answered goes to standard output, the trace and remarks to standard error. It knows how things look,
and nothing of what they mean.
"""

import re
import sys
import unicodedata
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from faceagent.agent.chat import Conversation, phrases
from faceagent.agent.chat.commands import KINDS
from faceagent.agent.chat.events import (
    Checked,
    Clarification,
    Decided,
    Done,
    Event,
    FacesFound,
    Noted,
    Planned,
    Recorded,
    Token,
    ToolStarted,
)
from faceagent.cli.render import STYLES, err, out
from faceagent.errors import InputError
from faceagent.router.plan import Language

HELP = (
    ("/why [question]", "what the verdicts rest on"),
    ("/change [question]", "what would change them"),
    ("/evidence [E7]", "what was measured"),
    ("/faces", "the faces and where they are"),
    ("/again", "measure once more"),
    ("/add PICTURE", "add a picture (a path or URL)"),
    ("/reference PICTURE", "add a picture of the person to compare with"),
    ("/open report [2]", "write the report on picture 2 and open it"),
    ("/session", "what this conversation is called"),
    ("/reset", "begin another conversation with the same pictures"),
    ("/quit", "leave; the conversation is kept"),
)
"""Commands and what they do."""
_COMMAND = re.compile(r"/[a-z]+")
TABLED = 2
"""Verdicts from which on a table is drawn above the reply."""
PROMPT = "> "
HANG = "  "
"""What the further lines of an item of a list begin with."""
_PARTS = re.compile(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]")
"""Words; in Chinese a line may end after any character."""


class Chat:
    """One terminal's conversation. ``run`` reads turns until there are no more."""

    def __init__(self, conversation: Conversation, begin: Callable[[], Conversation]) -> None:
        """``begin`` opens another conversation, for /reset."""
        self._conversation, self._begin = conversation, begin
        self._pictures: list[str] = []
        self._references: list[str] = []
        self._given: tuple[list[str], list[str]] = ([], [])

    def run(self, pictures: Iterable[str], references: Iterable[str]) -> None:
        """Turn by turn until the end of input or /quit."""
        self._pictures, self._references = list(pictures), list(references)
        self._given = (list(self._pictures), list(self._references))
        self._greet()
        for line in self._lines():
            try:
                if not self._turn(line):
                    break
            except InputError as error:
                err.print(Text(str(error), style="yellow"))
            except KeyboardInterrupt:
                err.print("\nInterrupted. Ask again, or /quit.")
        self._conversation.close()

    def _greet(self) -> None:
        one = self._conversation
        remarks = [f"session {one.id}", "/help for more"]
        if one.turns:
            remarks.insert(1, f"{one.turns} turn{'s' * (one.turns != 1)} so far")
        err.print(Text(" · ".join(remarks), style="dim"))
        if one.exchanges and one.unfinished is None:
            last = one.exchanges[-1]
            err.print(Text(f"last: {last.text}", style="dim"), overflow="ellipsis", no_wrap=True)
        if one.unfinished is not None:
            err.print(Text(f"The last turn was cut off and is finished now: {one.unfinished}", style="yellow"))
            self._show(one.resume())
        if one.waiting is not None:
            out.print(Text(one.waiting.text, style="bold"))

    def _lines(self) -> Iterator[str]:
        if not sys.stdin.isatty():
            for raw in sys.stdin.buffer:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if line.strip():
                    out.print(Text(f"{PROMPT}{printable(line)}", style="bold"), soft_wrap=True)
                    yield line
            return
        import readline  # noqa: F401  (line editing and history for input())

        while True:
            try:
                line = input(PROMPT)
            except EOFError:
                err.print()
                return
            except KeyboardInterrupt:
                err.print("\n/quit to leave.")
                continue
            if line.strip():
                yield line

    def _turn(self, line: str) -> bool:
        """Run one line; False when it ends the conversation."""
        command, _, rest = line.strip().partition(" ")
        action = {
            "/add": self._add, "/reference": self._refer, "/open": self._open, "/session": self._session,
            "/reset": self._reset, "/help": self._help,
        }.get(command)  # fmt: skip
        if command in ("/quit", "/exit"):
            return False
        if action is not None:
            action(rest.strip())
            return True
        if _COMMAND.fullmatch(command) and command[1:] not in KINDS:
            raise InputError(f"There is no command {command}.", remedy="/help lists them.")
        pictures, references = self._given
        events = self._conversation.ask(line, pictures, references)
        self._given = ([], [])
        self._show(events, typed=line)
        return True

    def _add(self, path: str) -> None:
        if not path:
            raise InputError("Say which picture: /add PATH.")
        events = self._conversation.ask("", [*self._given[0], path], self._given[1])
        self._pictures.append(path)
        self._given = ([], [])
        self._show(events)

    def _refer(self, path: str) -> None:
        if not path:
            raise InputError("Say which picture: /reference PATH.")
        self._references.append(path)
        self._given[1].append(path)
        err.print("Taken as a reference. Ask whether it is the same person.", highlight=False)

    def _open(self, rest: str) -> None:
        words = rest.removeprefix("report").split()
        number = int(words[0]) if words and words[0].isdecimal() else 1
        folder = Path(f"faceagent-{self._conversation.id}") / f"picture-{number}"
        page = self._conversation.write_report(folder, number) / "report.html"
        err.print(f"Report: {page}", soft_wrap=True, highlight=False)
        if sys.stdin.isatty():
            webbrowser.open(page.absolute().as_uri())

    def _session(self, rest: str) -> None:
        del rest
        kept = "kept" if self._conversation.lasting else "in memory only"
        out.print(f"{self._conversation.id} ({kept})", highlight=False)

    def _reset(self, rest: str) -> None:
        del rest
        self._conversation.close()
        self._conversation = self._begin()
        self._given = (list(self._pictures), list(self._references))
        self._greet()

    def _help(self, rest: str) -> None:
        del rest
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        for command, meaning in HELP:
            table.add_row(Text(f"  {command}"), Text(meaning))
        out.print("Ask in your own words. Besides:", highlight=False)
        out.print(table)

    def _show(self, events: Iterator[Event], *, typed: str = "") -> None:
        """Events as lines; the reply word by word. What kind of turn it is needs no telling after a command."""
        trace, wrap = _Trace(named=typed.startswith("/")), _Wrap()
        with closing(events) as running:  # type: ignore[type-var]  # a generator
            for event in running:
                if isinstance(event, Token):
                    trace.table()
                    wrap.write(event.text)
                elif isinstance(event, Clarification):
                    out.print(Text(printable(event.text), style="bold"))
                elif isinstance(event, Done):
                    wrap.end()
                    trace.done(event)
                else:
                    trace.show(event)


class _Trace:
    """What happens before the reply, dimmed, on standard error; and the verdicts as a table."""

    def __init__(self, *, named: bool = False) -> None:
        self._named = named
        self._verdicts: dict[tuple[int, str, str], Decided] = {}
        self._group: tuple[str, int, list[int]] | None = None
        self._language: Language = "en"

    def show(self, event: Event) -> None:
        """One step."""
        if isinstance(event, Recorded):
            self._recorded(event)
            return
        self._flush()
        if isinstance(event, FacesFound):
            named = ", ".join(event.faces) or "no face"
            _dim(f"picture {event.picture}, {event.source}: {named}")
        elif isinstance(event, ToolStarted):
            where = ", ".join(str(number) for number in event.pictures)
            why = f", because {event.why.replace(':', ' is ').replace('_', ' ')}" if event.why else ""
            look = f", {event.look} crop" if event.look else ""
            _dim(f"→ {event.tool} on picture {where}{look}{why}")
        elif isinstance(event, Decided):
            self._verdicts[event.picture, event.verdict.subject, event.verdict.question] = event
        elif isinstance(event, Checked):
            if event.struck or event.author != "ledger":
                struck = f", {len(event.struck)} struck" if event.struck else ""
                _dim(f"✓ {event.subject} {event.question}: {event.kept} sentences by {event.author}{struck}")
        elif isinstance(event, Noted):
            err.print(Text(printable(event.text), style="yellow"))
        elif isinstance(event, Planned):
            self._language = event.plan.language
            if not self._named and event.plan.kind not in ("analyse", "refused", "unclear", "help"):
                _dim(event.plan.kind.replace("_", " "))

    def _recorded(self, event: Recorded) -> None:
        tool = event.evidence.tool.name
        if self._group is None or self._group[:2] != (tool, event.picture):
            self._flush()
            self._group = (tool, event.picture, [])
        self._group[2].append(event.number)

    def _flush(self) -> None:
        if self._group is not None:
            tool, picture, numbers = self._group
            shown = f"E{min(numbers)}" if len(numbers) == 1 else f"E{min(numbers)} to E{max(numbers)}"
            _dim(f"  {tool}, picture {picture}: {shown}")
            self._group = None

    def table(self) -> None:
        """The verdicts so far, once."""
        self._flush()
        found, self._verdicts = list(self._verdicts.values()), {}
        if len(found) < TABLED:
            return
        several = len({one.picture for one in found}) > 1
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in phrases.columns(self._language)[0 if several else 1 :]:
            table.add_column(heading, overflow="fold")
        for one in found:
            verdict, style = one.verdict, STYLES[one.verdict.status]
            cells = [Text(str(one.picture))] if several else []
            words = (
                phrases.question(self._language, verdict.question), phrases.label(self._language, verdict.label),
            )  # fmt: skip
            cells += [Text(verdict.subject), *map(Text, words)]
            cells.append(Text(phrases.status(self._language, verdict.status), style=style))
            table.add_row(*cells)
        out.print(table)
        out.print()

    def done(self, event: Done) -> None:
        """How long it took."""
        self.table()
        more = f", {event.calls} further measurement{'s' * (event.calls != 1)}" if event.calls else ""
        _dim(f"{event.seconds:.1f} s{more}")


class _Wrap:
    """Words wrapped at the terminal's width as they come; a pipe gets them as they are."""

    def __init__(self) -> None:
        self._column = 0
        self._space = ""
        self._hang = ""

    def write(self, piece: str) -> None:
        """Print one piece of the reply: words, with the white space between them."""
        for part in _PARTS.findall(printable(piece)):
            if part.isspace():
                self._break(part)
                continue
            wide = len(self._space) + cell_len(part)
            if self._column == 0:
                self._hang = HANG if part == "-" else ""
            elif out.is_terminal and self._column + wide >= out.width:
                self._break("\n")
                self._space = self._hang
            sys.stdout.write(self._space + part)
            self._column += len(self._space) + cell_len(part)
            self._space = ""
        sys.stdout.flush()

    def _break(self, space: str) -> None:
        """White space is held back until a word follows on the same line."""
        lines = space.count("\n")
        if lines:
            sys.stdout.write("\n" * lines)
            self._column = 0
        self._space = "" if lines and out.is_terminal else space.rpartition("\n")[2]

    def end(self) -> None:
        """Close the last line."""
        if self._column:
            sys.stdout.write("\n")
        sys.stdout.flush()
        self._column, self._space = 0, ""


def printable(text: str) -> str:
    """``text`` without what could move a terminal's cursor or turn its writing around."""
    return "".join(mark for mark in text if mark == "\n" or not unicodedata.category(mark).startswith("C"))


def _dim(text: str) -> None:
    err.print(Text(printable(text), style="dim"), soft_wrap=not err.is_terminal)
