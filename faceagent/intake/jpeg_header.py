"""The segments of a JPEG: those that make the pixels, and those that describe them."""

import re
from struct import unpack_from

from faceagent.intake.headers import MOST_FILL, MOST_SCANNED, MOST_SCANS, Header, TooMuch, counted, weighed

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A marker inside entropy-coded data: neither a stuffed zero, nor a restart, nor fill."""
_FILL = re.compile(rb"\xff+")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


class _Walk:
    """What the segments seen so far said."""

    def __init__(self) -> None:
        self.width = self.height = self.scans = self.parts = self.fill = self.metadata = 0
        self.depth, self.samples = 8, 0.0
        self.exif: bytes | None = None
        self.xmp: bytes | None = None
        self.icc: dict[int, bytes] = {}
        self.comment = ""
        self.further = self.jfif = self.adobe = False
        self.stream: list[bytes] = [b"\xff\xd8"]

    def frame(self, segment: bytes) -> None:
        """A frame header. libjpeg refuses a second one; taking the larger of both cannot be fooled either way."""
        self.depth = segment[4]
        high, wide = unpack_from(">HH", segment, 5)
        self.width, self.height = max(self.width, wide), max(self.height, high)
        factors = [segment[at] for at in range(11, min(len(segment), 10 + 3 * segment[9]), 3)]
        across, down = (max([factor >> shift & 15 for factor in factors] or [1]) or 1 for shift in (4, 0))
        shares = [(factor >> 4 & 15) * (factor & 15) / (across * down) for factor in factors]
        self.samples = max(self.samples, sum(shares))

    def scan(self) -> None:
        self.scans += 1
        if self.scans > MOST_SCANS:
            raise TooMuch(f"it has more than {MOST_SCANS} scans")
        if self.scans > 1 and self.scans * self.width * self.height > MOST_SCANNED:
            raise TooMuch(f"it has {self.width}×{self.height} pixels in at least {self.scans} scans")

    def describe(self, marker: int, segment: bytes) -> bool:
        """Keep what an application segment says; whether the decoder needs the segment as well."""
        body = segment[4:]
        if marker == 0xE0 and body.startswith(b"JFIF\0") and not self.jfif:
            self.jfif = True
            return True
        if marker == 0xEE and body.startswith(b"Adobe") and not self.adobe:
            self.adobe = True
            return True
        self.metadata += len(segment)
        weighed(self.metadata)
        if marker == 0xE1 and body.startswith(b"Exif\0") and self.exif is None:
            self.exif = body
        elif marker == 0xE1 and body.startswith(_XMP) and self.xmp is None:
            self.xmp = body.removeprefix(_XMP)
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            self.icc.setdefault(body[12], body[14:])
        elif marker == 0xE2 and body.startswith(b"MPF\0"):
            self.further = True
        elif marker == 0xFE and not self.comment:
            self.comment = body.decode("utf-8", "replace")
        return False


def read_jpeg(data: bytes) -> Header:
    """Raises ValueError when no frame header is found, TooMuch over a limit."""
    walk = _Walk()
    at = 2
    while at + 4 <= len(data):
        walk.parts += 1
        counted(walk.parts)
        at, ended = _step(walk, data, at)
        if ended:
            break
    if not (walk.width and walk.height):
        raise ValueError("the JPEG does not say how large it is")
    closed = data[at : at + 2] == b"\xff\xd9"
    walk.stream.append(b"\xff\xd9")
    return Header(
        walk.width,
        walk.height,
        depth=walk.depth,
        end=at + 2 if closed else None,
        stream=b"".join(walk.stream),
        # In several scans, all coefficients of the picture are kept until the last.
        extra=2 * walk.samples if walk.scans > 1 else 0.0,
        exif=walk.exif,
        xmp=walk.xmp,
        icc=b"".join(walk.icc[number] for number in sorted(walk.icc)) or None,
        texts={"comment": walk.comment} if walk.comment else {},
        further=walk.further,
    )


def _step(walk: _Walk, data: bytes, at: int) -> tuple[int, bool]:
    """Take in what begins at ``at``; where the next part begins, and whether the picture ends there."""
    if data[at] != 0xFF:
        # Decoders skip stray bytes between segments, so this walk does too.
        return _next_marker(data, at), False
    marker = data[at + 1]
    if marker == 0xFF:
        run = _FILL.match(data, at)
        length = (run.end() if run else at + 2) - at - 1
        walk.fill += length
        if walk.fill > MOST_FILL:
            raise TooMuch(f"it has more than {MOST_FILL:,} fill bytes")
        return at + length, False
    if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
        return at + 2, False
    if marker == 0xD9:
        return at, True
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    segment = data[at:end]
    if marker in _FRAMES and len(segment) >= 10:
        walk.frame(segment)
    if marker == 0xDA:
        walk.scan()
        end = _next_marker(data, end)
        walk.stream.append(data[at:end])
    elif not (0xE0 <= marker <= 0xEF or marker == 0xFE) or walk.describe(marker, segment):
        walk.stream.append(segment)
    return end, False


def _next_marker(data: bytes, at: int) -> int:
    found = _MARKER.search(data, at)
    return found.start() if found else len(data)
