"""The few EXIF fields that are used, read from a TIFF block without touching the others.

A damaged or hostile block costs no more than a look at its directories: counts and offsets are checked against the
block, and no value is copied that nobody asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from struct import error as StructError
from struct import unpack_from

MOST_ENTRIES = 4096
"""Entries of one directory that are looked at; cameras write fewer than a hundred."""
MOST_BYTES = 2**21
"""Bytes of one value that are read. A generator's workflow in a comment may have several hundred thousand."""

_EXIF, _GPS, _COMMENT, _ORIENTATION = 0x8769, 0x8825, 0x9286, 0x0112
_TEXTS = {
    0x010E: "description",
    0x010F: "camera_make",
    0x0110: "camera_model",
    0x0131: "software",
    0x0132: "modified",
    0x9003: "taken",
    0x9004: "digitised",
    0xA434: "lens_model",
}
_WIDE = {0x9C9B: "title", 0x9C9C: "comment"}
"""Windows' own fields, UTF-16."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 9: 4, 129: 1}
_BYTES = frozenset({1, 2, 6, 7, 129})


@dataclass(frozen=True)
class ExifFields:
    """What was found. Texts are as long as they are in the block, and foreign."""

    texts: Mapping[str, str] = field(default_factory=dict)
    orientation: int = 1
    gps: bool = False


@dataclass(frozen=True)
class _Entry:
    tag: int
    kind: int
    value: bytes

    def number(self, order: str) -> int | None:
        if self.kind not in (3, 4) or len(self.value) < _SIZES[self.kind]:
            return None
        return int(unpack_from(order + {3: "H", 4: "I"}[self.kind], self.value)[0])


def read_exif(block: bytes) -> ExifFields:
    """The fields of an EXIF block, with or without its "Exif" mark, or of a TIFF file. Raises ValueError if damaged."""
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        raise ValueError("the EXIF block does not begin as one")
    texts: dict[str, str] = {}
    orientation, gps = 1, False
    try:
        entries = list(_directory(block, order, int(unpack_from(order + "I", block, 4)[0])))
        for entry in list(entries):
            if entry.tag == _EXIF and (start := entry.number(order)):
                entries += _directory(block, order, start)
            elif entry.tag == _GPS and (start := entry.number(order)):
                gps = _count(block, order, start) > 1
            elif entry.tag == _ORIENTATION:
                value = entry.number(order)
                orientation = value if value is not None and 1 <= value <= 8 else 1
        for entry in entries:
            _read_text(entry, order, texts)
    except StructError as error:
        raise ValueError("the EXIF block is cut short") from error
    return ExifFields(texts, orientation, gps)


def _count(block: bytes, order: str, start: int) -> int:
    return min(int(unpack_from(order + "H", block, start)[0]), MOST_ENTRIES)


def _directory(block: bytes, order: str, start: int) -> Iterator[_Entry]:
    """The entries of one directory that are used; a value that lies outside the block has no bytes."""
    wanted = {_EXIF, _GPS, _COMMENT, _ORIENTATION, *_TEXTS, *_WIDE}
    for place in range(_count(block, order, start)):
        at = start + 2 + 12 * place
        tag, kind, count = unpack_from(order + "HHI", block, at)
        if tag not in wanted or kind not in _SIZES:
            continue
        size = min(_SIZES[kind] * count, MOST_BYTES)
        where = at + 8 if size <= 4 else int(unpack_from(order + "I", block, at + 8)[0])
        yield _Entry(tag, kind, block[where : where + size])


def _read_text(entry: _Entry, order: str, texts: dict[str, str]) -> None:
    if entry.kind not in _BYTES:
        return
    if entry.tag in _TEXTS:
        texts.setdefault(_TEXTS[entry.tag], entry.value.split(b"\0")[0].decode("utf-8", "replace"))
    elif entry.tag in _WIDE:
        texts.setdefault(_WIDE[entry.tag], entry.value.decode("utf-16-le", "replace").rstrip("\0"))
    elif entry.tag == _COMMENT:
        texts.setdefault("user_comment", _comment(entry.value, order))


def _comment(value: bytes, order: str) -> str:
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0":
        # The block's byte order is what the standard says; many programs write the other one.
        other = len(body) > 1 and (body[0] == 0) != (body[1] == 0)
        big = body[0] == 0 if other else order == ">"
        return body.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0")
    if code in (b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(8)):
        return body.decode("utf-8", "replace").rstrip("\0 ")
    return value.decode("utf-8", "replace").rstrip("\0 ")
