"""A conversation in a terminal or through a pipe: reads the turns and slash commands, prints what happens.

How events and replies look is in ``chat_output``.
"""

import re
import sys
import webbrowser
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from rich.table import Table
from rich.text import Text

from faceagent.agent.chat import Conversation
from faceagent.agent.chat.commands import KINDS
from faceagent.agent.chat.events import Clarification, Done, Event, Planned, Token
from faceagent.cli.chat_output import PROMPT, EventPrinter, WordWrap
from faceagent.cli.render import err, out, strip_control_characters
from faceagent.errors import InputError
from faceagent.router import Plan

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
"""Slash commands and their descriptions."""
_COMMAND = re.compile(r"/[a-z]+")


class TerminalChat:
    """The conversation of one terminal. ``run`` reads turns until the input ends."""

    def __init__(self, conversation: Conversation, begin: Callable[[], Conversation]) -> None:
        """``begin`` starts another conversation, for /reset."""
        self._conversation, self._begin = conversation, begin
        self._pictures: list[str] = []
        self._references: list[str] = []
        self._given: tuple[list[str], list[str]] = ([], [])

    def run(self, pictures: Iterable[str], references: Iterable[str]) -> None:
        """Read and answer turns until the end of input or /quit."""
        self._pictures, self._references = list(pictures), list(references)
        self._given = (list(self._pictures), list(self._references))
        self._print_greeting()
        for line in self._read_lines():
            try:
                if not self._run_line(line):
                    break
            except InputError as error:
                err.print(Text(str(error), style="yellow"))
            except KeyboardInterrupt:
                err.print("\nInterrupted. Ask again, or /quit.")
        self._conversation.close()

    def _print_greeting(self) -> None:
        one = self._conversation
        remarks = [f"session {one.id}", "/help for more"]
        if one.turns:
            remarks.insert(1, f"{one.turns} turn{'s' * (one.turns != 1)} so far")
        err.print(Text(" · ".join(remarks), style="dim"))
        if one.exchanges and one.unfinished is None:
            last = one.exchanges[-1]
            err.print(
                Text(f"last: {strip_control_characters(last.text)}", style="dim"), overflow="ellipsis", no_wrap=True
            )
        if one.unfinished is not None:
            words = strip_control_characters(one.unfinished) or "(its words are lost)"
            err.print(Text(f"The last turn was cut off and is finished now: {words}", style="yellow"))
            self._print_events(one.resume())
        if one.waiting is not None:
            out.print(Text(one.waiting.text, style="bold"))

    def _read_lines(self) -> Iterator[str]:
        if not sys.stdin.isatty():
            for raw in sys.stdin.buffer:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if line.strip():
                    out.print(Text(f"{PROMPT}{strip_control_characters(line)}", style="bold"), soft_wrap=True)
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

    def _run_line(self, line: str) -> bool:
        """Run one turn or slash command. Returns False when it ends the conversation."""
        command, _, rest = line.strip().partition(" ")
        action = {
            "/add": self._add_picture,
            "/reference": self._add_reference,
            "/open": self._open_report,
            "/session": self._print_session,
            "/reset": self._reset,
            "/help": self._print_help,
        }.get(command)
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
        plan = self._print_events(events)
        return plan is None or plan.kind not in ("bye", "quit")

    def _add_picture(self, path: str) -> None:
        if not path:
            raise InputError("Say which picture: /add PATH.")
        events = self._conversation.ask("", [*self._given[0], path], self._given[1])
        self._pictures.append(path)
        self._given = ([], [])
        self._print_events(events)

    def _add_reference(self, path: str) -> None:
        if not path:
            raise InputError("Say which picture: /reference PATH.")
        self._references.append(path)
        self._given[1].append(path)
        err.print("Taken as a reference. Ask whether it is the same person.", highlight=False)

    def _open_report(self, rest: str) -> None:
        words = rest.removeprefix("report").split()
        number = int(words[0]) if words and words[0].isdecimal() else 1
        folder = Path(f"faceagent-{self._conversation.id}") / f"picture-{number}"
        page = self._conversation.write_report(folder, number) / "report.html"
        err.print(f"Report: {page}", soft_wrap=True, highlight=False)
        if sys.stdin.isatty():
            webbrowser.open(page.absolute().as_uri())

    def _print_session(self, rest: str) -> None:
        del rest
        kept = "kept" if self._conversation.persistent else "in memory only"
        out.print(f"{self._conversation.id} ({kept})", highlight=False)

    def _reset(self, rest: str) -> None:
        del rest
        self._conversation.close()
        self._conversation = self._begin()
        self._given = (list(self._pictures), list(self._references))
        self._print_greeting()

    def _print_help(self, rest: str) -> None:
        del rest
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        for command, meaning in HELP:
            table.add_row(Text(f"  {command}"), Text(meaning))
        out.print("Ask in your own words. Besides:", highlight=False)
        out.print(table)

    def _print_events(self, events: Generator[Event, None, None]) -> Plan | None:
        """Print the events of one turn as they arrive; returns what was understood."""
        printer, wrap = EventPrinter(), WordWrap()
        plan: Plan | None = None
        try:
            with closing(events) as running:
                for event in running:
                    if isinstance(event, Token):
                        printer.stop()
                        wrap.write(event.text)
                    elif isinstance(event, Clarification):
                        printer.stop()
                        out.print(Text(strip_control_characters(event.text), style="bold"))
                    elif isinstance(event, Done):
                        wrap.end()
                    elif isinstance(event, Planned):
                        plan = event.plan
                    else:
                        printer.print_event(event)
        finally:
            printer.stop()
        return plan
