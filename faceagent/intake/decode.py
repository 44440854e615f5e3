"""From bytes to upright 8-bit sRGB pixels, with a note for everything that was changed.

The magic bytes choose the decoder, the limits are checked before it runs, and whatever goes wrong inside becomes
a Problem. Damage that a decoder cannot notice (a flipped bit inside a JPEG scan) is not noticed here either.
"""

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from faceagent.intake.blobs import Pixels
from faceagent.intake.colour import to_rgb
from faceagent.intake.headers import Header, describe, read_header, sniff
from faceagent.settings import Settings
from faceagent.types import Problem

logger = logging.getLogger(__name__)

MAX_SCANS = 200
"""Most scans. A progressive JPEG needs about ten; thousands of empty scans would take hours of processor time."""

_ORIENTATION = 0x0112
_TURNS: dict[int, tuple[Image.Transpose, str]] = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, "mirrored"),
    3: (Image.Transpose.ROTATE_180, "turned by 180°"),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, "mirrored top to bottom"),
    5: (Image.Transpose.TRANSPOSE, "mirrored and turned by 90°"),
    6: (Image.Transpose.ROTATE_270, "turned by 90° clockwise"),
    7: (Image.Transpose.TRANSVERSE, "mirrored and turned by 90°"),
    8: (Image.Transpose.ROTATE_90, "turned by 90° counter-clockwise"),
}

_HUSH = threading.Lock()


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
        return Problem(
            reason="unsupported_format",
            message=f"This is {describe(data)}; faceagent reads JPEG, PNG, WebP, AVIF, and HEIC with faceagent[heif].",
            remedy="Convert it to PNG or JPEG.",
        )
    try:
        header = read_header(kind, data)
    except ValueError as error:
        return Problem(reason="corrupt_picture", message=f"The {kind} is damaged: {error}.")
    if header is not None:
        problem = _over_limits(header.width, header.height, settings) or _too_many_scans(header)
        if problem is not None:
            return problem
    try:
        with hushed():
            picture = open_picture(kind, data)
        if isinstance(picture, Problem):
            return picture
        with picture:
            return _finish(picture, kind, header, data, settings)
    except Image.DecompressionBombError:
        return Problem(reason="too_many_pixels", message="The picture has more pixels than its decoder allows.")
    except Exception as error:
        # Decoders fail on hostile bytes with almost any exception there is; for us they all mean the same.
        logger.debug("the %s decoder failed: %r", kind, error)
        return Problem(reason="corrupt_picture", message=f"The {kind} is damaged or cut short.")


@contextmanager
def hushed() -> Iterator[None]:
    """Pillow's warnings about damaged headers off: the damage becomes a note, whatever the caller's filters say.

    One thread at a time, because Python keeps one list of warning filters per process; only headers are read
    under it, never pixels.
    """
    with _HUSH, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_picture(kind: str, data: bytes) -> Image.Image | Problem:
    """The picture with its header parsed and nothing decoded.

    The plugin is called by name rather than through ``Image.open``: no other parser ever sees the bytes, and our
    limit per call takes the place of Pillow's, which is one number for the whole process.
    """
    stream = io.BytesIO(data)
    if kind == "JPEG":
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(stream)
    if kind == "PNG":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(stream)
    if kind == "WEBP":
        from PIL.WebPImagePlugin import WebPImageFile

        return WebPImageFile(stream)
    if kind == "AVIF":
        return _open_avif(stream)
    return _open_heif(stream)


def _open_avif(stream: io.BytesIO) -> Image.Image | Problem:
    from PIL import features

    if not features.check("avif"):
        return Problem(
            reason="unsupported_format",
            message="This is an AVIF, and this Pillow was built without AVIF.",
            remedy="pip install --upgrade pillow",
        )
    from PIL.AvifImagePlugin import AvifImageFile

    return AvifImageFile(stream)


def _open_heif(stream: io.BytesIO) -> Image.Image | Problem:
    try:
        from pi_heif.as_plugin import HeifImageFile
    except ImportError:
        return Problem(
            reason="unsupported_format",
            message="This is a HEIC, and the decoder for it is not installed.",
            remedy="pip install 'faceagent[heif]'",
        )
    picture: Image.Image = HeifImageFile(stream)
    return picture


def _finish(
    picture: Image.Image, kind: str, header: Header | None, data: bytes, settings: Settings
) -> Decoded | Problem:
    frames = int(getattr(picture, "n_frames", 1))
    problem = _over_limits(picture.width, picture.height, settings) or _too_many_frames(frames, settings)
    if problem is not None:
        return problem
    notes = []
    if frames > 1:
        notes.append(f"only the first of {frames} frames was used")
    orientation, note = _orientation(picture)
    notes += note
    picture.load()
    rgb, mode, changes = to_rgb(picture, depth=8 if header is None else header.depth)
    notes += changes
    if orientation in _TURNS:
        turn, words = _TURNS[orientation]
        rgb = rgb.transpose(turn)
        notes.append(f"{words}, as its EXIF orientation asks")
    notes += _rest(picture, header, data)
    return Decoded(np.asarray(rgb, dtype=np.uint8), kind, mode, orientation, tuple(notes))


def _over_limits(width: int, height: int, settings: Settings) -> Problem | None:
    if width < 1 or height < 1:
        return Problem(reason="corrupt_picture", message="The picture says that it has no pixels.")
    if width * height > settings.max_pixels:
        return Problem(
            reason="too_many_pixels",
            message=f"The picture has {width}×{height} pixels; at most {settings.max_pixels:,} are read.",
            remedy="Make it smaller, or raise FACEAGENT_MAX_PIXELS.",
        )
    return None


def _too_many_frames(frames: int, settings: Settings) -> Problem | None:
    if frames <= settings.max_frames:
        return None
    return Problem(
        reason="too_large",
        message=f"The picture has {frames} frames; at most {settings.max_frames} are accepted.",
        remedy="Give one frame of it, or raise FACEAGENT_MAX_FRAMES.",
    )


def _too_many_scans(header: Header) -> Problem | None:
    if header.scans <= MAX_SCANS:
        return None
    return Problem(reason="too_large", message=f"The JPEG has {header.scans} scans; at most {MAX_SCANS} are decoded.")


def _orientation(picture: Image.Image) -> tuple[int, list[str]]:
    if not _may_have_exif(picture.info):
        return 1, []
    try:
        with hushed():
            value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:
        # A broken EXIF block says nothing about the pixels; the picture is still worth reading.
        return 1, ["the EXIF data is damaged and was ignored"]
    return (value, []) if isinstance(value, int) and 1 <= value <= 8 else (1, [])


def _may_have_exif(info: dict[Any, Any]) -> bool:
    return any(key in info for key in ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"))


def _rest(picture: Image.Image, header: Header | None, data: bytes) -> list[str]:
    if header is None:
        return []
    if header.end is None:
        return ["the file stops before its end mark; the pixels are complete"]
    if "mp" in picture.info:
        # Phones keep depth maps and second exposures there; the bytes behind the first picture belong to it.
        return ["further pictures inside the file were ignored"]
    if header.end < len(data):
        return [f"{len(data) - header.end} bytes after the end of the picture were ignored"]
    return []
