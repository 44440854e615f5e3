"""The chunks of a PNG: those that make the pixels of its first picture, and those that describe them."""

import zlib
from struct import pack, unpack_from

from faceagent.intake.colour import MAX_PROFILE
from faceagent.intake.headers import Header, counted, weighed

MOST_TEXT = 2**22
"""Characters of all texts of one picture that are inflated; a generator's workflow has some hundred thousand."""

_MAGIC = b"\x89PNG\r\n\x1a\n"
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS"})
_RAW_EXIF = "Raw profile type exif"
_END = b"\0\0\0\0IEND\xaeB`\x82"


class _Walk:
    """What the chunks seen so far said."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.text_left = MOST_TEXT
        self.exif: bytes | None = None
        self.icc: bytes | None = None
        self.gamma: float | None = None
        self.srgb = False
        self.metadata = 0
        self.frames, self.hidden = 1, True
        self.pixels_done = False
        self.stream: list[bytes] = [_MAGIC]

    def describe(self, kind: bytes, body: bytes) -> None:
        self.metadata += len(body)
        weighed(self.metadata)
        if kind in _TEXTS:
            self._text(kind, body)
        elif kind == b"eXIf":
            self.exif = self.exif or body
        elif kind == b"iCCP" and self.icc is None:
            # Broken or too large, it is given on as it is: colour says that it cannot be used.
            packed = body.partition(b"\0")[2][1:]
            self.icc = _inflate(packed, MAX_PROFILE + 1) or body
        elif kind == b"gAMA" and len(body) == 4:
            value = unpack_from(">I", body)[0]
            self.gamma = value / 100_000 if value else None
        elif kind == b"sRGB":
            self.srgb = True
        elif kind == b"acTL" and len(body) == 8:
            self.frames = max(1, unpack_from(">I", body)[0])

    def _text(self, kind: bytes, body: bytes) -> None:
        key, _, rest = body.partition(b"\0")
        name = key[:79].decode("latin-1")
        if name in self.texts or self.text_left <= 0:
            return
        if kind == b"tEXt":
            # The standard says Latin-1; generators write UTF-8.
            text = _decode(rest[: self.text_left])
        elif kind == b"zTXt":
            text = _decode(_inflate(rest[1:], self.text_left))
        else:
            packed = rest[:1] == b"\1"
            raw = rest[2:].split(b"\0", 2)[-1]
            text = (_inflate(raw, self.text_left) if packed else raw[: self.text_left]).decode("utf-8", "replace")
        self.text_left -= len(text)
        self.texts[name] = text


def read_png(data: bytes) -> Header:
    """Raises ValueError for a PNG without header or with a broken chunk that its pixels need, TooMuch over a limit."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise ValueError("the PNG does not begin with its header")
    width, height, depth = unpack_from(">IIB", data, 16)
    walk = _Walk()
    end = _chunks(walk, data)
    if len(walk.stream) > 1:
        walk.stream.append(_END)
    return Header(
        width,
        height,
        depth=depth,
        frames=walk.frames + (walk.hidden and walk.frames > 1),
        end=end,
        stream=b"".join(walk.stream),
        exif=walk.exif or _raw_exif(walk.texts),
        xmp=xmp.encode() if (xmp := walk.texts.pop("XML:com.adobe.xmp", "")) else None,
        icc=walk.icc,
        gamma=None if walk.srgb or walk.icc else walk.gamma,
        texts=walk.texts,
    )


def _chunks(walk: _Walk, data: bytes) -> int | None:
    """Take in all chunks; the offset behind the last one, or None where the file stops before it."""
    at, parts, before = 8, 0, b""
    while at + 8 <= len(data):
        parts += 1
        counted(parts)
        size, kind = unpack_from(">I4s", data, at)
        body_end = at + 8 + size
        if kind == b"IEND":
            return int(body_end) + 4
        if kind == b"IDAT":
            _pixels(walk, data, at, body_end, follows=before == b"IDAT")
        elif body_end > len(data):
            return None
        elif kind in _KEPT:
            walk.stream.append(_checked(data[at : body_end + 4]))
        elif kind == b"fcTL":
            # A frame control before the pixels makes the default picture the first frame.
            walk.hidden = walk.hidden and walk.pixels_done
        else:
            walk.describe(kind, data[at + 8 : body_end])
        at, before = body_end + 4, kind
    return None


def _pixels(walk: _Walk, data: bytes, at: int, end: int, *, follows: bool) -> None:
    if end > len(data):
        raise ValueError("the pixels are cut short")
    if follows or not walk.pixels_done:
        # The checksum of a file that was cut there is made whole; decoders check the pixels by themselves.
        walk.stream.append(data[at : end + 4].ljust(end + 4 - at, b"\0"))
    walk.pixels_done = True


def _checked(chunk: bytes) -> bytes:
    if chunk[-4:] != pack(">I", zlib.crc32(chunk[4:-4])):
        raise ValueError(f"the checksum of its {chunk[4:8].decode('latin-1')} is wrong")
    return chunk


def _inflate(packed: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _raw_exif(texts: dict[str, str]) -> bytes | None:
    """EXIF as ImageMagick writes it into a text: a name, a length, then hexadecimal digits."""
    lines = texts.pop(_RAW_EXIF, "").split("\n")[3:]
    try:
        return bytes.fromhex("".join(lines)) or None
    except ValueError:
        return b"\0"
