"""From the inputs of a caller to a list of sources, one per picture.

This module finds things and names them; apart from standard input and what is already in memory it reads
nothing. Whether a source is a picture at all is for ``intake.take`` to say.
"""

import base64
import binascii
import glob
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
from PIL import Image

from faceagent.errors import InputError
from faceagent.intake.blobs import Blobs
from faceagent.intake.depth import UnclearValues
from faceagent.intake.drawn import Drawn, file_of, png_of, png_of_array
from faceagent.intake.formats import FORMATS, describe, sniff
from faceagent.intake.text import clean
from faceagent.settings import Settings
from faceagent.types import Problem, Reason, Source


@dataclass(frozen=True)
class NamedBytes:
    """The bytes of a file that was sent, with the name that reports call it by; the name is never used as a path."""

    name: str
    data: bytes


Input = str | os.PathLike[str] | bytes | bytearray | memoryview | NamedBytes | Image.Image | np.ndarray[Any, Any] | None
"""None is what ``cv2.imread`` gives for a file that it cannot read."""

_IN_MEMORY = bytes | bytearray | memoryview | NamedBytes | Image.Image | np.ndarray

Skipped = Callable[[str, str], None]
"""What is called for a file that is passed over: its name, and what its bytes look like."""

_SUFFIXES = frozenset[str]().union(*(one.suffixes for one in FORMATS.values()))
_HEAD = 512
"""Bytes of a file that tell what it is."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_UNDECODED = re.compile("[\ud800-\udfff]")


def expand(
    inputs: Iterable[Input],
    blobs: Blobs,
    *,
    limit: int = Settings.model_fields["max_bytes"].default,
    skipped: Skipped | None = None,
) -> Iterator[Source]:
    """One source per picture, in the order given; folders and globs in sorted order.

    A string may be a file, a folder, a glob (``**`` walks), ``-`` for standard input, an http(s) URL or a ``data:``
    URL. A ``Path`` is always a path. Bytes (with a name or without), PIL pictures and numpy arrays are put into
    ``blobs``, the last two as the file they come from or as PNG (see ``intake.drawn``).

    A folder is walked without hidden files; in it, a file counts that has a picture's suffix or a picture's first
    bytes. A path that does not exist, a folder that may not be listed, None and an array that is no picture become
    sources as well: their problem is then reported, not lost.

    Args:
        inputs: what to look for pictures in.
        blobs: where bytes are kept.
        limit: bytes that are read from standard input at most.
        skipped: called with the name of every file of a folder that is no picture, and what it looks like.

    Raises:
        InputError: for an object of any other type, or a name that no file can have on this system.
    """
    for item in inputs:
        check(item)
        if item is None:
            remedy = "Check that the file was read: cv2.imread gives None where it cannot."
            yield _unread("None", "missing_file", "There is no picture: it is None.", remedy)
        elif isinstance(item, str):
            yield from _text(item, blobs, limit, skipped)
        elif isinstance(item, os.PathLike):
            yield from _path(Path(item), skipped)
        elif isinstance(item, bytes | bytearray | memoryview):
            yield _stored(bytes(item), blobs, "bytes")
        elif isinstance(item, NamedBytes):
            yield _stored(item.data, blobs, printable_name(item.name))
        else:
            yield _drawn(item, blobs, limit)


def check(item: object) -> None:
    """Raises InputError for what can never be a picture: an object of another type, a pattern no name can match."""
    if item is not None and not isinstance(item, _IN_MEMORY | str | os.PathLike):
        raise InputError(
            f"A {type(item).__name__} is no picture.",
            remedy="Give a path, a URL, bytes, a PIL picture or a numpy array.",
        )
    if isinstance(item, str) and _is_pattern(item) and not _encodable(item):
        raise InputError(
            f"No file name can match {ascii(item)}.", remedy="Give the pattern in characters that file names can have."
        )


def _is_pattern(text: str) -> bool:
    return text[:5].lower() != "data:" and not _URL.match(text) and glob.has_magic(text)


def _encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def path_of(source: Source) -> Path:
    """The path of a ``path`` source, whatever bytes its name is made of."""
    if source.ref.startswith("file:///"):
        return Path(os.fsdecode(unquote_to_bytes(source.ref.removeprefix("file://"))))
    return Path(source.ref)


def _text(text: str, blobs: Blobs, limit: int, skipped: Skipped | None) -> Iterator[Source]:
    if text == "-":
        yield _stored(sys.stdin.buffer.read(limit + 1), blobs, "standard input")
    elif not text:
        # As a path, nothing would mean the current folder and everything in it.
        yield Source(kind="path", ref="\0", name="(empty name)")
    elif text[:5].lower() == "data:":
        yield _data_url(text, blobs)
    elif _URL.match(text):
        yield _url(text)
    elif _is_pattern(text) and not _exists(text):
        found = sorted(glob.glob(text, recursive=True)) if "\0" not in text else []
        for name in found:
            yield from _path(Path(name), skipped)
        if not found:
            yield _file(Path(text), text)
    else:
        yield from _path(Path(text), skipped)


def _path(path: Path, skipped: Skipped | None) -> Iterator[Source]:
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        yield _file(path, path.name or str(path))
        return
    empty = True
    for found in _walk(path):
        name = str(Path(path.name) / found.relative_to(path))
        foreign = None if found.suffix.lower() in _SUFFIXES else _foreign(found)
        if foreign is None:
            empty = False
            yield _file(found, name)
        elif skipped is not None:
            skipped(printable_name(name), foreign)
    if empty:
        # An input without any result would be lost; as a source, the folder gets its own problem.
        yield _file(path, path.name or str(path))


def _walk(folder: Path) -> Iterator[Path]:
    """The files below ``folder``, and the folders in it that cannot be listed."""
    failures: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=failures.append):
        yield from _unlisted(failures)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(parent, name)
    yield from _unlisted(failures)


def _foreign(path: Path) -> str | None:
    """What a file that is no picture looks like; None for one that is, and for one that cannot be looked at."""
    try:
        if not path.is_file():
            # A folder that cannot be listed has its own problem; pipes, sockets and devices are not opened.
            return None if path.is_dir() else "no regular file"
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    return None if sniff(head) else describe(head) if head else "an empty file"


def _unlisted(failures: list[OSError]) -> Iterator[Path]:
    while failures:
        yield Path(failures.pop(0).filename)


def _file(path: Path, name: str) -> Source:
    ref = str(path)
    try:
        ref.encode()
    except UnicodeEncodeError:
        # A name that is not UTF-8 cannot stand in a noun; as a URI it can. NUL stands for what no file is called.
        try:
            ref = path.absolute().as_uri()
        except UnicodeEncodeError:
            ref = "\0"
    return Source(kind="path", ref=ref, name=printable_name(name))


def printable_name(name: str) -> str:
    """The name of a file as it can stand in a report, whatever bytes it is made of."""
    return clean(_UNDECODED.sub("\N{REPLACEMENT CHARACTER}", name)) or "unnamed"


def _url(text: str) -> Source:
    # User and query are not part of the name: they may hold tokens, and names are printed in reports.
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https"):
            name = f"{parts.hostname or ''}/{parts.path.rsplit('/', 1)[-1]}"
        else:
            name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        name = "URL"
    return Source(kind="url", ref=text.encode("utf-8", "replace").decode(), name=clean(name) or "URL")


def _data_url(text: str, blobs: Blobs) -> Source:
    header, _, body = text.partition(",")
    try:
        if header.lower().endswith(";base64"):
            data = base64.b64decode("".join(body.split()), validate=True)
        else:
            data = unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        return _unread("data URL", "corrupt_picture", "It cannot be decoded.")
    return _stored(data, blobs, "data URL")


def _stored(data: bytes, blobs: Blobs, name: str) -> Source:
    return Source(kind="bytes", ref=blobs.put(data), name=name)


def _drawn(item: Image.Image | np.ndarray[Any, Any], blobs: Blobs, limit: int) -> Source:
    name = "PIL picture" if isinstance(item, Image.Image) else "array"
    try:
        if isinstance(item, np.ndarray):
            drawn: Drawn | str = png_of_array(item)
        elif (data := file_of(item, limit)) is not None:
            drawn = Drawn(data)
        else:
            drawn = png_of(item)
    except UnclearValues as error:
        return _unread(name, "unsupported_format", f"Its values {error}.", error.remedy)
    except Exception:
        # A PIL picture is read lazily, so a broken file raises only here, and with almost anything.
        return _unread(name, "corrupt_picture", "It cannot be decoded.")
    if isinstance(drawn, str):
        shapes = "Give H×W, H×W×3 (RGB) or H×W×4 (RGBA)."
        return _unread(name, "unsupported_format", drawn, shapes)
    return Source(kind="bytes", ref=blobs.put(drawn.data), name=name, notes=drawn.notes)


def _unread(name: str, reason: Reason, message: str, remedy: str | None = None) -> Source:
    """A source of which it is known already why no picture comes from it."""
    return Source(kind="bytes", ref="", name=name, problem=Problem(reason=reason, message=message, remedy=remedy))


def _exists(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except (OSError, ValueError):
        return False
