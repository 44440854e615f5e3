"""Which pictures a client may name: files in allowed folders, web addresses and ``data:`` URLs.

A language model decides what is named here, and a text inside a picture may try to steer it. So a file is read only
below folders that the person who started the server has allowed, links followed; by default there is none. Addresses
are fetched under the rules of ``intake.fetch``. Standard input and patterns are not for clients.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from faceagent.errors import InputError
from faceagent.intake import Blobs, NamedBytes, expand, name_apart
from faceagent.intake.reading import read
from faceagent.intake.sources import path_of
from faceagent.settings import Settings
from faceagent.types import Problem, Source

MOST_PICTURES = 16
"""Pictures of one call: more would outlast a client's patience and fill its context."""


class PathNotAllowed(InputError):
    """A client has named a file outside the folders that it may read."""

    code = "path_not_allowed"


class Loaded(NamedTuple):
    """One picture that a client has named: its bytes, or why there are none."""

    name: str
    data: bytes | Problem


def sources_of(names: Iterable[str], folders: Sequence[Path], blobs: Blobs, settings: Settings) -> list[Source]:
    """One source per picture, in order; a folder stands for the pictures in it.

    Args:
        names: paths, ``file://`` URLs, http(s) URLs, ``data:`` URLs. A relative path is looked for in every folder.
        folders: the folders below which files may be read; links are followed before that is decided.
        blobs: gets the bytes of ``data:`` URLs.
        settings: limits on bytes.

    Raises:
        PathNotAllowed: a path leads out of the folders. The same whether or not there is a file.
        InputError: there are more than ``MOST_PICTURES`` pictures, or none.
    """
    roots = [Path(os.path.realpath(folder)) for folder in folders]
    found: list[Source] = []
    for name in names:
        for source in _sources(name, roots, blobs, settings):
            found.append(source)
            if len(found) > MOST_PICTURES:
                raise InputError(f"One call takes up to {MOST_PICTURES} pictures.", remedy="Split them over calls.")
    return name_apart(found)


def load(names: Iterable[str], folders: Sequence[Path], blobs: Blobs, settings: Settings) -> list[Loaded]:
    """The bytes of every picture; reads files and fetches addresses. Raises as ``sources_of`` does."""
    return [
        Loaded(source.name, read(source, blobs, settings)) for source in sources_of(names, folders, blobs, settings)
    ]


def named_bytes(loaded: Iterable[Loaded]) -> list[NamedBytes]:
    """Those that could be read."""
    return [NamedBytes(one.name, one.data) for one in loaded if isinstance(one.data, bytes)]


def _sources(name: str, roots: Sequence[Path], blobs: Blobs, settings: Settings) -> Iterator[Source]:
    scheme = urlsplit(name).scheme.lower() if "://" in name else ""
    if name[:5].lower() == "data:" or scheme in ("http", "https"):
        yield from expand([name], blobs, limit=settings.max_bytes)
        return
    if scheme not in ("", "file"):
        raise InputError(f"Pictures with a {scheme}:// address are not read.", remedy="Give http, https or a path.")
    if "\0" in name or not _encodable(name):
        raise InputError("No file can have this name.", remedy="Check the path.")
    path = _allowed(_path_in(name, roots), roots)
    for source in expand([path], blobs, limit=settings.max_bytes):
        # A folder may hold links that lead out of it.
        yield source if source.ref == "\0" else source.model_copy(update={"ref": str(_allowed(path_of(source), roots))})


def _encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _path_in(name: str, roots: Sequence[Path]) -> Path:
    """The path that a name stands for; a relative one below the first root that has it."""
    if name[:7].lower() == "file://":
        parts = urlsplit(name)
        if parts.netloc not in ("", "localhost"):
            raise InputError("A file:// URL of another machine cannot be read.", remedy="Give a path on this machine.")
        return Path(url2pathname(parts.path))
    path = Path(os.path.expanduser(name))
    if path.is_absolute() or not roots:
        return path
    candidates = [root / path for root in roots]
    return next((one for one in candidates if _inside(one, roots) and os.path.lexists(one)), candidates[0])


def _allowed(path: Path, roots: Sequence[Path]) -> Path:
    """The path with all links followed. Raises PathNotAllowed when it is in none of the folders."""
    if not _inside(path, roots):
        there = ", ".join(map(str, roots)) or "none"
        raise PathNotAllowed(
            f"This server may not read {str(path)!r}. The folders it may read: {there}.",
            remedy="Move the picture there, send it as a data: URL, or start the server with "
            "`faceagent mcp --folder FOLDER`.",
        )
    return Path(os.path.realpath(path))


def _inside(path: Path, roots: Sequence[Path]) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(root) for root in roots)
