"""What the first bytes of a file say, read without decoding: format, size, bit depth, scans, where it ends.

The limits are checked on these numbers, so that a header which promises the moon costs nothing. Only the three
formats everyone has (JPEG, PNG, WebP) are walked; HEIF and AVIF are recognised, and their decoders asked.
"""

import re
from dataclasses import dataclass
from struct import error as StructError
from struct import unpack_from

_PNG = b"\x89PNG\r\n\x1a\n"
_IEND = b"\0\0\0\0IEND\xaeB`\x82"
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevm", b"hevs", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A marker inside entropy-coded data: neither a stuffed zero, nor a restart, nor fill."""

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"SIMPLE", "a FITS file"),
    (b"8BPS", "a Photoshop document"),
)


@dataclass(frozen=True)
class Header:
    """What a header declares. Sizes are px as stored, before orientation."""

    width: int
    height: int
    depth: int = 8
    """Bits per channel."""
    scans: int = 1
    end: int | None = None
    """Offset just after the picture's last byte, or None when no end was found."""


def sniff(data: bytes) -> str | None:
    """JPEG, PNG, WEBP, HEIF or AVIF by the magic bytes; None for anything else."""
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == _PNG:
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        # mif1 only says "an image"; the compatible brands then say which kind.
        length = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[8:12], *(data[at : at + 4] for at in range(16, length - 3, 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    return None


def describe(data: bytes) -> str:
    """What unsupported bytes look like, for a message: "a GIF", "text", "a file of an unknown kind"."""
    for magic, words in _FOREIGN:
        if data.startswith(magic):
            return words
    if data[4:8] == b"ftyp":
        return "a video"
    sample = data[:512]
    try:
        text = sample.decode()
    except UnicodeDecodeError as error:
        text = sample[: error.start].decode() if error.start > len(sample) - 4 else "\0"
    return "text" if text and all(mark.isprintable() or mark.isspace() for mark in text) else "a file of unknown kind"


def read_header(kind: str, data: bytes) -> Header | None:
    """The header of a JPEG, PNG or WEBP; None for the other formats. Raises ValueError when it is malformed."""
    reader = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}.get(kind)
    if reader is None:
        return None
    try:
        return reader(data)
    except (IndexError, StructError) as error:
        raise ValueError(str(error)) from error


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR" or len(data) < 26:
        raise ValueError("the PNG does not begin with its header")
    width, height, depth = unpack_from(">IIB", data, 16)
    end = data.find(_IEND, 33)
    return Header(width, height, depth=depth, end=None if end < 0 else end + len(_IEND))


def _webp(data: bytes) -> Header:
    if len(data) < 30:
        raise ValueError("the WebP is shorter than its header")
    end = 8 + int.from_bytes(data[4:8], "little")
    chunk = data[12:16]
    if chunk == b"VP8X":
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    elif chunk == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in unpack_from("<HH", data, 26))
    else:
        raise ValueError("the WebP has no picture in it")
    return Header(width, height, end=end + end % 2 if end <= len(data) else None)


def _jpeg(data: bytes) -> Header:
    width = height = scans = 0
    depth = 8
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            # Decoders skip stray bytes between segments, so this walk does too.
            at = _next_marker(data, at)
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if marker == 0xD9:
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 9 <= len(data):
            depth = data[at + 4]
            high, wide = unpack_from(">HH", data, at + 5)
            # libjpeg refuses a second frame header; taking the larger of both cannot be fooled either way.
            width, height = max(width, wide), max(height, high)
        at += 2 + length
        if marker == 0xDA:
            scans += 1
            at = _next_marker(data, at)
    if not (width and height):
        raise ValueError("the JPEG does not say how large it is")
    closed = data[at : at + 2] == b"\xff\xd9"
    return Header(width, height, depth=depth, scans=scans, end=at + 2 if closed else None)


def _next_marker(data: bytes, at: int) -> int:
    found = _MARKER.search(data, at)
    return found.start() if found else len(data)
