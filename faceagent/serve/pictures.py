"""Pictures of cases as a page shows them: upright, no larger than asked for, encoded anew, so without any metadata."""

import io

from PIL import Image

from faceagent.intake import Pixels, pixels_of
from faceagent.serve.errors import ApiError
from faceagent.serve.pixel_memory import holding_pixels
from faceagent.settings import Settings

THUMBNAIL_SIDE = 96
QUALITY = 88
THUMBNAIL_QUALITY = 78


def encoded(data: bytes, settings: Settings, side: int) -> bytes:
    """A picture that was accepted before, as JPEG; its longer side has at most ``side`` px."""
    with holding_pixels():
        return jpeg(_pixels(data, settings), side, QUALITY)


def thumbnail(data: bytes, settings: Settings) -> bytes:
    """A small copy, JPEG of about 3 kB."""
    with holding_pixels():
        return jpeg(_pixels(data, settings), THUMBNAIL_SIDE, THUMBNAIL_QUALITY)


def _pixels(data: bytes, settings: Settings) -> Pixels:
    try:
        return pixels_of(data, settings)
    except ValueError:
        raise ApiError(404, "The picture of this case cannot be decoded.") from None


def jpeg(pixels: Pixels, side: int, quality: int) -> bytes:
    """H×W×3 uint8 RGB as JPEG, made smaller where its longer side has more than ``side`` px."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
