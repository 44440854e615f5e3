"""The standard streams as this program finds them: closed, in another encoding, or gone in the middle."""

import os
import sys
from io import TextIOWrapper

_NAMES = ("stdin", "stdout", "stderr")
_closed: set[str] = set()


def prepare() -> None:
    """Make all three streams usable: a closed one becomes empty, and what an encoding lacks is printed escaped.

    A descriptor that stays closed would be given to the next file that is opened, and what a library prints would be
    written into that file.
    """
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            _closed.add(name)
            empty = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            if empty != number:
                os.dup2(empty, number)
                os.close(empty)
        if getattr(sys, name) is None:
            _closed.add(name)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def was_closed(name: str) -> bool:
    """Whether the stream "stdin", "stdout" or "stderr" was closed when the program started."""
    return name in _closed


def abandon_stdout() -> None:
    """Write no more to standard output; otherwise Python prints the error again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
