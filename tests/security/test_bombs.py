"""Small files that ask for a lot are turned away before the lot is spent."""

import io
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from faceagent.intake import MemoryBlobs, expand, take
from faceagent.intake.metadata import read_metadata
from faceagent.settings import Settings
from faceagent.types import Picture, Problem


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    data = out.getvalue()
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def webp(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def webp_lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    body = b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", bits) + b"\0" * 6
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def reason(data: bytes, settings: Settings | None = None) -> str | None:
    blobs = MemoryBlobs()
    (source,) = expand([data], blobs)
    found = take(source, blobs, settings or Settings())
    return found.reason if isinstance(found, Problem) else None


@pytest.mark.parametrize(
    "data",
    [
        png(50_000, 50_000),
        png(2**31 - 1, 2**31 - 1),
        png(2**31 - 1, 1),
        png(10_001, 10_000, chunk(b"IDAT", zlib.compress(bytes(1 << 20)))),
        jpeg(50_000, 50_000),
        jpeg(65_535, 65_535),
        webp(50_000, 50_000),
        webp(1 << 24, 1),
        webp_lossless(16_384, 16_384),
    ],
)
def test_huge_headers_are_refused_without_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        started = time.process_time()
        assert reason(data, Settings(max_pixels=10_000_000)) == "too_many_pixels"
        assert time.process_time() - started < 1
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_the_default_limit_refuses_a_2500_megapixel_picture() -> None:
    assert reason(png(50_000, 50_000)) == reason(jpeg(50_000, 50_000)) == "too_many_pixels"


def test_no_pixels_are_no_picture() -> None:
    assert reason(png(0, 10)) == "corrupt_picture"
    assert reason(jpeg(0, 10)) == "corrupt_picture"


def test_a_picture_that_promises_more_than_it_brings_is_corrupt() -> None:
    assert reason(png(4000, 4000, chunk(b"IDAT", zlib.compress(b"\0" * 100)))) == "corrupt_picture"
    assert reason(jpeg(4000, 4000)) in ("corrupt_picture", None)


def test_pixels_that_inflate_far_beyond_the_header_cost_nothing() -> None:
    bomb = zlib.compress(bytes(200 * 2**20), 9)
    started = time.process_time()
    assert reason(png(8, 8, chunk(b"IDAT", bomb))) in ("corrupt_picture", None)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "make",
    [
        lambda bomb: chunk(b"zTXt", b"Comment\0\0" + bomb),
        lambda bomb: chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb),
        lambda bomb: chunk(b"iCCP", b"icc\0\0" + bomb),
    ],
)
def test_text_and_profiles_that_inflate_without_end_are_stopped(make: Callable[[bytes], bytes]) -> None:
    data = png(8, 8, make(zlib.compress(bytes(100 * 2**20), 9)), chunk(b"IDAT", zlib.compress(bytes(8 * 25))))
    tracemalloc.start()
    try:
        reason(data)
        read_metadata(data)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_an_animation_with_a_million_frames_is_refused() -> None:
    control = chunk(b"acTL", struct.pack(">II", 1_000_000, 0))
    assert reason(png(8, 8, control, chunk(b"IDAT", zlib.compress(bytes(8 * 25))))) == "too_large"


def test_a_jpeg_with_thousands_of_scans_is_refused() -> None:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last = data.rindex(b"\xff\xda")
    assert reason(data) is None
    assert reason(data[:last] + data[last:-2] * 5000 + b"\xff\xd9") == "too_large"


def test_a_file_over_the_limit_is_not_read(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "sparse.jpg"
    with open(path, "wb") as file:
        file.truncate(2**40)
    blobs = MemoryBlobs()
    (source,) = expand([path], blobs)
    tracemalloc.start()
    try:
        found = take(source, blobs, Settings())
        assert isinstance(found, Problem) and found.reason == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_pictures_may_use_the_limit_in_full() -> None:
    out = io.BytesIO()
    Image.new("L", (1000, 1000)).save(out, "PNG")
    blobs = MemoryBlobs()
    (source,) = expand([out.getvalue()], blobs)
    assert isinstance(take(source, blobs, Settings(max_pixels=1_000_000)), Picture)
