"""Which picture formats are read, and how one is told by its first bytes. Names and suffixes decide nothing."""

from typing import NamedTuple


class Format(NamedTuple):
    """One format that is read."""

    suffixes: frozenset[str]
    mime: str
    cost: int
    """Bytes per pixel that its decoder holds at its peak, the decoded picture included."""


def _format(suffixes: str, mime: str, cost: int) -> Format:
    return Format(frozenset(f".{suffix}" for suffix in suffixes.split()), mime, cost)


FORMATS: dict[str, Format] = {
    "JPEG": _format("jpg jpeg jpe jfif mpo", "image/jpeg", 4),
    "PNG": _format("png apng", "image/png", 4),
    "WEBP": _format("webp", "image/webp", 16),
    "HEIF": _format("heic heif hif", "image/heic", 12),
    "AVIF": _format("avif avifs", "image/avif", 14),
    "GIF": _format("gif", "image/gif", 6),
    "BMP": _format("bmp dib", "image/bmp", 4),
    "TIFF": _format("tif tiff", "image/tiff", 8),
    "JPEG2000": _format("jp2 j2k jpf jpx j2c jpc", "image/jp2", 16),
    "PPM": _format("ppm pgm pbm pnm pfm", "image/x-portable-anymap", 4),
}
"""The animation decoder of WebP keeps two canvases, those of AVIF and JPEG 2000 planes of wider numbers."""

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevm", b"hevs", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51\0", "JPEG2000"),
)
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"SIMPLE", "a FITS file"),
    (b"8BPS", "a Photoshop document"),
    (b"II+\0", "a BigTIFF"),
    (b"MM\0+", "a BigTIFF"),
    (b"qoif", "a QOI picture"),
    (b"DDS ", "a DDS texture"),
    (b"icns", "an icon file"),
    (b"\0\0\x01\0", "an icon file"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"\x01\xda", "an SGI picture"),
    (b"\x0a\x05\x01", "a PCX picture"),
    (b"gimp xcf", "a GIMP document"),
)


def sniff(data: bytes) -> str | None:
    """A key of ``FORMATS`` by the magic bytes; None for anything else."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124):
        return "BMP"
    if data[:1] == b"P" and data[1:2] in (b"1", b"2", b"3", b"4", b"5", b"6", b"f", b"F") and data[2:3].isspace():
        return "PPM"
    return _isobmff(data) if data[4:8] == b"ftyp" else None


def _isobmff(data: bytes) -> str | None:
    # mif1 only says "an image"; the compatible brands then say which kind.
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, length - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def describe(data: bytes) -> str:
    """What unsupported bytes look like, for a message: "a PDF", "text", "a file of unknown kind"."""
    for magic, words in _FOREIGN:
        if data.startswith(magic):
            return words
    if data[4:8] == b"ftyp":
        return "a video"
    sample = data[:512]
    try:
        text = sample.decode()
    except UnicodeDecodeError as error:
        text = sample[: error.start].decode() if error.start > len(sample) - 4 else "\0"
    return "text" if text and all(mark.isprintable() or mark.isspace() for mark in text) else "a file of unknown kind"
