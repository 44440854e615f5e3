"""Any colour mode a decoder hands over, as 8-bit sRGB: scaled, flattened and colour-managed, each with a note.

This module knows Pillow's modes and ICC profiles. It knows no format and no limits.
"""

import io

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE = 4 * 2**20
"""Bytes of an ICC profile; large printer profiles stay below it."""

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_SRGB = ("srgb", "iec61966-2.1", "iec 61966-2-1")


def to_rgb(picture: Image.Image, *, depth: int = 8) -> tuple[Image.Image, str, list[str]]:
    """A loaded picture as mode RGB, its mode as stored, and what was changed.

    ``depth`` is the bit depth the file declares: Pillow hides it for colour pictures, which it cuts to 8 bits
    itself. Alpha is flattened over white, as a page would show it.
    """
    mode = f"{picture.mode};16" if depth == 16 and ";16" not in picture.mode and picture.mode != "I" else picture.mode
    notes: list[str] = []
    if picture.mode.startswith("I"):
        picture = _grey8(picture)
    if depth == 16:
        notes.append("16 bits per channel scaled to 8")
    picture, alpha = _split_alpha(picture, notes)
    picture = _managed(picture, notes)
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, "white"), alpha)
        notes.append("transparency flattened over white")
    return picture, mode, notes


def _grey8(picture: Image.Image) -> Image.Image:
    # Pillow's own conversion clips everything above 255 to white.
    values = np.asarray(picture).astype(np.uint32)
    scaled = (np.minimum(values, 65535) * 255 + 32767) // 65535
    grey = Image.fromarray(scaled.astype(np.uint8))
    grey.info = {key: value for key, value in picture.info.items() if key == "icc_profile"}
    return grey


def _split_alpha(picture: Image.Image, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """The picture in mode L, RGB or CMYK, and its alpha when any of it is really transparent."""
    info = picture.info
    alpha = None
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in info:
        full = picture.convert("RGBA")
        alpha = full.getchannel("A")
        if picture.mode == "RGBa" or picture.mode == "La" or picture.mode in ("P", "PA") or "transparency" in info:
            picture = full
    if picture.mode in ("LA", "La", "1"):
        picture = picture.convert("L")
    elif picture.mode not in ("L", "RGB", "CMYK"):
        if picture.mode == "P":
            notes.append("palette expanded")
        picture = picture.convert("RGB")
    picture.info = info
    if alpha is not None and alpha.getextrema()[0] == 255:
        alpha = None
    return picture, alpha


def _managed(picture: Image.Image, notes: list[str]) -> Image.Image:
    """The picture in sRGB. A profile that is missing means sRGB; one that cannot be used is ignored, with a note."""
    raw = picture.info.get("icc_profile")
    if raw:
        converted = _through_profile(picture, raw, notes)
        if converted is not None:
            return converted
    if picture.mode == "L":
        notes.append("grey expanded to RGB")
    elif picture.mode == "CMYK":
        notes.append("CMYK converted to RGB without a colour profile")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _through_profile(picture: Image.Image, raw: bytes, notes: list[str]) -> Image.Image | None:
    """The picture converted by its own profile, or None when there is nothing to convert or no way to."""
    try:
        if len(raw) > MAX_PROFILE:
            raise ValueError("too large")
        profile = ImageCms.ImageCmsProfile(io.BytesIO(raw))
        space = profile.profile.xcolor_space.strip()
        name = (profile.profile.profile_description or "").lower()
        if picture.mode == "RGB" and any(mark in name for mark in _SRGB):
            return None
        if space != _SPACES[picture.mode]:
            raise ValueError("for another colour space")
        converted = ImageCms.profileToProfile(
            picture, profile, ImageCms.createProfile("sRGB"), ImageCms.Intent.PERCEPTUAL, "RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        notes.append("the embedded colour profile cannot be used and was ignored")
        return None
    if picture.mode == "CMYK":
        notes.append("CMYK converted to sRGB by the embedded colour profile")
    elif picture.mode == "L":
        notes.append("grey converted to sRGB by the embedded colour profile")
    else:
        notes.append("converted to sRGB from the embedded colour profile")
    return converted
