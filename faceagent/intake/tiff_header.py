"""The first directory of a TIFF, reduced to the tags that a decoder needs for the pixels."""

from struct import pack, unpack_from

from faceagent.intake.headers import Header, TooMuch, weighed

MOST_ENTRIES = 1024
MOST_VALUES = 2**18
"""Values of one tag: a colour map has 196,608, and a picture of single rows a strip for each and colour."""
MOST_IN_TILE = 2**24
"""Pixels of one tile, all of which a decoder keeps."""
MOST_PAGES = 1000
"""Pages that are counted; only the first is read."""

_PIXEL_TAGS = frozenset(
    {254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 338, 339, 347}
    | {512, 513, 514, 515, 519, 520, 521, 529, 530, 531, 532}
)
_WIDTH, _HEIGHT, _DEPTH, _XMP, _ICC = 256, 257, 258, 700, 34675
_TILE = (322, 323)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def read_tiff(data: bytes) -> Header:
    """Raises ValueError when the directory is damaged, TooMuch over a limit."""
    order = "<" if data[:2] == b"II" else ">"
    start = unpack_from(order + "I", data, 4)[0]
    count = unpack_from(order + "H", data, start)[0]
    if count > MOST_ENTRIES:
        raise TooMuch(f"its directory has more than {MOST_ENTRIES:,} entries")
    entries = [data[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    numbers: dict[int, int] = {}
    blocks: dict[int, bytes] = {}
    kept, metadata = [], 0
    for entry in entries:
        tag, kind, length = unpack_from(order + "HHI", entry)
        size = _SIZES.get(kind, 1) * length
        if tag in _PIXEL_TAGS:
            if length > MOST_VALUES:
                raise TooMuch(f"a tag has more than {MOST_VALUES:,} values")
            metadata += size
            weighed(metadata)
            kept.append(entry)
        if tag in (_WIDTH, _HEIGHT, _DEPTH, *_TILE):
            numbers[tag] = _first(data, entry, order, kind, size)
        elif tag in (_XMP, _ICC) and size > 4:
            where = unpack_from(order + "I", entry, 8)[0]
            blocks[tag] = data[where : where + size]
    if numbers.get(_TILE[0], 0) * numbers.get(_TILE[1], 0) > MOST_IN_TILE:
        raise TooMuch(f"a tile has more than {MOST_IN_TILE:,} pixels")
    padding = len(data) % 2
    directory = pack(order + "H", len(kept)) + b"".join(kept) + bytes(4)
    return Header(
        numbers.get(_WIDTH, 0),
        numbers.get(_HEIGHT, 0),
        depth=numbers.get(_DEPTH, 1),
        frames=_pages(data, order, start),
        end=len(data),
        stream=data[:4] + pack(order + "I", len(data) + padding) + data[8:] + bytes(padding) + directory,
        exif=data,
        xmp=blocks.get(_XMP),
        icc=blocks.get(_ICC),
    )


def _first(data: bytes, entry: bytes, order: str, kind: int, size: int) -> int:
    source, at = (entry, 8) if size <= 4 else (data, unpack_from(order + "I", entry, 8)[0])
    code = {1: "B", 3: "H", 4: "I"}.get(kind)
    return int(unpack_from(order + code, source, at)[0]) if code else 0


def _pages(data: bytes, order: str, start: int) -> int:
    seen: set[int] = set()
    while start and start not in seen and len(seen) < MOST_PAGES and start + 2 <= len(data):
        seen.add(start)
        count = unpack_from(order + "H", data, start)[0]
        at = start + 2 + 12 * count
        if at + 4 > len(data):
            break
        start = unpack_from(order + "I", data, at)[0]
    return len(seen)
