"""Writing a file so that a reader sees the old file or the whole new one, never a part of it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"
"""Suffix of the temporary file; a killed process may leave one behind."""


@contextmanager
def atomic_write(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """An empty temporary file beside ``path``, to be filled in the block; at its end it replaces ``path``.

    When the block raises, the temporary file is deleted and ``path`` stays as it was. The folder must exist. The file
    gets ``mode`` less the user's umask. Raises OSError when it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{PART}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), mode))
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
