"""Intake: from any kind of input to one decoded, upright sRGB picture, or to the reason why it cannot be read.

Nothing that is wrong with a picture raises here; it comes back as a Problem. The bytes as received and the pixels
decoded from them go into the blob store under the sha256 of those bytes; the Picture only names them.
"""

from pathlib import PurePath

from faceagent.intake.blobs import Blobs, MemoryBlobs, Pixels
from faceagent.intake.formats import FORMATS
from faceagent.intake.isolation import decode_isolated, end_processes
from faceagent.intake.naming import name_apart
from faceagent.intake.reading import read
from faceagent.intake.sources import Input, NamedBytes, Skipped, check, expand
from faceagent.settings import Settings
from faceagent.types import Picture, Problem, Source

__all__ = [
    "Blobs",
    "Input",
    "MemoryBlobs",
    "NamedBytes",
    "Pixels",
    "Skipped",
    "check",
    "end_processes",
    "expand",
    "name_apart",
    "pixels_of",
    "take",
]

_KNOWN = frozenset[str]().union(*(one.suffixes for one in FORMATS.values()), {".txt", ".pdf"})


def take(source: Source, blobs: Blobs, settings: Settings, *, id: str = "P1") -> Picture | Problem:
    """Read, check and decode one source; its bytes and pixels are then in ``blobs`` under ``picture.sha256``.

    ``id`` becomes the picture's id. Never raises for content. A URL is fetched here, under the rules of
    ``intake.fetch``.
    """
    data = read(source, blobs, settings)
    if isinstance(data, Problem):
        return data
    decoded = decode_isolated(data, settings)
    if isinstance(decoded, Problem):
        return decoded
    key = blobs.put(data)
    blobs.put_pixels(key, decoded.pixels)
    height, width = decoded.pixels.shape[:2]
    return Picture(
        id=id,
        sha256=key,
        width=width,
        height=height,
        format=decoded.format,
        bytes=len(data),
        source=source.name,
        mode=decoded.mode,
        orientation=decoded.orientation,
        notes=(*source.notes, *decoded.notes, *_misnamed(source, decoded.format)),
    )


def pixels_of(data: bytes, settings: Settings) -> Pixels:
    """The pixels of bytes that ``take`` has accepted before: decoding again gives the same. Raises ValueError."""
    decoded = decode_isolated(data, settings)
    if isinstance(decoded, Problem):
        raise ValueError(f"these bytes were never accepted: {decoded.message}")
    return decoded.pixels


def _misnamed(source: Source, kind: str) -> tuple[str, ...]:
    suffix = PurePath(source.name).suffix.lower()
    if suffix not in _KNOWN or suffix in FORMATS[kind].suffixes:
        return ()
    return (f"named {suffix}, but the bytes are {kind}",)
