import io
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from faceagent.intake import MemoryBlobs, expand, take
from faceagent.settings import Settings
from faceagent.types import Picture, Problem

Encode = Callable[..., bytes]
LIMITS = Settings(max_bytes=200_000, max_pixels=1_000_000, max_frames=10)


def look(data: bytes, blobs: MemoryBlobs, settings: Settings = LIMITS) -> Picture | Problem:
    (source,) = expand([data], blobs)
    return take(source, blobs, settings)


def taken(data: bytes, blobs: MemoryBlobs) -> tuple[Picture, np.ndarray]:
    picture = look(data, blobs)
    assert isinstance(picture, Picture), picture
    return picture, blobs.pixels(picture.sha256)


def reason(data: bytes, blobs: MemoryBlobs, settings: Settings = LIMITS) -> str:
    problem = look(data, blobs, settings)
    assert isinstance(problem, Problem), problem
    assert problem.message
    return problem.reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_every_format_is_read(kind: str, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    data = encode(gradient, kind, quality=95)
    picture, pixels = taken(data, blobs)
    assert (picture.id, picture.format, picture.width, picture.height) == ("P1", kind, 48, 32)
    assert (picture.bytes, picture.notes, picture.orientation) == (len(data), (), 1)
    assert blobs.get(picture.sha256) == data
    assert np.abs(pixels.astype(int) - np.asarray(gradient)).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied_exactly_once(
    orientation: int, kind: str, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    back = {
        6: "ROTATE_90",
        8: "ROTATE_270",
        3: "ROTATE_180",
        2: "FLIP_LEFT_RIGHT",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        7: "TRANSVERSE",
    }
    stored = gradient.transpose(Image.Transpose[back[orientation]]) if orientation > 1 else gradient
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture, pixels = taken(encode(stored, kind, quality=95, exif=exif), blobs)
    assert picture.orientation == orientation
    assert pixels.shape == (32, 48, 3)
    assert np.abs(pixels.astype(int) - np.asarray(gradient)).mean() < 6


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("L", "JPEG", "grey"),
        ("L", "PNG", "grey"),
        ("1", "PNG", "grey"),
        ("P", "PNG", "palette"),
        ("CMYK", "JPEG", "CMYK"),
    ],
)
def test_colour_modes_become_rgb_with_a_note(
    mode: str, kind: str, words: str, blobs: MemoryBlobs, encode: Encode
) -> None:
    picture, pixels = taken(encode(Image.new("RGB", (20, 10), (255, 255, 255)).convert(mode), kind), blobs)
    assert picture.mode == mode
    assert any(words in note for note in picture.notes)
    assert pixels.min() >= 250


def test_sixteen_bit_grey_is_scaled_not_clipped(blobs: MemoryBlobs, encode: Encode) -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    picture, pixels = taken(encode(Image.fromarray(ramp)), blobs)
    np.testing.assert_array_equal(pixels[..., 0].ravel(), np.arange(256))
    assert "16 bits per channel scaled to 8" in picture.notes


def test_alpha_is_flattened_over_white(blobs: MemoryBlobs, encode: Encode) -> None:
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    half.putpixel((0, 0), (0, 0, 0, 0))
    for data in (encode(half), encode(half, "WEBP", lossless=True, exact=True)):
        picture, pixels = taken(data, blobs)
        assert pixels[0, 0].tolist() == [255, 255, 255]
        assert np.abs(pixels[1, 1].astype(int) - [255, 127, 127]).max() <= 1
        assert any("transparency" in note for note in picture.notes)


def test_opaque_alpha_changes_nothing(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    picture, pixels = taken(encode(gradient.convert("RGBA")), blobs)
    np.testing.assert_array_equal(pixels, np.asarray(gradient))
    assert picture.notes == ()


def test_transparent_palette_and_colour_key_are_flattened(blobs: MemoryBlobs, encode: Encode) -> None:
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putpixel((1, 0), 1)
    _, pixels = taken(encode(palette, transparency=0), blobs)
    assert pixels[0, 0].tolist() == [255] * 3 and pixels[0, 1].tolist() == [10, 20, 30]
    _, pixels = taken(encode(Image.new("RGB", (4, 4), (1, 2, 3)), transparency=(1, 2, 3)), blobs)
    assert pixels.min() == 255
    _, pixels = taken(encode(Image.new("LA", (4, 4), (7, 0))), blobs)
    assert pixels.min() == 255


def test_srgb_profiles_are_left_alone_and_broken_ones_ignored(
    blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture, pixels = taken(encode(gradient, icc_profile=srgb), blobs)
    np.testing.assert_array_equal(pixels, np.asarray(gradient))
    assert picture.notes == ()
    picture, pixels = taken(encode(gradient, icc_profile=b"not a profile"), blobs)
    np.testing.assert_array_equal(pixels, np.asarray(gradient))
    assert any("profile" in note for note in picture.notes)
    picture, _ = taken(encode(gradient.convert("L"), icc_profile=srgb), blobs)
    assert any("cannot be used" in note for note in picture.notes)


def test_a_foreign_profile_is_converted(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    # The colorants of an sRGB profile in another order: a picture that must come out with red and green swapped.
    raw = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = raw.index(b"rXYZ"), raw.index(b"gXYZ")
    raw[red : red + 4], raw[green : green + 4] = b"gXYZ", b"rXYZ"
    described = bytes(raw).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    picture, pixels = taken(encode(gradient, icc_profile=described), blobs)
    assert any("converted to sRGB" in note for note in picture.notes)
    assert pixels[2, -3, 1] > 200 > 60 > pixels[2, -3, 0]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_only_the_first_frame_of_an_animation_is_used(kind: str, blobs: MemoryBlobs, encode: Encode) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    picture, pixels = taken(data, blobs)
    assert "only the first of 3 frames was used" in picture.notes
    assert pixels[8, 8, 0] > 240 and pixels[8, 8, 1] < 15
    assert reason(data, blobs, Settings(max_frames=2)) == "too_large"


def test_bytes_after_the_end_are_noted_and_ignored(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        picture, _ = taken(encode(gradient, kind) + b"PK\x03\x04<script>", blobs)
        assert picture.notes == ("12 bytes after the end of the picture were ignored",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_truncated_pictures_are_corrupt(kind: str, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    data = encode(gradient, kind)
    assert reason(data[: len(data) // 2], blobs) == "corrupt_picture"
    assert reason(data[:30], blobs) == "corrupt_picture"


def test_a_missing_end_mark_is_noted_when_the_pixels_are_complete(
    blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    picture, pixels = taken(encode(gradient)[:-12], blobs)
    np.testing.assert_array_equal(pixels, np.asarray(gradient))
    assert any("end mark" in note for note in picture.notes)
    assert reason(encode(gradient, "JPEG")[:-2], blobs) == "corrupt_picture"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"just some words", "text"),
        ("Grüße".encode(), "text"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text"),
        (b"qoif....", "a QOI picture"),
        (b"%PDF-1.7", "a PDF"),
        (b"SIMPLE  =    T", "a FITS file"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (bytes(range(256)), "a file of unknown kind"),
    ],
)
def test_other_formats_are_named(data: bytes, words: str, blobs: MemoryBlobs) -> None:
    problem = look(data, blobs)
    assert isinstance(problem, Problem) and problem.reason == "unsupported_format" and words in problem.message
    assert "HEIC with faceagent[heif]" in problem.message


def test_heic_without_its_decoder_says_what_to_install(blobs: MemoryBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pi_heif", None)
    problem = look(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", blobs)
    assert isinstance(problem, Problem) and problem.reason == "unsupported_format"
    assert problem.remedy == "pip install 'faceagent[heif]'"


def test_limits_are_settings(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    data = encode(gradient)
    assert reason(data, blobs, Settings(max_bytes=len(data) - 1)) == "too_large"
    assert reason(data, blobs, Settings(max_pixels=48 * 32 - 1)) == "too_many_pixels"
    assert isinstance(look(data, blobs, Settings(max_bytes=len(data), max_pixels=48 * 32)), Picture)


def test_damaged_exif_does_not_cost_the_picture(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    picture, _ = taken(encode(gradient, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), blobs)
    assert picture.orientation == 1


def test_one_bad_item_does_not_stop_the_others(
    tmp_path: Path, blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    jpeg = encode(gradient, "JPEG")
    files = {
        "ok.png": encode(gradient),
        "zero.jpg": b"",
        "cut.jpg": jpeg[:300],
        "text.jpg": b"hello",
        "wrong.png": jpeg,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "folder.jpg").mkdir()
    inputs = [*(tmp_path / name for name in files), *(tmp_path / f"{name}.jpg" for name in ("link", "loop", "folder"))]
    results = {source.name: take(source, blobs, LIMITS) for source in expand([*inputs, tmp_path / "gone.png"], blobs)}
    assert {name: found.reason for name, found in results.items() if isinstance(found, Problem)} == {
        "zero.jpg": "empty_file",
        "cut.jpg": "corrupt_picture",
        "text.jpg": "unsupported_format",
        "link.jpg": "missing_file",
        "loop.jpg": "missing_file",
        "folder.jpg": "is_folder",
        "gone.png": "missing_file",
    }
    wrong = results["wrong.png"]
    assert isinstance(wrong, Picture) and wrong.format == "JPEG"
    assert wrong.notes == ("named .png, but the bytes are JPEG",)


def test_a_file_that_may_not_be_read(tmp_path: Path, blobs: MemoryBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.geteuid() == 0:
        # Permissions do not bind root, so here the system call has to say no by itself.
        def refuse(*_: object, **__: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    (source,) = expand([path], blobs)
    assert isinstance(problem := take(source, blobs, LIMITS), Problem) and problem.reason == "no_permission"


def test_bytes_that_left_the_store_are_a_problem(blobs: MemoryBlobs) -> None:
    (source,) = expand([b"x"], blobs)
    blobs.forget([source.ref])
    assert isinstance(problem := take(source, blobs, LIMITS), Problem) and problem.reason == "corrupt_picture"


def test_progressive_jpegs_are_fine(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    big = gradient.resize((300, 200))
    picture, _ = taken(encode(big, "JPEG", progressive=True), blobs)
    assert picture.notes == ()
    restarts, _ = taken(encode(big, "JPEG", restart_marker_blocks=1), blobs)
    assert restarts.notes == ()


def test_the_other_pictures_of_a_phones_jpeg_are_not_taken_for_an_attachment(
    blobs: MemoryBlobs, gradient: Image.Image, encode: Encode
) -> None:
    data = encode(gradient, "MPO", save_all=True, append_images=[gradient.rotate(180)])
    picture, pixels = taken(data, blobs)
    assert (picture.format, picture.notes) == ("JPEG", ("further pictures inside the file were ignored",))
    assert pixels[16, 40, 0] > 180


def test_many_threads_take_the_same_as_one(blobs: MemoryBlobs, gradient: Image.Image, encode: Encode) -> None:
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    pictures = [encode(gradient.rotate(turn), "JPEG", exif=exif) for turn in range(0, 360, 10)]
    sources = list(expand(pictures, blobs))
    filters = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda source: take(source, blobs, LIMITS), sources))
    assert together == [take(source, blobs, LIMITS) for source in sources]
    assert all(isinstance(picture, Picture) for picture in together)
    assert list(warnings.filters) == filters


def test_take_gives_the_id_it_is_asked_for(blobs: MemoryBlobs, gradient: Image.Image) -> None:
    out = io.BytesIO()
    gradient.save(out, "PNG")
    (source,) = expand([out.getvalue()], blobs)
    picture = take(source, blobs, LIMITS, id="R2")
    assert isinstance(picture, Picture) and picture.id == "R2" and picture.source == "bytes"
