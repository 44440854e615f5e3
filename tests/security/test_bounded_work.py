"""What a file asks for is counted before any decoder sees it: small files that would take minutes get a reason code."""

import io
import struct
import threading
import time
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from faceagent.intake import MemoryBlobs, expand, take
from faceagent.intake.budget import MOST_DECODING, decoding
from faceagent.intake.credentials import read_credentials
from faceagent.intake.metadata import read_metadata
from faceagent.settings import Settings
from faceagent.types import Picture, Problem

SECONDS = 3.0
"""Processor time of this process; the files below took from 13 to more than 200 seconds."""


def encoded(kind: str, mode: str = "RGB", size: tuple[int, int] = (64, 64), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 128 if mode == "L" else (120, 130, 140)).save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(body)) + body


def in_jpeg(extra: bytes) -> bytes:
    data = encoded("JPEG")
    return data[:2] + extra + data[2:]


def in_png(extra: bytes) -> bytes:
    data = encoded("PNG")
    return data[:33] + extra + data[33:]


def many_scans(size: int, count: int) -> bytes:
    data = encoded("JPEG", "L", (size, size), progressive=True, quality=1)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


def large_webp(width: int, height: int) -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    data = bytearray(out.getvalue())
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def thin_png(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(2**20), 9)) + chunk(b"IEND", b"")


def gif_of_blocks(count: int) -> bytes:
    data = encoded("GIF", "L")
    at = data.index(b"\x2c", 13)
    return data[:at] + b"\x21\xfe\x01a\0" * count + data[at:]


def webp_of_chunks(count: int) -> bytes:
    data = encoded("WEBP")
    body = data[12:] + (b"JUNK" + bytes(4)) * count
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (63).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 4 + len(vp8x) + len(body)) + b"WEBP" + vp8x + body


def tiff_of_tags(count: int) -> bytes:
    entry = struct.pack("<HHII", 273, 4, 2**26, 8)
    return b"II*\0" + struct.pack("<IH", 8, count) + entry * count + bytes(4)


def tiff(tags: dict[int, int]) -> bytes:
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "exif segments": (lambda: in_jpeg(segment(0xE1, b"Exif\0\0II*\0" + bytes(86)) * 80_000), "too_large"),
    "comments": (lambda: in_jpeg(segment(0xFE, b"") * 500_000), "too_large"),
    "lone markers": (lambda: in_jpeg(b"\xff\x01" * 4_000_000), "too_large"),
    "restart markers": (lambda: in_jpeg(b"\xff\xd0" * 4_000_000), "too_large"),
    "stray bytes and markers": (lambda: in_jpeg(b"\xff\x01a" * 3_000_000), "too_large"),
    "fill bytes": (lambda: in_jpeg(b"\xff" * 2**24), "too_large"),
    "large segments": (lambda: in_jpeg(segment(0xEB, bytes(65_000)) * 600), "too_large"),
    "scans of many pixels": (lambda: many_scans(8000, 186), "too_large"),
    "scans": (lambda: many_scans(64, 5000), "too_large"),
    "empty chunks": (lambda: in_png(chunk(b"teSt", b"") * 1_400_000), "too_large"),
    "empty pixel chunks": (lambda: in_png(chunk(b"IDAT", b"") * 100_000), "too_large"),
    "texts": (lambda: in_png(chunk(b"tEXt", b"a\0b") * 100_000), "too_large"),
    "large texts": (lambda: in_png(chunk(b"tEXt", b"a\0" + bytes(2**23)) * 5), "too_large"),
    "canvas of an animated WebP": (lambda: large_webp(16_000, 6000), "too_many_pixels"),
    "canvas under the limit of pixels": (lambda: large_webp(8000, 8000), "too_many_pixels"),
    "thin PNG": (lambda: thin_png(1, 60_000_000), "too_many_pixels"),
    "flat PNG": (lambda: thin_png(60_000_000, 1), "too_many_pixels"),
    "blocks of a GIF": (lambda: gif_of_blocks(500_000), "too_large"),
    "chunks of a WebP": (lambda: webp_of_chunks(200_000), "too_large"),
    "small blocks of a GIF": (lambda: encoded("GIF", "L")[:-1] + b"\x21\xfe" + b"\1a" * 8_000_000, "too_large"),
    "tile of a TIFF": (lambda: tiff({256: 64, 257: 64, 322: 65_520, 323: 65_520}), "too_large"),
    "tags of a TIFF": (lambda: tiff_of_tags(60_000), "too_large"),
    "sizes of a TIFF": (lambda: tiff_of_tags(1000), "too_large"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_file_with_too_much_of_something_is_refused_soon(name: str) -> None:
    make, reason = ATTACKS[name]
    data = make()
    blobs = MemoryBlobs()
    (source,) = expand([data], blobs)
    started = time.process_time()
    found = take(source, blobs, Settings())
    read_metadata(data)
    read_credentials(data)
    assert isinstance(found, Problem) and found.reason == reason
    assert time.process_time() - started < SECONDS


def test_what_cameras_and_programs_write_stays_below_the_limits() -> None:
    profile, depth_map = segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000)), segment(0xE1, bytes(65_000)) * 100
    ordinary = [
        in_jpeg(profile + depth_map + b"\xff" * 100),
        in_png(chunk(b"tEXt", b"a\0" + b"x" * 2**20) + chunk(b"zTXt", b"b\0\0" + zlib.compress(bytes(2**20)))),
        encoded("JPEG", size=(3000, 2000), progressive=True),
        encoded("PNG", size=(3000, 2000)),
    ]
    for data in ordinary:
        blobs = MemoryBlobs()
        (source,) = expand([data], blobs)
        assert isinstance(take(source, blobs, Settings()), Picture)


def test_decoding_that_takes_too_long_is_ended_with_a_reason() -> None:
    blobs = MemoryBlobs()
    (source,) = expand([encoded("PNG", size=(2000, 2000))], blobs)
    found = take(source, blobs, Settings(decode_seconds=1e-9))
    assert isinstance(found, Problem) and found.reason == "too_slow" and "FACEAGENT_DECODE_SECONDS" in str(found.remedy)


def test_decoders_share_one_budget_and_small_pictures_pass_large_ones() -> None:
    order: list[str] = []
    inside = threading.Event()

    def large() -> None:
        inside.set()
        with decoding(MOST_DECODING):
            order.append("large")

    with decoding(2**20):
        waiting = threading.Thread(target=large)
        waiting.start()
        inside.wait()
        with decoding(2**20):
            order.append("small")
    waiting.join()
    assert order == ["small", "large"]


def test_a_profile_and_texts_are_found_behind_other_chunks() -> None:
    data = in_png(chunk(b"teSt", b"x") * 100 + chunk(b"tEXt", b"Software\0NovelAI"))
    assert read_metadata(data).generators == ("NovelAI",)


@pytest.mark.parametrize(
    "text",
    ["Steps: 1 " * 100_000, "Sampler: " * 100_000, " -S 1" * 100_000, '{"a":' * 100_000, "Job ID: " * 100_000]
    + ["{" + '"a": [' * 50_000, "prompt:" * 100_000, "App: " * 100_000, "[" * 500_000],
)
def test_texts_that_look_like_a_generators_cost_little(text: str) -> None:
    data = in_png(b"".join(chunk(b"tEXt", key + b"\0" + text.encode()) for key in (b"Dream", b"parameters", b"prompt")))
    started = time.process_time()
    assert read_metadata(data).generators == ()
    assert time.process_time() - started < SECONDS


def test_notes_inside_notes_in_xmp_cost_little() -> None:
    note = "<d:description xmlns:d='http://purl.org/dc/elements/1.1/'>"
    xmp = "<x>" + note * 500 + "</d:description>" * 500 + (note + "</d:description>") * 8000 + "</x>"
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "WEBP", xmp=xmp.encode())
    started = time.process_time()
    read_metadata(out.getvalue())
    assert time.process_time() - started < SECONDS
