"""From bytes to upright 8-bit sRGB pixels, with a note for everything that was changed.

The magic bytes choose the decoder, the limits are checked before it runs, and whatever goes wrong inside becomes
a Problem. Damage that a decoder cannot notice (a flipped bit inside a JPEG scan) is not noticed here either.
"""

import logging
import re
from dataclasses import dataclass

import numpy as np

from faceagent.intake.blobs import Pixels
from faceagent.intake.budget import MOST_DECODING, decoding
from faceagent.intake.colour import to_rgb
from faceagent.intake.decoders import NoDecoder, Opened, TooSlow, open_picture
from faceagent.intake.depth import UnclearValues
from faceagent.intake.exif import read_exif
from faceagent.intake.formats import FORMATS, describe, sniff
from faceagent.intake.headers import Header, TooMuch
from faceagent.intake.walk import read_header
from faceagent.settings import Settings
from faceagent.types import Problem

logger = logging.getLogger(__name__)

OUTPUT = 3
"""Bytes per pixel of what decoding gives."""

_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:\s*=\s*["\']|>)\s*([1-8])')
_TURNS: dict[int, str] = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored top to bottom",
    5: "mirrored and turned by 90°",
    6: "turned by 90° clockwise",
    7: "mirrored and turned by 90°",
    8: "turned by 90° counter-clockwise",
}


@dataclass(frozen=True)
class Decoded:
    """Pixels and how they came about."""

    pixels: Pixels
    format: str
    mode: str
    orientation: int
    notes: tuple[str, ...]


def decode(data: bytes, settings: Settings) -> Decoded | Problem:
    """Decode the first frame of ``data``, upright, as 8-bit sRGB. Never raises for content."""
    kind = sniff(data)
    if kind is None:
        names = ", ".join(name for name in FORMATS if name not in ("AVIF", "HEIF"))
        return Problem(
            reason="unsupported_format",
            message=f"This is {describe(data)}; faceagent reads {names}, AVIF, and HEIC with faceagent[heif].",
            remedy="Convert it to PNG or JPEG.",
        )
    try:
        return _decode(kind, data, settings)
    except TooMuch as error:
        return Problem(reason="too_large", message=f"The {kind} is not read: {error}.")
    except TooSlow:
        return Problem(
            reason="too_slow",
            message=f"The {kind} takes more than {settings.decode_seconds:g} seconds of processor time to decode.",
            remedy=f"Save it again as PNG or JPEG{settings.or_raise('decode_seconds')}.",
        )
    except NoDecoder as error:
        return Problem(reason="unsupported_format", message=error.message, remedy=error.remedy)
    except UnclearValues as error:
        return Problem(reason="unsupported_format", message=f"The values of the {kind} {error}.", remedy=error.remedy)
    except ValueError as error:
        return Problem(reason="corrupt_picture", message=f"The {kind} is damaged: {_first_line(error)}.")
    except MemoryError:
        return Problem(
            reason="too_many_pixels",
            message=f"The {kind} takes more memory to decode than there is for one picture.",
            remedy="Make it smaller, or save it as a JPEG that is not progressive.",
        )
    except Exception as error:
        # Decoders fail on hostile bytes with almost any exception there is; for us they all mean the same.
        logger.debug("the %s decoder failed: %r", kind, error)
        return Problem(reason="corrupt_picture", message=f"The {kind} is damaged or cut short.")


def _decode(kind: str, data: bytes, settings: Settings) -> Decoded | Problem:
    header = read_header(kind, data)
    if kind == "JPEG" and header.end is None:
        raise ValueError("it stops before its end mark")
    opened = None if header.width else open_picture(kind, header, settings.decode_seconds)
    size = (opened.width, opened.height) if opened else (header.width, header.height)
    problem = _over_limits(kind, header, size, settings) or _too_many_frames(header.frames, settings)
    if problem is not None:
        return problem
    with decoding(_bytes(kind, header, size)):
        opened = opened or open_picture(kind, header, settings.decode_seconds)
        # Decoders may see another size than the header says, and more frames.
        size = opened.width, opened.height
        problem = _over_limits(kind, header, size, settings) or _too_many_frames(opened.frames, settings)
        return problem or _finish(kind, header, opened, len(data))


def _finish(kind: str, header: Header, opened: Opened, size: int) -> Decoded:
    notes = []
    frames = max(header.frames, opened.frames)
    if frames > 1:
        notes.append(f"only the first of {frames} {'pages' if kind == 'TIFF' else 'frames'} was used")
    orientation, note = _orientation(header, opened)
    notes += note
    picture = opened.load()
    # Pillow scales 16-bit PNM to the full range, as integers of 32 bits.
    depth = 16 if kind == "PPM" and picture.mode == "I" else header.depth
    pixels, mode, changes = to_rgb(picture, depth=depth, icc=header.icc or opened.icc, gamma=header.gamma)
    notes += changes
    if orientation in _TURNS:
        pixels = _turned(pixels, orientation)
        notes.append(f"{_TURNS[orientation]}, as its EXIF orientation asks")
    notes += _rest(header, size)
    return Decoded(pixels, kind, mode, orientation, tuple(notes))


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels as EXIF orientation 2 to 8 asks for."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _bytes(kind: str, header: Header, size: tuple[int, int]) -> int:
    return int(size[0] * size[1] * (FORMATS[kind].cost + header.extra + OUTPUT))


def _over_limits(kind: str, header: Header, size: tuple[int, int], settings: Settings) -> Problem | None:
    width, height = size
    if width < 1 or height < 1:
        return Problem(reason="corrupt_picture", message="The picture says that it has no pixels.")
    if max(width, height) > settings.max_side:
        return Problem(
            reason="too_many_pixels",
            message=f"The picture has {width}×{height} pixels; a side of at most {settings.max_side:,} is read.",
            remedy=f"Make it smaller{settings.or_raise('max_side')}.",
        )
    if width * height > settings.max_pixels:
        return Problem(
            reason="too_many_pixels",
            message=f"The picture has {width}×{height} pixels; at most {settings.max_pixels:,} are read.",
            remedy=f"Make it smaller{settings.or_raise('max_pixels')}.",
        )
    if _bytes(kind, header, size) > MOST_DECODING:
        return Problem(
            reason="too_many_pixels",
            message=f"A {kind} of this kind with {width}×{height} pixels takes more than "
            f"{MOST_DECODING // 2**20} MB to decode.",
            remedy="Make it smaller, or save it as a JPEG that is not progressive.",
        )
    return None


def _too_many_frames(frames: int, settings: Settings) -> Problem | None:
    if frames <= settings.max_frames:
        return None
    return Problem(
        reason="too_large",
        message=f"The picture has {frames} frames; at most {settings.max_frames} are accepted.",
        remedy=f"Give one frame of it{settings.or_raise('max_frames')}.",
    )


def _orientation(header: Header, opened: Opened) -> tuple[int, list[str]]:
    """The orientation that the container, EXIF or XMP asks for, 1 to 8, and a note where EXIF cannot be read."""
    if opened.orientation is not None:
        return opened.orientation, []
    orientation, notes = 1, []
    block = header.exif or opened.exif
    if block:
        try:
            orientation = read_exif(block).orientation
        except ValueError:
            # A broken EXIF block says nothing about the pixels; the picture is still worth reading.
            notes.append("the EXIF data is damaged and was ignored")
    packet = header.xmp or opened.xmp
    if orientation == 1 and packet and (found := _XMP_ORIENTATION.search(packet)):
        orientation = int(found[1])
    return orientation, notes


def _rest(header: Header, size: int) -> list[str]:
    if header.end is None:
        return ["the file stops before its end mark; the pixels are complete"]
    if header.further:
        # Phones keep depth maps and second exposures there; the bytes behind the first picture belong to it.
        return ["further pictures inside the file were ignored"]
    if header.end < size:
        return [f"{size - header.end} bytes after the end of the picture were ignored"]
    return []


def _first_line(error: ValueError) -> str:
    return (str(error).splitlines() or ["it cannot be read"])[0][:200]
