"""Writing a file so that a reader sees the old file or the whole new one, never a part of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"
"""Suffix of the temporary file; a killed process may leave one behind."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """An empty temporary file beside ``path``, to be filled in the block; at its end it replaces ``path``.

    When the block raises, the temporary file is deleted and ``path`` stays as it was. The folder must exist. The file
    gets mode 0644. Raises OSError when it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
