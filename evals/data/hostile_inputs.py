"""Inputs of every kind that intake takes, most of them wrong in some way; each follows from a seed and its number.

Nothing here needs a data set or a network: names of hosts are addresses that no request may reach.
"""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from faceagent.intake import Input

_photograph: Callable[[], NDArray[np.uint8]] = skimage.data.astronaut
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16", "RGBa")
_DTYPES = ("u1", "u2", ">u2", "i2", "i4", "i8", "f2", "f4", "f8", "?", "c8", "O", "U3", "M8[s]")
_SHAPES = ((0,), (7,), (0, 5), (40, 50), (40, 50, 1), (40, 50, 2), (40, 50, 3), (40, 50, 4), (40, 50, 5), (3, 40, 50))
_VALUES: tuple[object, ...] = (None, "text", -1, 2**40, 1.5, b"\xff\x00", (1, 2), [3], {}, object(), 70_000, "\ud800")
_TAGS = (0x0100, 0x010E, 0x010F, 0x0110, 0x0112, 0x011A, 0x0128, 0x0131, 0x0132, 0x8769, 0x8825, 0x9286)
_INFO = ("exif", "xmp", "icc_profile", "dpi", "gamma", "transparency", "parameters", "prompt", "comment", "interlace")
_PARTS = ("a", "é", "\ud800", "\udce9", "\0", "[x]", "*", "?", "**", "…", "~", " ", "\n", "\u202e", "=1+1", "x" * 300)
_URLS = (
    "file:///etc/passwd",
    "http://127.0.0.1:1/a.jpg",
    "https://[::1]/",
    "ftp://10.0.0.1/a",
    "http:///",
    "gopher://0/",
)


@dataclass(frozen=True)
class HostileInputs:
    """Input number ``n`` of ``seed``; ``folder`` is where named files lie."""

    seed: int
    folder: Path
    valid: tuple[bytes, ...]

    @classmethod
    def prepared(cls, seed: int, folder: Path) -> "HostileInputs":
        """Make the valid files that others are mutations of, and a few with strange names in ``folder``."""
        valid = _valid_files()
        for name, data in (("a.jpg", valid[0]), ("é[x].png", valid[3]), ("empty.jpg", b""), ("b", valid[1])):
            (folder / name).write_bytes(data)
        return cls(seed, folder, valid)

    def make(self, number: int) -> tuple[str, Input]:
        """Its kind, "bytes", "PIL picture", "array" or "name", and the input."""
        rng = np.random.default_rng([self.seed, number])
        kind = ("bytes", "bytes", "bytes", "PIL picture", "array", "name")[number % 6]
        made: Mapping[str, Callable[[Generator], Input]] = {
            "bytes": self._bytes,
            "PIL picture": self._picture,
            "array": _array,
            "name": self._name,
        }
        return kind, made[kind](rng)

    def face(self, number: int) -> Input:
        """A photograph with a face as some input, cut, scaled, turned or damaged: for whole analyses."""
        rng = np.random.default_rng([self.seed, number, 1])
        pixels = _photograph()
        width, height = (int(side) for side in rng.integers(40, 700, 2))
        picture = Image.fromarray(pixels).resize((width, height)).rotate(float(rng.integers(0, 4)) * 90, expand=True)
        way = rng.integers(0, 4)
        if way == 0:
            return np.asarray(picture)
        if way == 1:
            return picture.convert(_MODES[rng.integers(0, 2)])
        data = _encoded(picture, ("JPEG", "PNG", "WEBP")[rng.integers(0, 3)])
        return data if way == 2 else _mutated(data, rng)

    def _bytes(self, rng: Generator) -> bytes:
        way = rng.integers(0, 8)
        if way == 0:
            return rng.bytes(int(rng.integers(0, 2000)))
        data = self.valid[rng.integers(0, len(self.valid))]
        if way == 1:
            return data[: rng.integers(0, len(data))]
        if way == 2:
            other = self.valid[rng.integers(0, len(self.valid))]
            return data[: rng.integers(0, len(data))] + other[rng.integers(0, len(other)) :]
        if way == 3:
            at, length = (int(value) for value in rng.integers(0, len(data), 2))
            return data[:at] + data[at : at + length] * int(rng.integers(1, 200)) + data[at:]
        if way == 4:
            return _large(rng)
        return _mutated(data, rng)

    def _picture(self, rng: Generator) -> Image.Image:
        if rng.integers(0, 3) == 0:
            data = self.valid[rng.integers(0, len(self.valid))]
            try:
                picture: Image.Image = Image.open(io.BytesIO(data if rng.integers(0, 2) else _mutated(data, rng)))
            except Exception:
                picture = Image.new("RGB", (5, 5))
        else:
            mode = _MODES[rng.integers(0, len(_MODES))]
            width, height = (int(side) for side in rng.choice([0, 1, 7, 60, 3000], 2))
            picture = Image.new(mode, (width, height))
        for _ in range(rng.integers(0, 4)):
            picture.info[_INFO[rng.integers(0, len(_INFO))]] = _VALUES[rng.integers(0, len(_VALUES))]
        if rng.integers(0, 2):
            try:
                for _ in range(3):
                    picture.getexif()[_TAGS[rng.integers(0, len(_TAGS))]] = _VALUES[rng.integers(0, len(_VALUES))]
            except Exception:
                # Of a picture that Pillow cannot read, the tags stay as they are.
                return picture
        if rng.integers(0, 20) == 0:
            picture.close()
        return picture

    def _name(self, rng: Generator) -> str | Path:
        way = rng.integers(0, 6)
        parts = [_PARTS[at] for at in rng.integers(0, len(_PARTS), int(rng.integers(1, 4)))]
        if way == 0:
            return _URLS[rng.integers(0, len(_URLS))] + parts[0]
        if way == 1:
            return "data:image/png;base64," + "".join(parts)
        if way == 2:
            return self.folder / ("a.jpg", "é[x].png", "empty.jpg", "b", "none")[rng.integers(0, 5)]
        # Below the folder only: a pattern from the root would walk the whole machine.
        name = f"{self.folder}/{''.join(parts)}"
        return name + (".jpg" if way == 3 else "")


def _array(rng: Generator) -> NDArray[Any]:
    shape = _SHAPES[rng.integers(0, len(_SHAPES))]
    values = rng.choice([0.0, 0.5, 1.0, 1.5, 255.0, 65_535.0, 70_000.0, -1.0, np.nan, np.inf], shape)
    if rng.integers(0, 2):
        values = rng.random(shape) * float(rng.choice([1.0, 255.0, 65_535.0]))
    kind = _DTYPES[rng.integers(0, len(_DTYPES))]
    with np.errstate(all="ignore"):
        plain = np.nan_to_num(values) if kind not in ("f2", "f4", "f8", "O") else values
        made: NDArray[Any] = plain.astype(np.int64).astype(kind) if kind == "M8[s]" else plain.astype(kind)
    return made[::-1] if made.ndim and rng.integers(0, 2) else made


def _encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _valid_files() -> tuple[bytes, ...]:
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 4), dtype=np.uint8)
    rgba = Image.fromarray(noise)
    rgb = rgba.convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    frames = {"save_all": True, "append_images": [rgb.rotate(90)]}
    return (
        _encoded(rgb, "JPEG", exif=exif, xmp=xmp),
        _encoded(rgb, "JPEG", progressive=True, icc_profile=bytes(140)),
        _encoded(rgb.convert("CMYK"), "JPEG"),
        _encoded(rgba, "PNG", exif=exif),
        _encoded(rgb.quantize(16), "PNG", transparency=3),
        _encoded(rgb.convert("L").convert("I;16"), "PNG"),
        _encoded(rgb, "PNG", **frames),
        _encoded(rgba, "WEBP", exif=exif, xmp=xmp),
        _encoded(rgb, "WEBP", **frames),
        _encoded(rgb, "AVIF", exif=exif),
        _encoded(rgb, "GIF", **frames),
        _encoded(rgb, "TIFF", **frames),
        _encoded(rgb, "TIFF", compression="tiff_deflate"),
        _encoded(rgb, "BMP"),
        _encoded(rgb, "JPEG2000"),
        _encoded(rgb, "PPM"),
        b"P2 4 4 255 " + b"1 2 3 4 " * 4,
    )


def _mutated(data: bytes, rng: Generator) -> bytes:
    """Up to eight bytes changed, most of them near the beginning, where decoders read what they believe."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        changed[int(rng.random() ** 3 * (len(changed) - 1))] = int(rng.integers(0, 256))
    return bytes(changed)


def _large(rng: Generator) -> bytes:
    """A few hundred bytes that promise many pixels, and sometimes have them."""
    width, height = (int(side) for side in rng.choice([1, 100, 3000, 8000, 30_000, 70_000, 2**31 - 1], 2))
    header = struct.pack(">IIBBBBB", width, height, int(rng.choice([1, 8, 16])), int(rng.choice([0, 2, 3, 6])), 0, 0, 0)
    rows = zlib.compress(bytes(int(rng.choice([10, 10**6, 10**7]))), 1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
