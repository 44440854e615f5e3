"""Every common format is read by its content, and deep or floating values by stated rules."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from faceagent.errors import InputError
from faceagent.intake import MemoryBlobs, Pixels, expand, name_apart, take
from faceagent.settings import Settings
from faceagent.types import Picture, Problem

Encode = Callable[..., bytes]


def taken(given: object, blobs: MemoryBlobs, settings: Settings | None = None) -> tuple[Picture, Pixels]:
    (source,) = expand([given], blobs)
    picture = take(source, blobs, settings or Settings())
    assert isinstance(picture, Picture), picture
    return picture, blobs.pixels(picture.sha256)


def refused(given: object, blobs: MemoryBlobs) -> Problem:
    (source,) = expand([given], blobs)
    problem = take(source, blobs, Settings())
    assert isinstance(problem, Problem), problem
    return problem


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("GIF", {}, 20),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "jpeg", "quality": 95}, 6),
        ("JPEG2000", {}, 0),
        ("PPM", {}, 0),
    ],
)
def test_a_format_is_read_by_its_content(
    kind: str, options: dict[str, object], tolerance: int, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    picture, pixels = taken(encode(gradient, kind, **options), blobs)
    assert (picture.format, picture.width, picture.height) == (kind, 48, 32)
    assert np.abs(pixels.astype(int) - np.asarray(gradient)).mean() <= tolerance


def test_a_turned_tiff_is_turned_once(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    data = encode(gradient.transpose(Image.Transpose.ROTATE_90), "TIFF", tiffinfo={274: 6})
    picture, pixels = taken(data, blobs)
    assert picture.orientation == 6
    np.testing.assert_array_equal(pixels, np.asarray(gradient))


def test_of_an_animated_gif_and_a_tiff_of_pages_the_first_is_used(blobs: MemoryBlobs, encode: Encode) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    for kind, words in (("GIF", "only the first of 3 frames was used"), ("TIFF", "only the first of 3 pages was used")):
        picture, pixels = taken(encode(frames[0], kind, save_all=True, append_images=frames[1:]), blobs)
        assert words in picture.notes
        assert pixels[8, 8].tolist() == [255, 0, 0]


def test_files_without_a_telling_name_are_read_and_others_are_told(
    tmp_path: Path, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    files = {
        "a.jpg_large": encode(gradient, "JPEG"),
        "b": encode(gradient, "PNG"),
        "c.gif": encode(gradient, "GIF"),
        "d.jp2": encode(gradient, "JPEG2000"),
        "e.txt": b"some words",
        "f.pdf": b"%PDF-1.7 ...",
        "g": b"",
        "h.dat": encode(gradient, "TIFF"),
        "i.jpg": b"no picture, but called one",
    }
    for name, data in files.items():
        (album / name).write_bytes(data)
    skipped: list[tuple[str, str]] = []
    found = list(expand([album], blobs, skipped=lambda *file: skipped.append(file)))
    names = ["a.jpg_large", "b", "c.gif", "d.jp2", "h.dat", "i.jpg"]
    assert [source.name for source in found] == [f"album/{name}" for name in names]
    assert skipped == [("album/e.txt", "text"), ("album/f.pdf", "a PDF"), ("album/g", "an empty file")]
    assert [isinstance(take(source, blobs, Settings()), Picture) for source in found] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (np.full((6, 7, 3), 0.5), 128),
        (np.full((6, 7), 0.5, np.float16), 128),
        (np.full((6, 7, 3), 200.0, np.float32), 200),
        (np.full((6, 7), 200 * 257, ">u2"), 200),
        (np.full((6, 7, 3), 200 * 257, np.uint16), 200),
        (np.full((6, 7), 200, np.int64), 200),
        (np.full((6, 7), 200 * 257, np.int32), 200),
        (np.full((6, 7), True), 255),
        (np.full((6, 7, 1), 200, np.uint8), 200),
    ],
)
def test_arrays_of_other_numbers_are_scaled(array: np.ndarray, value: int, blobs: MemoryBlobs) -> None:
    _, pixels = taken(array, blobs)
    assert pixels.shape == (6, 7, 3) and abs(int(pixels[0, 0, 0]) - value) <= 1


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((6, 7), -1.0), "-1"),
        (np.full((6, 7), 1.5), "1.5"),
        (np.full((6, 7), np.nan), "NaN"),
        (np.full((6, 7), 70_000, np.int32), "70000"),
        (np.full((6, 7), 1 + 1j), "complex"),
        (np.full((6, 7), None), "object"),
        (np.full((3, 60, 70), 0.5), "channels first"),
        (np.zeros((6, 7, 5), np.uint8), "6×7×5"),
    ],
)
def test_arrays_that_only_a_guess_could_show_are_refused_in_words(
    array: np.ndarray, words: str, blobs: MemoryBlobs
) -> None:
    problem = refused(array, blobs)
    assert problem.reason == "unsupported_format" and words in problem.message and problem.remedy


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "RGBa"])
def test_an_opaque_picture_of_any_mode_arrives(mode: str, blobs: MemoryBlobs, gradient: Image.Image) -> None:
    route = {"LA": "RGBA", "RGBa": "RGBA"}.get(mode, "RGB")
    if mode == "LAB":
        from PIL import ImageCms

        lab = ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(gradient, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    else:
        picture = gradient.convert(route).convert(mode)
    (source,) = expand([picture], blobs)
    found = take(source, blobs, Settings())
    if mode == "LAB":
        assert isinstance(found, Problem | Picture)
    else:
        assert isinstance(found, Picture), found
    assert not any("profile cannot be used" in note for note in getattr(found, "notes", ()))


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L"])
def test_sixteen_bit_pictures_of_any_byte_order(mode: str, blobs: MemoryBlobs) -> None:
    order = ">u2" if mode == "I;16B" else "<u2"
    data = np.linspace(0, 65535, 256).round().astype(order).reshape(16, 16)
    picture = Image.frombytes(mode, (16, 16), data.tobytes())
    _, pixels = taken(picture, blobs)
    np.testing.assert_array_equal(pixels[..., 0].ravel(), np.arange(256))


def test_a_float_picture_from_0_to_1_is_scaled(blobs: MemoryBlobs, gradient: Image.Image) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    picture, pixels = taken(Image.fromarray(ramp), blobs)
    np.testing.assert_array_equal(pixels[..., 0].ravel(), np.arange(256))
    assert any("0 to 1" in note for note in picture.notes)


@pytest.mark.parametrize("maximum", [1023, 4095, 65535])
def test_a_deep_pgm_is_scaled_by_its_own_maximum(maximum: int, blobs: MemoryBlobs) -> None:
    values = np.linspace(0, maximum, 256).round().astype(">u2")
    _, pixels = taken(b"P5 16 16 %d\n" % maximum + values.tobytes(), blobs)
    assert np.abs(pixels[..., 0].ravel().astype(int) - np.arange(256)).max() <= 1


def test_a_float_tiff_is_read_by_the_same_rule(blobs: MemoryBlobs, encode: Encode) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    _, pixels = taken(encode(Image.fromarray(ramp), "TIFF"), blobs)
    np.testing.assert_array_equal(pixels[..., 0].ravel(), np.arange(256))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("loaded", [False, True])
def test_an_opened_picture_is_its_file(
    kind: str, loaded: bool, tmp_path: Path, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    path = tmp_path / "file"
    path.write_bytes(encode(gradient, kind))
    with Image.open(path) as picture:
        if loaded:
            picture.load()
        opened, _ = taken(picture, blobs)
    assert blobs.get(opened.sha256) == path.read_bytes()


def test_a_picture_that_was_drawn_on_is_not_its_file(
    tmp_path: Path, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    path = tmp_path / "file.png"
    path.write_bytes(encode(gradient))
    with Image.open(path) as picture:
        picture.putpixel((3, 4), (1, 2, 3))
        _, pixels = taken(picture, blobs)
    assert pixels[4, 3].tolist() == [1, 2, 3]


@pytest.mark.parametrize("tag", [0x0112, 0x011A, 0x0128, 0x0110])
@pytest.mark.parametrize("value", ["text", 70000, b"\xff\xfe", (1, 2, 3), 1.5, None])
def test_a_tag_of_the_wrong_type_costs_no_picture(
    tag: int, value: object, blobs: MemoryBlobs, gradient: Image.Image
) -> None:
    picture = gradient.copy()
    picture.getexif()[tag] = value
    picture.info |= {"dpi": "many", "transparency": object(), "gamma": b"", 5: "five", "icc_profile": "text"}
    _, pixels = taken(picture, blobs)
    np.testing.assert_array_equal(pixels, np.asarray(gradient))


def test_nothing_is_a_problem_of_that_item(blobs: MemoryBlobs, gradient: Image.Image) -> None:
    found = [take(source, blobs, Settings()) for source in expand([gradient, None, gradient], blobs)]
    assert [getattr(one, "reason", None) for one in found] == [None, "missing_file", None]


@pytest.mark.parametrize("name", ["\ud800[x]", "a\udfff*.jpg", "?\ud83d"])
def test_a_pattern_that_no_name_can_match_is_a_broken_request(name: str, blobs: MemoryBlobs) -> None:
    with pytest.raises(InputError):
        list(expand([name], blobs))


def test_files_that_share_a_name_are_told_apart(tmp_path: Path, blobs: MemoryBlobs) -> None:
    names = ["alice/2020/a.jpg", "bob/2020/a.jpg", "carol/2021/a.jpg", "carol/b.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    given = [tmp_path / name for name in names]
    found = name_apart(list(expand([*given, given[0], b"x", b"y"], blobs)))
    assert [source.name for source in found] == [
        *("alice/2020/a.jpg", "bob/2020/a.jpg", "2021/a.jpg", "b.jpg", "alice/2020/a.jpg", "bytes", "bytes")
    ]


@pytest.fixture
def _hostile_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)


@pytest.mark.usefixtures("_hostile_host")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "JPEG2000", "PPM"])
def test_settings_of_the_host_program_change_nothing(
    kind: str, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    data = encode(gradient.resize((200, 150)), kind)
    picture, _ = taken(data, blobs)
    assert (picture.width, picture.height) == (200, 150)
    if kind != "JPEG2000":
        # A JPEG 2000 stream is made to be cut.
        assert refused(data[: int(0.62 * len(data))], blobs).reason == "corrupt_picture"


def test_an_opened_picture_that_was_cut_short_is_corrupt(
    blobs: MemoryBlobs, gradient: Image.Image, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encode(gradient.resize((200, 150)), "JPEG")
    assert refused(Image.open(io.BytesIO(data[: int(0.62 * len(data))])), blobs).reason == "corrupt_picture"


def test_a_picture_larger_than_one_strip_is_converted_whole(
    blobs: MemoryBlobs, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 40, 4), dtype=np.uint8)
    for mode in ("RGBA", "L", "P", "CMYK", "1"):
        picture = Image.fromarray(noise)
        data = encode(picture if mode == "RGBA" else picture.convert("RGB").convert(mode), "TIFF")
        _, whole = taken(data, MemoryBlobs())
        with monkeypatch.context() as patch:
            patch.setattr("faceagent.intake.colour.STRIP", 160)
            _, strips = taken(data, blobs)
        np.testing.assert_array_equal(strips, whole)


def test_a_png_that_says_it_is_linear_is_converted(blobs: MemoryBlobs, encode: Encode) -> None:
    data = encode(Image.new("RGB", (8, 8), (55, 55, 55)))
    import zlib

    body = b"gAMA" + struct.pack(">I", 100_000)
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    picture, pixels = taken(data[:33] + chunk + data[33:], blobs)
    assert pixels[0, 0, 0] == 128 and any("gamma" in note for note in picture.notes)
