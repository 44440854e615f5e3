"""The cache on disk: a lock per entry, files that appear complete or not at all, hashes computed once.

This module knows files and hashes. It knows no catalogue and no source.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from faceagent.errors import ModelUnavailable

_digests: dict[tuple[str, int, int], str] = {}
_guard = threading.Lock()


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file; computed once per process for a path whose size and time stay the same."""
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns)
    with _guard:
        known = _digests.get(key)
    if known is not None:
        return known
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    with _guard:
        _digests[key] = digest
    return digest


def locked(folder: Path, *, wait: bool = True) -> FileLock:
    """The lock of one entry's folder, which is made when missing; to be used in a ``with`` statement.

    With ``wait=False`` entering raises ``filelock.Timeout`` when somebody else holds it. Raises ModelUnavailable
    when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelUnavailable(
            f"The cache folder {folder} cannot be written: {error.strerror}.",
            remedy="Point FACEAGENT_CACHE at a folder you may write to.",
        ) from error
    return FileLock(folder / ".lock", blocking=wait)


def published(
    folder: Path, name: str, write: Callable[[Path], object], check: Callable[[Path], object] | None = None
) -> Path:
    """Let ``write`` fill a temporary file, let ``check`` refuse it by raising, then give it its name in one step.

    A process that is killed on the way leaves a ``*.part`` file, which ``sweep`` removes, and never a half file
    under the real name.
    """
    handle, scratch = tempfile.mkstemp(prefix=f"{name}.", suffix=".part", dir=folder)
    os.close(handle)
    draft = Path(scratch)
    try:
        write(draft)
        if check is not None:
            check(draft)
        draft.chmod(0o644)
        draft.replace(folder / name)
    finally:
        draft.unlink(missing_ok=True)
    return folder / name


def sweep(folder: Path) -> None:
    """Remove what killed processes left behind. Call it with the folder locked."""
    for left in folder.glob("*.part"):
        left.unlink(missing_ok=True)
