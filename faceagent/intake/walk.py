"""Reads the header of a file and sets its parts aside: the bytes that make the pixels, and the metadata.

A decoder gets only what it needs for the pixels of the first picture, so nothing else in a file can keep it busy.
HEIF and AVIF are not walked, their decoders parse no more than the boxes of one picture; nor are BMP, JPEG 2000 and
the PNM formats, which have little beside pixels.
"""

from collections.abc import Callable, Mapping
from struct import error as StructError

from faceagent.intake.gif_header import read_gif
from faceagent.intake.headers import Header
from faceagent.intake.jpeg_header import read_jpeg
from faceagent.intake.png_header import read_png
from faceagent.intake.tiff_header import read_tiff
from faceagent.intake.webp_header import read_webp

_WALKS: Mapping[str, Callable[[bytes], Header]] = {
    "JPEG": read_jpeg,
    "PNG": read_png,
    "WEBP": read_webp,
    "GIF": read_gif,
    "TIFF": read_tiff,
}


def read_header(kind: str, data: bytes) -> Header:
    """The header of a file of one of the ``FORMATS``. Raises ValueError when it is malformed, TooMuch over a limit."""
    try:
        return _WALKS.get(kind, _unwalked)(data)
    except (IndexError, StructError) as error:
        raise ValueError(str(error)) from error


def _unwalked(data: bytes) -> Header:
    return Header(stream=data, end=len(data))
