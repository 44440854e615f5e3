"""From the inputs of a caller to a list of sources, one per picture.

This module finds things and names them; apart from standard input and what is already in memory it reads
nothing. Whether a source is a picture at all is for ``intake.take`` to say.
"""

import base64
import binascii
import glob
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
from PIL import Image

from faceagent.errors import InputError
from faceagent.intake.blobs import Blobs
from faceagent.intake.text import clean
from faceagent.settings import Settings
from faceagent.types import Source

Input = str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray[Any, Any]

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".heic", ".heif", ".hif", ".avif"})
"""File name endings that count as a picture in a folder. A file given by its own path may have any name."""

UNREADABLE = "unreadable"
"""The ref of bytes that could not even be put into the store."""

ODD_ARRAY = "odd array"
"""The ref of an array whose shape or type no picture has."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_UNDECODED = re.compile("[\ud800-\udfff]")


def expand(
    inputs: Iterable[Input], blobs: Blobs, *, limit: int = Settings.model_fields["max_bytes"].default
) -> Iterator[Source]:
    """One source per picture, in the order given; folders and globs in sorted order.

    A string may be a file, a folder (walked, hidden files and unknown suffixes skipped), a glob (``**`` walks),
    ``-`` for standard input, an http(s) URL or a ``data:`` URL. A ``Path`` is always a path. Bytes, PIL pictures
    and numpy arrays (H×W, H×W×3 RGB or H×W×4 RGBA; uint8, or uint16 grey) are put into ``blobs``, the last two as
    PNG. ``limit`` bounds, in bytes, what is read from standard input.

    A path that does not exist, a folder that may not be listed and an array of another shape or type become sources
    as well: their problem is then reported, not lost. Raises InputError for an object of any other type.
    """
    for item in inputs:
        if isinstance(item, str):
            yield from _text(item, blobs, limit)
        elif isinstance(item, os.PathLike):
            yield from _path(Path(item))
        elif isinstance(item, bytes | bytearray | memoryview):
            yield _stored(bytes(item), blobs, "bytes")
        elif isinstance(item, Image.Image | np.ndarray):
            yield _drawn(item, blobs)
        else:
            raise InputError(
                f"A {type(item).__name__} is no picture.",
                remedy="Give a path, a URL, bytes, a PIL picture or a numpy array.",
            )


def path_of(source: Source) -> Path:
    """The path of a ``path`` source, whatever bytes its name is made of."""
    if source.ref.startswith("file:///"):
        return Path(os.fsdecode(unquote_to_bytes(source.ref.removeprefix("file://"))))
    return Path(source.ref)


def _text(text: str, blobs: Blobs, limit: int) -> Iterator[Source]:
    if text == "-":
        yield _stored(sys.stdin.buffer.read(limit + 1), blobs, "standard input")
    elif not text:
        # As a path, nothing would mean the current folder and everything in it.
        yield Source(kind="path", ref="\0", name="(empty name)")
    elif text[:5].lower() == "data:":
        yield _data_url(text, blobs)
    elif _URL.match(text):
        yield _url(text)
    elif glob.has_magic(text) and not _exists(text):
        found = sorted(glob.glob(text, recursive=True)) if "\0" not in text else []
        for name in found:
            yield from _path(Path(name))
        if not found:
            yield _file(Path(text), text)
    else:
        yield from _path(Path(text))


def _path(path: Path) -> Iterator[Source]:
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        yield _file(path, path.name or str(path))
        return
    empty = True
    for found in _walk(path):
        empty = False
        yield _file(found, str(Path(path.name) / found.relative_to(path)))
    if empty:
        # An input without any result would be lost; as a source, the folder gets its own problem.
        yield _file(path, path.name or str(path))


def _walk(folder: Path) -> Iterator[Path]:
    """The pictures below ``folder``, and the folders in it that cannot be listed."""
    failures: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=failures.append):
        yield from _unlisted(failures)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)
    yield from _unlisted(failures)


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
    return Source(kind="path", ref=ref, name=clean(_UNDECODED.sub("\N{REPLACEMENT CHARACTER}", name)) or "unnamed")


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
        return Source(kind="bytes", ref=UNREADABLE, name="data URL")
    return _stored(data, blobs, "data URL")


def _stored(data: bytes, blobs: Blobs, name: str) -> Source:
    return Source(kind="bytes", ref=blobs.put(data), name=name)


def _drawn(item: Image.Image | np.ndarray[Any, Any], blobs: Blobs) -> Source:
    if isinstance(item, Image.Image):
        picture, name = item, "PIL picture"
    else:
        if not _is_picture(item):
            shape = "×".join(str(count) for count in item.shape) or "no"
            return Source(kind="bytes", ref=ODD_ARRAY, name=clean(f"array of shape {shape} and type {item.dtype}"))
        picture, name = Image.fromarray(np.ascontiguousarray(item)), "array"
    out = io.BytesIO()
    try:
        if picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I"):
            picture = picture.convert("RGB")
        picture.save(out, "PNG", compress_level=1, exif=picture.getexif())
    except (OSError, ValueError, SyntaxError):
        # A PIL picture is read lazily, so a broken file raises only here.
        return Source(kind="bytes", ref=UNREADABLE, name=name)
    return _stored(out.getvalue(), blobs, name)


def _is_picture(array: np.ndarray[Any, Any]) -> bool:
    grey16 = array.dtype == np.uint16 and array.ndim == 2
    colour = array.dtype == np.uint8 and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)))
    return (grey16 or colour) and array.size > 0


def _exists(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except (OSError, ValueError):
        return False
