"""The bytes of a source, under the limit, or the reason why there are none.

A path is opened only when it leads to a regular file: opening a pipe, a terminal or a device could wait for ever
or set something off.
"""

import os
import stat
from pathlib import Path

from faceagent.intake.blobs import Blobs
from faceagent.intake.sources import path_of
from faceagent.settings import Settings
from faceagent.types import Problem, Source


def read(source: Source, blobs: Blobs, settings: Settings) -> bytes | Problem:
    """All bytes of ``source``, at most ``settings.max_bytes`` of them. Never raises for content."""
    if source.problem is not None:
        return source.problem
    if source.kind == "path":
        found = _read_path(path_of(source), settings)
    elif source.kind == "url":
        from faceagent.intake.fetch import fetch

        found = fetch(source.ref, settings)
    else:
        found = _read_stored(source.ref, blobs)
    if isinstance(found, Problem):
        return found
    if not found:
        return Problem(reason="empty_file", message="There are no bytes in it.")
    return _too_large(settings) if len(found) > settings.max_bytes else found


def _too_large(settings: Settings) -> Problem:
    return Problem(
        reason="too_large",
        message=f"It has more than {settings.max_bytes:,} bytes.",
        remedy=f"Give a smaller file{settings.or_raise('max_bytes')}.",
    )


def _read_stored(key: str, blobs: Blobs) -> bytes | Problem:
    try:
        return blobs.get(key)
    except KeyError:
        return Problem(reason="corrupt_picture", message="Its bytes are no longer in the store.")


def _read_path(path: Path, settings: Settings) -> bytes | Problem:
    try:
        # Checked before opening, because opening a device can already have an effect.
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            # A folder that may not be listed is not an empty one.
            os.scandir(path).close()
        problem = _unfit(mode)
        if problem is not None:
            return problem
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(handle, "rb") as file:
            # Checked again, because the name may refer to another file by now.
            status = os.fstat(file.fileno())
            problem = _unfit(status.st_mode)
            if problem is None and status.st_size > settings.max_bytes:
                problem = _too_large(settings)
            return file.read(settings.max_bytes + 1) if problem is None else problem
    except PermissionError:
        return Problem(
            reason="no_permission", message="It may not be read.", remedy="Give this user the right to read it."
        )
    except FileNotFoundError:
        return Problem(reason="missing_file", message="There is no such file.", remedy="Check the path.")
    except ValueError:
        # No name at all, or one with a NUL in it.
        return Problem(reason="missing_file", message="No file can have this name.", remedy="Check the path.")
    except OSError as error:
        # A name too long, a loop of links, a disk that fails: nothing there that can be read.
        words = error.strerror or str(error)
        return Problem(reason="missing_file", message=f"The path cannot be opened: {words}.", remedy="Check the path.")


def _unfit(mode: int) -> Problem | None:
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return Problem(
            reason="is_folder", message="This is a folder, and no pictures were found in it.", remedy="Name a picture."
        )
    return Problem(
        reason="not_a_file",
        message="This is a pipe, socket or device, not a file.",
        remedy="Pipe a picture into standard input and name it -.",
    )
