"""What a file says of its picture before anything is decoded, and how much of anything it may have.

``walk`` counts every part of a file, before any other program's code sees it: segments, chunks, fill bytes, metadata,
scans. A file with more than any photograph has is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_PARTS = 2**14
"""Segments of a JPEG or chunks of a PNG, WebP or GIF. A 64 MB PNG written in pieces of 4 kB has as many."""
MOST_METADATA = 2**25
"""Bytes of a JPEG's metadata segments or a PNG's texts; a large depth map stays below it."""
MOST_FILL = 2**16
"""Fill bytes between the segments of a JPEG; cameras write a few."""
MOST_SCANS = 200
"""A progressive JPEG needs about ten."""
MOST_SCANNED = 1_200_000_000
"""Scans × pixels of one JPEG: an empty scan costs as much time as a full one, about 2 ns per pixel."""


class TooMuch(ValueError):
    """The file has more of something than is read; the message says of what and how many."""


@dataclass(frozen=True)
class Header:
    """What a header declares. Sizes are px as stored, before orientation; 0 where only the decoder can say."""

    width: int = 0
    height: int = 0
    depth: int = 8
    """Bits per channel."""
    frames: int = 1
    end: int | None = None
    """Offset just after the picture's last byte, or None when no end was found."""
    stream: bytes = b""
    """The bytes of the first picture in the file without metadata, as a decoder takes them."""
    extra: float = 0.0
    """Bytes per pixel that decoding needs beside what its format always needs."""
    exif: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None
    gamma: float | None = None
    """Exponent with which samples were encoded, where the file says so in place of a profile; sRGB is about 1 / 2.2."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Named texts of a PNG, comments of the others under "comment"."""
    further: bool = False
    """Whether further pictures follow in the same file, as phones write them."""


def counted(parts: int) -> None:
    """Raises TooMuch when a file has this many parts."""
    if parts > MOST_PARTS:
        raise TooMuch(f"it has more than {MOST_PARTS:,} parts")


def weighed(metadata: int) -> None:
    """Raises TooMuch when a file has this many bytes of metadata."""
    if metadata > MOST_METADATA:
        raise TooMuch(f"it has more than {MOST_METADATA:,} bytes of metadata")
