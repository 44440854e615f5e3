"""Whatever the bytes, the decoder gives a picture or a problem, and gives it soon."""

import io

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from faceagent.intake.credentials import read_credentials
from faceagent.intake.decode import Decoded, decode
from faceagent.intake.metadata import read_metadata
from faceagent.settings import Settings
from faceagent.types import Problem

LIMITS = Settings(max_pixels=200_000, max_frames=20)
REASONS = {"unsupported_format", "corrupt_picture", "too_many_pixels", "too_large"}
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"RIFF\xff\0\0\0WEBPVP8X", b"\0\0\0\x18ftypavif", b"GIF89a")


def _valid() -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (24, 33, 4), dtype=np.uint8)
    rgba = Image.fromarray(noise)
    rgb = rgba.convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    made = []
    for picture, kind, options in (
        (rgb, "JPEG", {"exif": exif, "xmp": xmp}),
        (rgb, "JPEG", {"progressive": True, "icc_profile": b"\0" * 140}),
        (rgb.convert("CMYK"), "JPEG", {}),
        (rgba, "PNG", {"exif": exif}),
        (rgb.quantize(16), "PNG", {"transparency": 3}),
        (rgb.convert("L").convert("I;16"), "PNG", {}),
        (rgb, "PNG", {"save_all": True, "append_images": [rgb.rotate(90)]}),
        (rgba, "WEBP", {"exif": exif, "xmp": xmp}),
        (rgb, "WEBP", {"lossless": True}),
        (rgb, "AVIF", {"exif": exif}),
    ):
        out = io.BytesIO()
        picture.save(out, kind, **options)
        made.append(out.getvalue())
    return made


VALID = _valid()


def check(data: bytes) -> None:
    found = decode(data, LIMITS)
    if isinstance(found, Problem):
        assert found.reason in REASONS and found.message.isprintable()
    else:
        assert isinstance(found, Decoded) and found.pixels.dtype == np.uint8
        assert found.pixels.ndim == 3 and found.pixels.shape[2] == 3 and 0 < found.pixels.size <= 3 * 200_000
    metadata = read_metadata(data)
    for value in (*metadata.exif.values(), *metadata.xmp.values()):
        assert value.isprintable() and len(value) <= 120
    assert read_credentials(data).state in ("none", "invalid")


QUICK = settings(deadline=2000, max_examples=300, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.binary(max_size=2000))
def test_random_bytes(data: bytes) -> None:
    check(data)


@QUICK
@given(st.sampled_from(MAGIC), st.binary(max_size=2000))
def test_random_bytes_after_a_good_beginning(magic: bytes, data: bytes) -> None:
    check(magic + data)


@QUICK
@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_bytes_changed(data: bytes, edits: list[tuple[float, int]]) -> None:
    changed = bytearray(data)
    for where, value in edits:
        # Most of what a decoder believes stands at the beginning, so most edits go there.
        changed[int(where**3 * (len(changed) - 1))] = value
    check(bytes(changed))


@QUICK
@given(st.sampled_from(VALID), st.floats(0, 1), st.floats(0, 1), st.binary(max_size=40))
def test_bytes_cut_out_and_put_in(data: bytes, start: float, length: float, extra: bytes) -> None:
    at = int(start * len(data))
    check(data[:at] + extra + data[at + int(length * 64) :])


@QUICK
@given(st.sampled_from(VALID), st.floats(0, 1))
def test_bytes_cut_off(data: bytes, where: float) -> None:
    check(data[: int(where * len(data))])


def test_the_valid_files_are_valid() -> None:
    assert all(isinstance(decode(data, LIMITS), Decoded) for data in VALID)
