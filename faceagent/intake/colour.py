"""Any colour mode a decoder hands over, as 8-bit sRGB: scaled, flattened and colour-managed, each with a note.

This module knows Pillow's modes and ICC profiles. It knows no format and no limits. Large pictures are converted in
strips, so that no step needs a second copy of them.
"""

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from faceagent.intake.blobs import Pixels
from faceagent.intake.depth import scale_of, to_8_bits

MAX_PROFILE = 4 * 2**20
"""Bytes of an ICC profile; large printer profiles stay below it."""
STRIP = 2**22
"""Pixels of one strip."""
SAME = 2
"""Grey levels: a profile that moves no colour further than this is sRGB, whatever its name."""
SRGB_GAMMA = 1 / 2.2

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_DEEP = ("I", "F")


class _Profile(NamedTuple):
    """What an embedded profile does to a picture: nothing where it is sRGB; it may be of no use."""

    transform: ImageCms.ImageCmsTransform | None
    usable: bool


def to_rgb(
    picture: Image.Image, *, depth: int = 8, icc: bytes | None = None, gamma: float | None = None
) -> tuple[Pixels, str, list[str]]:
    """A loaded picture as H×W×3 sRGB, its mode as stored, and what was changed. Raises UnclearValues, see ``depth``.

    Args:
        picture: in any mode of Pillow's.
        depth: bits per channel that the file declares: Pillow hides it for colour pictures, which it cuts to 8 bits.
        icc: the embedded profile.
        gamma: what the samples were encoded with, where there is no profile; None: as sRGB.
    """
    mode = f"{picture.mode};16" if depth == 16 and ";16" not in picture.mode and picture.mode != "I" else picture.mode
    notes: dict[str, None] = {}
    scale = _scale(picture, depth, notes) if picture.mode.startswith(_DEEP) else 1.0
    if depth == 16:
        notes["16 bits per channel scaled to 8"] = None
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top, strip in _strips(picture):
        if strip.mode.startswith(_DEEP):
            strip = Image.fromarray(to_8_bits(np.asarray(strip), scale))
        flat, alpha = _split_alpha(strip, notes)
        rgb = _managed(flat, icc, gamma, notes)
        if alpha is not None:
            rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
            notes["transparency flattened over white"] = None
        pixels[top : top + strip.height] = np.asarray(rgb)
    return pixels, mode, list(notes)


def _strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    width, height = picture.size
    rows = max(1, STRIP // width)
    if rows >= height:
        yield 0, picture
        return
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        # Not crop(): it asks Pillow's limit on pixels, which is one number for the whole process.
        box = (0, top, width, bottom)
        yield top, picture.resize((width, bottom - top), Image.Resampling.NEAREST, box=box)


def _scale(picture: Image.Image, depth: int, notes: dict[str, None]) -> float:
    """The factor for a picture of wide integers or floats, from all of its values."""
    ends: list[Any] = []
    for _, strip in _strips(picture):
        values = np.asarray(strip)
        ends += [values.min(), values.max()]
    found, note = scale_of(np.asarray(ends), full=depth == 16)
    if note:
        notes[note] = None
    return found


def _split_alpha(picture: Image.Image, notes: dict[str, None]) -> tuple[Image.Image, Image.Image | None]:
    """The picture in mode L, RGB or CMYK, and its alpha when any of it is really transparent."""
    alpha = None
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        full = picture.convert("RGBA")
        alpha = full.getchannel("A")
        if picture.mode in ("RGBa", "La", "P", "PA") or "transparency" in picture.info:
            picture = full
    if picture.mode in ("LA", "La", "1"):
        picture = picture.convert("L")
    elif picture.mode == "LAB":
        picture = _from_lab(picture)
    elif picture.mode not in ("L", "RGB", "CMYK"):
        if picture.mode == "P":
            notes["palette expanded"] = None
        picture = picture.convert("RGB")
    if alpha is not None and alpha.getextrema()[0] == 255:
        alpha = None
    return picture, alpha


def _from_lab(picture: Image.Image) -> Image.Image:
    converted = ImageCms.profileToProfile(
        picture, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    if converted is None:
        raise ValueError("its colours cannot be converted")
    return converted


def _managed(picture: Image.Image, icc: bytes | None, gamma: float | None, notes: dict[str, None]) -> Image.Image:
    """The picture in sRGB. A profile that is missing means sRGB; one that cannot be used is ignored, with a note."""
    if icc:
        profile = _profile(icc, picture.mode)
        if not profile.usable:
            notes["the embedded colour profile cannot be used and was ignored"] = None
        elif profile.transform is not None:
            notes[_CONVERTED[picture.mode]] = None
            converted = ImageCms.applyTransform(picture, profile.transform)
            if converted is not None:
                return converted
    elif gamma is not None and 0.1 <= gamma <= 2 and abs(gamma - SRGB_GAMMA) > 0.02 and picture.mode in ("L", "RGB"):
        notes[f"converted to sRGB from the file's gamma of {gamma:.2f}"] = None
        picture = picture.point(list(_gamma_table(gamma)) * len(picture.getbands()))
    if picture.mode == "L":
        notes["grey expanded to RGB"] = None
    elif picture.mode == "CMYK":
        notes["CMYK converted to RGB without a colour profile"] = None
    return picture if picture.mode == "RGB" else picture.convert("RGB")


_CONVERTED = {
    "CMYK": "CMYK converted to sRGB by the embedded colour profile",
    "L": "grey converted to sRGB by the embedded colour profile",
    "RGB": "converted to sRGB from the embedded colour profile",
}


@lru_cache(maxsize=16)
def _profile(raw: bytes, mode: str) -> _Profile:
    """What the profile does to pictures in mode L, RGB or CMYK, found by trying it on colours, not by its name."""
    try:
        if len(raw) > MAX_PROFILE:
            raise ValueError("too large")
        profile = ImageCms.ImageCmsProfile(io.BytesIO(raw))
        if profile.profile.xcolor_space.strip() != _SPACES[mode]:
            raise ValueError("for another colour space")
        transform = ImageCms.buildTransform(
            profile, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
        )
        if mode == "RGB":
            colours = _colours()
            converted = np.asarray(ImageCms.applyTransform(Image.fromarray(colours), transform), dtype=np.int16)
            if np.abs(converted - colours).max() <= SAME:
                return _Profile(None, usable=True)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        return _Profile(None, usable=False)
    return _Profile(transform, usable=True)


def _colours() -> Pixels:
    """81×9×3: every ninth of each channel's range with every other."""
    steps = np.rint(np.linspace(0, 255, 9)).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(81, 9, 3)


@lru_cache(maxsize=16)
def _gamma_table(gamma: float) -> tuple[int, ...]:
    linear = (np.arange(256) / 255) ** (1 / gamma)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(int(value) for value in np.rint(255 * encoded))
