"""The chunks of a WebP: those that make the pixels of its first frame, and those that describe them."""

from struct import pack, unpack_from

from faceagent.intake.headers import Header, counted, weighed

_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM"})
_ICC_FLAG, _EXIF_FLAG, _XMP_FLAG = 0x20, 0x08, 0x04


def read_webp(data: bytes) -> Header:
    """Raises ValueError when no picture is found or a chunk is cut short, TooMuch over a limit."""
    if len(data) < 30:
        raise ValueError("the WebP is shorter than its header")
    width, height = _size(data)
    end = 8 + int.from_bytes(data[4:8], "little")
    at, parts, metadata, frames = 12, 0, 0, 0
    found: dict[bytes, bytes] = {}
    stream: list[bytes] = []
    while at + 8 <= min(end, len(data)):
        parts += 1
        counted(parts)
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        after = at + 8 + size
        if after > len(data):
            raise ValueError("a chunk is cut short")
        frames += kind == b"ANMF"
        if kind == b"VP8X":
            flags = data[at + 8] & ~(_ICC_FLAG | _EXIF_FLAG | _XMP_FLAG)
            stream.append(data[at : at + 8] + bytes([flags]) + data[at + 9 : after + size % 2])
        elif kind in _PIXELS or (kind == b"ANMF" and frames == 1):
            stream.append(data[at:after].ljust(8 + size + size % 2, b"\0"))
        elif kind != b"ANMF":
            metadata += size
            weighed(metadata)
            found.setdefault(kind, data[at + 8 : after])
        at = after + size % 2
    body = b"WEBP" + b"".join(stream)
    return Header(
        width,
        height,
        frames=max(frames, 1),
        end=end + end % 2 if end <= len(data) else None,
        stream=b"RIFF" + pack("<I", len(body)) + body,
        exif=found.get(b"EXIF"),
        xmp=found.get(b"XMP "),
        icc=found.get(b"ICCP"),
    )


def _size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X":
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return width, height
    if chunk == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in unpack_from("<HH", data, 26))
        return width, height
    raise ValueError("the WebP has no picture in it")
