"""The cache on disk: a lock per entry, files that appear complete or not at all, each hash computed once.

This module knows files and hashes. It knows no catalogue and no source.
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from faceagent.atomic_write import PART, atomic_write
from faceagent.errors import ModelUnavailable
from faceagent.per_process import ProcessLock

_digests: dict[tuple[str, int, int], str] = {}
_guard = ProcessLock()


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
    """Write a file of ``folder`` atomically: ``write`` fills a temporary file, ``check`` may reject it by raising.

    A killed process leaves a ``*.part`` file, which ``sweep`` removes, and never an incomplete file under ``name``.
    """
    with atomic_write(folder / name) as temporary:
        write(temporary)
        if check is not None:
            check(temporary)
    return folder / name


def sweep(folder: Path) -> None:
    """Remove temporary files and folders of killed processes. Call it with the folder locked."""
    for left in folder.glob(f"*{PART}"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
