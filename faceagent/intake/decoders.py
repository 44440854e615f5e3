"""The decoders, format by format: each parses a header first and decodes pixels when asked to.

A plugin is called by name rather than through ``Image.open``: no other parser ever sees the bytes, and our limits take
the place of Pillow's, which are numbers of the whole process. For the same reason pixels are read by a loop of our
own, which knows no ``LOAD_TRUNCATED_IMAGES`` and stops at a deadline.
"""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageFile

from faceagent.intake.headers import Header, TooMuch

MOST_SLOW = 2**21
"""Bytes of a file whose decoder is written in Python: run-length BMP, PNM in decimal digits."""
BLOCK = 2**16
"""Bytes a decoder gets between two looks at the clock."""


class TooSlow(Exception):
    """The deadline has passed."""


class NoDecoder(Exception):
    """The decoder of this format is not installed; ``remedy`` is how to install it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True)
class Opened:
    """A picture whose header was parsed, and the function that decodes it."""

    width: int
    height: int
    load: Callable[[], Image.Image]
    frames: int = 1
    exif: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None
    orientation: int | None = None
    """Where the container itself says how the picture is to be turned, in place of EXIF."""


def open_picture(kind: str, header: Header, seconds: float) -> Opened:
    """The picture in ``header.stream``, undecoded. Raises what its parser raises, and NoDecoder.

    Decoding stops with TooSlow after ``seconds`` of this thread's processor time, which does not run while others do.
    """
    stream = header.stream
    if kind == "WEBP":
        return _open_webp(stream)
    if kind == "AVIF":
        return _open_avif(stream)
    if kind == "HEIF":
        return _open_heif(stream)
    picture = _plugin(kind)(io.BytesIO(stream))
    if _in_python(picture) and len(stream) > MOST_SLOW:
        raise TooMuch(f"it has more than {MOST_SLOW:,} bytes in this encoding")
    return Opened(picture.width, picture.height, lambda: _loaded(picture, time.thread_time() + seconds))


def _plugin(kind: str) -> Callable[[io.BytesIO], ImageFile.ImageFile]:
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.PpmImagePlugin import PpmImageFile
    from PIL.TiffImagePlugin import TiffImageFile

    return {
        "JPEG": JpegImageFile,
        "PNG": PngImageFile,
        "GIF": GifImageFile,
        "BMP": BmpImageFile,
        "TIFF": TiffImageFile,
        "JPEG2000": Jpeg2KImageFile,
        "PPM": PpmImageFile,
    }[kind]


def _in_python(picture: ImageFile.ImageFile) -> bool:
    return any(tile[0] in Image.DECODERS for tile in picture.tile)


def _loaded(picture: ImageFile.ImageFile, deadline: float) -> Image.Image:
    """The picture with its pixels: what ``ImageFile.load`` does, strictly and with a deadline."""
    if hasattr(picture, "tag_v2"):
        # A TIFF that has no memory yet asks Pillow's limit for the whole process before it takes some.
        picture.im = Image.new(picture.mode, picture.size).im
    if getattr(picture, "use_load_libtiff", False):
        picture.load()
        return picture
    picture.load_prepare()
    read: Callable[[int], bytes] = getattr(picture, "load_read", None) or _required(picture.fp).read
    seek: Callable[[int], object] = getattr(picture, "load_seek", None) or _required(picture.fp).seek
    for name, extents, offset, arguments in sorted(picture.tile, key=lambda tile: tile[2]):
        seek(offset)
        decoder = Image._getdecoder(picture.mode, name, arguments, picture.decoderconfig)
        try:
            decoder.setimage(picture.im, extents)
            _run(decoder, picture, read, deadline)
        finally:
            decoder.cleanup()
    picture.tile = []
    picture.load_end()
    return picture


def _run(decoder: Any, picture: ImageFile.ImageFile, read: Callable[[int], bytes], deadline: float) -> None:
    if decoder.pulls_fd:
        decoder.setfd(picture.fp)
        error = decoder.decode(b"")[1]
    else:
        rest = getattr(picture, "tile_prefix", b"")
        taken = 0
        while taken >= 0:
            if time.thread_time() > deadline:
                raise TooSlow
            block = read(BLOCK)
            if not block:
                raise OSError("the pixels are cut short")
            rest += block
            taken, error = decoder.decode(rest)
            rest = rest[taken:]
    if error < 0:
        raise OSError(f"the decoder stopped with error {error}")


def _required(file: Any) -> Any:
    if file is None:
        raise OSError("the picture was closed")
    return file


def _open_webp(stream: bytes) -> Opened:
    # WebPImageFile asks Pillow's limit for the whole process; what is below it does not.
    from PIL import _webp

    decoder = _webp.WebPAnimDecoder(stream)
    (width, height), _, _, frames, rawmode = decoder.get_info()

    def load() -> Image.Image:
        found = decoder.get_next()
        if found is None:
            raise OSError("the first frame cannot be decoded")
        mode = "RGB" if rawmode == "RGBX" else rawmode
        return Image.frombytes(mode, (width, height), found[0], "raw", rawmode)

    return Opened(width, height, load, frames)


def _open_avif(stream: bytes) -> Opened:
    from PIL import features

    if not features.check("avif"):
        raise NoDecoder("This is an AVIF, and this Pillow was built without AVIF.", "pip install --upgrade pillow")
    from PIL import _avif

    decoder = _avif.AvifDecoder(stream, "auto", 1)
    (width, height), frames, mode, icc, exif, orientation, xmp = decoder.get_info()

    def load() -> Image.Image:
        return Image.frombytes(mode, (width, height), decoder.get_frame(0)[0])

    return Opened(width, height, load, frames, exif or None, xmp or None, icc or None, orientation)


def _open_heif(stream: bytes) -> Opened:
    try:
        from pi_heif.as_plugin import HeifImageFile
    except ImportError as error:
        message = "This is a HEIC, and the decoder for it is not installed."
        raise NoDecoder(message, "pip install 'faceagent[heif]'") from error
    picture = HeifImageFile(io.BytesIO(stream))

    def load() -> Image.Image:
        picture.load()
        loaded: Image.Image = picture
        return loaded

    info = picture.info
    return Opened(
        picture.width,
        picture.height,
        load,
        int(getattr(picture, "n_frames", 1)),
        info.get("exif"),
        info.get("xmp"),
        info.get("icc_profile"),
    )
