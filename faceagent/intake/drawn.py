"""Pictures that are in memory already, Pillow's and arrays, as the bytes of a file, so that one decoder reads all.

A Pillow picture that was opened from a file and has not been changed is that file's bytes. Any other becomes a PNG with
what the picture says of itself; a tag that cannot be written is left out, never the picture.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from faceagent.intake.depth import scale_of, to_8_bits

MOST_TEXT = 2**20
"""Characters of one text that is carried over."""
_PLAIN = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_ORIENTATION, _PLAIN_TAGS = 0x0112, (0x010E, 0x010F, 0x0110, 0x0131, 0x0132)
_CHANNELS = (1, 2, 3, 4)


class Drawn(NamedTuple):
    """The bytes of a file, and what was changed on the way."""

    data: bytes
    notes: tuple[str, ...] = ()


def file_of(picture: Image.Image, limit: int) -> bytes | None:
    """The bytes of the file that a Pillow picture is an unchanged view of, at most ``limit``; None: it is none.

    A picture that was decoded may have been drawn on since; then the file counts only if it has the same pixels.
    """
    if not isinstance(picture, ImageFile.ImageFile):
        return None
    try:
        data = _bytes_of(picture, limit)
        if data is None or len(data) > limit or getattr(picture, "tell", lambda: 0)() != 0:
            return None
        if picture.tile:
            return data
        with type(picture)(io.BytesIO(data)) as again:
            same = again.mode == picture.mode and again.size == picture.size and again.tobytes() == picture.tobytes()
        return data if same else None
    except Exception:
        # Whatever a half-open or closed picture raises: its pixels, if it has any, are used in place of its file.
        return None


def _bytes_of(picture: ImageFile.ImageFile, limit: int) -> bytes | None:
    stream: Any = picture.fp
    if stream is not None and not getattr(stream, "closed", False):
        here = stream.tell()
        try:
            stream.seek(0)
            return bytes(stream.read(limit + 1))
        finally:
            stream.seek(here)
    if not picture.filename:
        return None
    path = Path(picture.filename if isinstance(picture.filename, str) else picture.filename.decode())
    if not path.is_file() or path.stat().st_size > limit:
        return None
    return path.read_bytes()


def png_of(picture: Image.Image) -> Drawn:
    """A Pillow picture as PNG. Raises UnclearValues, and whatever Pillow raises for a picture it cannot read."""
    picture.load()
    notes: tuple[str, ...] = ()
    mode = picture.mode
    if mode.startswith("I;16"):
        plain = picture if mode == "I;16" else Image.fromarray(_native(np.asarray(picture)).astype(np.uint16))
    elif mode in ("I", "F"):
        drawn = eight_bits(np.asarray(picture))
        plain, notes = Image.fromarray(drawn[0]), drawn[1]
    elif mode in _PLAIN:
        plain = picture
    elif mode in ("CMYK", "YCbCr", "HSV", "RGBX"):
        plain = picture.convert("RGB")
    else:
        plain = picture.convert("RGBA" if mode in ("RGBa", "La", "PA") else "RGB")
    return Drawn(_png(plain, picture), notes)


def _png(plain: Image.Image, picture: Image.Image) -> bytes:
    copy = plain.copy()
    transparency = picture.info.get("transparency")
    copy.info = {"transparency": transparency} if isinstance(transparency, int | bytes | tuple) else {}
    options: dict[str, Any] = {"pnginfo": _texts(picture)}
    profile = picture.info.get("icc_profile")
    # That of a picture in CMYK or LAB is not one of the RGB picture that was made of it.
    if isinstance(profile, bytes) and copy.mode in ("RGB", "RGBA", "P") and picture.mode not in ("CMYK", "LAB"):
        options["icc_profile"] = profile
    if exif := _exif(picture):
        options["exif"] = exif
    out = io.BytesIO()
    try:
        copy.save(out, "PNG", compress_level=1, **options)
    except Exception:
        # A colour key that does not fit the mode, a text that PNG cannot hold: the pixels are what matters.
        out = io.BytesIO()
        copy.info = {}
        copy.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _texts(picture: Image.Image) -> PngInfo:
    texts = PngInfo()
    for key, value in list(picture.info.items()):
        name = "XML:com.adobe.xmp" if key == "xmp" else key
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) and key in ("xmp", "comment") else value
        if isinstance(name, str) and isinstance(text, str) and 0 < len(name) < 80 and len(text) <= MOST_TEXT:
            clean = text.encode("utf-8", "replace").decode()
            if name.isascii() and not name.startswith("Raw profile"):
                texts.add_itxt(name, clean)
    return texts


def _exif(picture: Image.Image) -> bytes | None:
    """The EXIF block as Pillow would write it, or where it cannot, with those fields only that it can write."""
    try:
        tags = picture.getexif()
        if not tags:
            return None
    except Exception:
        # A block that Pillow cannot even read says nothing.
        return None
    try:
        return tags.tobytes()
    except Exception:
        kept = Image.Exif()
        if isinstance(value := tags.get(_ORIENTATION), int) and 1 <= value <= 8:
            kept[_ORIENTATION] = value
        for tag in _PLAIN_TAGS:
            if isinstance(value := tags.get(tag), str):
                kept[tag] = value[:MOST_TEXT].encode("ascii", "replace").decode()
        return kept.tobytes() if len(kept) else None


def png_of_array(array: NDArray[Any]) -> Drawn | str:
    """An array as PNG, or in words why no picture has its shape. Raises UnclearValues for its values.

    H×W, H×W×1 (grey), H×W×2 (grey, alpha), H×W×3 (RGB) or H×W×4 (RGBA), of the numbers that ``depth`` has a rule for.
    """
    shape = "×".join(str(count) for count in array.shape) or "no"
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in _CHANNELS:
        return f"An array of shape {shape} has its channels first; give them last, as array.transpose(1, 2, 0)."
    if array.size == 0 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in _CHANNELS):
        return f"No picture has the shape {shape}."
    values = _native(np.asarray(array))
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    notes: tuple[str, ...] = ()
    if values.dtype != np.uint8 and not (values.dtype == np.uint16 and values.ndim == 2):
        values, notes = eight_bits(values)
    return Drawn(_png(made := Image.fromarray(np.ascontiguousarray(values)), made), notes)


def eight_bits(values: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Values of any kind as 8 bits, by the rules of ``depth``, and the note to leave. Raises UnclearValues."""
    scale, note = scale_of(values)
    return to_8_bits(values, scale), () if note is None else (note,)


def _native(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(values.dtype.newbyteorder("=")) if values.dtype.byteorder in "<>" else values
