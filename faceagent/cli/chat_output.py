"""How a conversation looks in a terminal: what a turn is doing, and the streamed reply.

Replies go to standard output, progress and notices to standard error.
"""

import re
import sys

from rich.cells import cell_len
from rich.text import Text

from faceagent.agent.chat.events import Event, FacesFound, Noted, ToolStarted
from faceagent.cli.render import err, out, strip_control_characters

PROMPT = "> "
LIST_INDENT = "  "
"""Indentation of the second and further lines of a list item."""
_PARTS = re.compile(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]")
"""Words; in Chinese a line may end after any character."""


class EventPrinter:
    """Shows what a turn is doing while it runs, in one line that is gone before the reply; notices stay.

    Into a pipe or file nothing but notices is written.
    """

    def __init__(self) -> None:
        self._status = err.status("", spinner_style="dim") if err.is_terminal else None

    def print_event(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Noted):
            self.stop()
            err.print(Text(strip_control_characters(event.text), style="yellow"))
        elif isinstance(event, ToolStarted):
            crop = f", {event.crop} crop" if event.crop else ""
            reason = f", because {event.why.replace(':', ' is ').replace('_', ' ')}" if event.why else ""
            self._show(f"{event.tool.replace('_', ' ')}{crop}{reason}")
        elif isinstance(event, FacesFound):
            self._show(f"picture {event.picture}: {len(event.faces)} faces")

    def _show(self, text: str) -> None:
        if self._status is not None:
            self._status.update(Text(f"{text} …", style="dim"))
            self._status.start()

    def stop(self) -> None:
        """Remove the line."""
        if self._status is not None:
            self._status.stop()


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
