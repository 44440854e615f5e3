"""Embedded profiles act by their curves and primaries, whatever they are called."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from faceagent.intake import MemoryBlobs, Pixels, expand, take
from faceagent.settings import Settings
from faceagent.types import Picture

Encode = Callable[..., bytes]


def profile(gamma: float, name: str, primaries: str = "rgb") -> bytes:
    """The sRGB profile with another exponent, another name, or its primaries in another order."""
    raw = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma)) + bytes(2)
    text = name.ljust(4)[:4].encode("utf-16-be")
    raw = bytearray(bytes(raw).replace("sRGB".encode("utf-16-be"), text))
    count = struct.unpack_from(">I", raw, 128)[0]
    places = {bytes(raw[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    if gamma:
        start = len(raw)
        raw += curve
        for tag in (b"rTRC", b"gTRC", b"bTRC"):
            struct.pack_into(">II", raw, places[tag] + 4, start, len(curve))
    for tag, other in zip(b"rgb", primaries.encode(), strict=True):
        raw[places[bytes([tag]) + b"XYZ"]] = other
    struct.pack_into(">I", raw, 0, len(raw))
    return bytes(raw)


def pixels_with(icc: bytes, colour: tuple[int, int, int], encode: Encode, kind: str = "PNG") -> tuple[Picture, Pixels]:
    blobs = MemoryBlobs()
    (source,) = expand([encode(Image.new("RGB", (8, 8), colour), kind, icc_profile=icc)], blobs)
    found = take(source, blobs, Settings())
    assert isinstance(found, Picture), found
    return found, blobs.pixels(found.sha256)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("name", ["sRGB", "line", "XXXX"])
def test_a_linear_profile_is_converted_whatever_its_name(kind: str, name: str, encode: Encode) -> None:
    found, pixels = pixels_with(profile(1.0, name), (55, 55, 55), encode, kind)
    assert abs(int(pixels[0, 0, 0]) - 128) <= 4
    assert any("converted to sRGB" in note for note in found.notes)


@pytest.mark.parametrize("name", ["sRGB", "line", "XXXX"])
def test_srgb_is_left_alone_whatever_its_name(name: str, encode: Encode) -> None:
    found, pixels = pixels_with(profile(0, name), (55, 120, 200), encode)
    assert pixels[0, 0].tolist() == [55, 120, 200] and found.notes == ()


def test_other_primaries_under_the_name_of_srgb_are_converted(encode: Encode) -> None:
    _, pixels = pixels_with(profile(0, "sRGB", primaries="grb"), (200, 40, 40), encode)
    assert pixels[0, 0, 1] > 150 > 100 > pixels[0, 0, 0]


def test_a_linear_picture_is_not_taken_for_a_dark_one(encode: Encode) -> None:
    """An opened picture with its profile comes out as its bytes do."""
    linear = Image.new("RGB", (8, 8), (14, 14, 14))
    data = encode(linear, icc_profile=profile(1.0, "sRGB"))
    blobs = MemoryBlobs()
    results = []
    opened = Image.open(io.BytesIO(data))
    copied = Image.open(io.BytesIO(data)).copy()
    for given in (data, opened, copied):
        (source,) = expand([given], blobs)
        found = take(source, blobs, Settings())
        assert isinstance(found, Picture)
        results.append(blobs.pixels(found.sha256))
    assert results[0][0, 0, 0] > 60
    assert all(np.array_equal(results[0], other) for other in results)
