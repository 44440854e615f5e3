"""How pictures are sent: files and open streams in pieces, never whole in memory; URLs by name."""

import base64
import binascii
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from faceagent.errors import InputError

PictureFile = str | os.PathLike[str] | bytes | BinaryIO | tuple[str, bytes | BinaryIO]
"""A path, an http(s) or ``data:`` URL, bytes, a stream open for reading, or one of the last two with a name."""

FilePart = tuple[str, tuple[str, bytes | BinaryIO]]
"""One part of a form: its field, and the name and content of the file."""


@dataclass(frozen=True)
class Body:
    """What a request carries. Files are opened anew for every try."""

    fields: Mapping[str, Any]
    files: Sequence[tuple[str, PictureFile]] = ()

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent twice: a stream that cannot be rewound cannot."""
        return all(_rewindable(one) for _, one in self.files)

    def open(self, stack: ExitStack) -> dict[str, Any]:
        """The arguments of a request: JSON where there are no files, else a form. ``stack`` closes what is opened.

        Raises InputError where a file cannot be read.
        """
        if not self.files:
            return {"json": dict(self.fields)}
        data = {name: _form_value(value) for name, value in self.fields.items() if value is not None}
        return {"data": data, "files": [(field, _part(one, stack)) for field, one in self.files]}


def body_of(fields: Mapping[str, Any], **pictures: Iterable[PictureFile]) -> Body:
    """A body with these fields, and the pictures as files under the names of their fields."""
    given = {name: value for name, value in fields.items() if value not in (None, (), [])}
    return Body(given, [(field, one) for field, some in pictures.items() for one in some])


def is_url(picture: PictureFile) -> bool:
    """Whether the service shall fetch it."""
    return isinstance(picture, str) and picture.lower().startswith(("http://", "https://"))


def _part(picture: PictureFile, stack: ExitStack) -> tuple[str, bytes | BinaryIO]:
    if isinstance(picture, tuple):
        name, content = picture
        return name, content if isinstance(content, bytes) else _rewound(content)
    if isinstance(picture, bytes):
        return "upload", picture
    if isinstance(picture, str) and picture[:5].lower() == "data:":
        return "upload", _decoded(picture)
    if isinstance(picture, str | os.PathLike):
        path = Path(picture)
        try:
            return path.name, stack.enter_context(path.open("rb"))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no file can have this name"
            raise InputError(f"{str(path)!r} cannot be sent: {why}.", remedy="Check the path.") from error
    return Path(str(getattr(picture, "name", "upload"))).name or "upload", _rewound(picture)


def _decoded(url: str) -> bytes:
    """The bytes of a ``data:`` URL. Raises InputError."""
    header, _, body = url.partition(",")
    try:
        if header.lower().endswith(";base64"):
            return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise InputError("The data: URL is not base64.", remedy="Give the bytes, or data:image/png;base64,…")


def _rewound(stream: BinaryIO) -> BinaryIO:
    if stream.seekable():
        stream.seek(0)
    return stream


def _rewindable(picture: PictureFile) -> bool:
    content = picture[1] if isinstance(picture, tuple) else picture
    return isinstance(content, str | bytes | os.PathLike) or content.seekable()


def _form_value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return list(map(str, value)) if isinstance(value, list | tuple) else str(value)
