import io

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageOps

from faceagent.settings import Settings
from faceagent.tools import jpeg
from faceagent.tools.base import View
from faceagent.tools.frequency import GRID_SEEN, PERIODIC, Frequency, noise, spectrum, stored
from faceagent.types import Evidence, Picture

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photo() -> Pixels:
    """A photograph without a compression grid: a cat of 451×300 px, shrunk by a third."""
    with Image.fromarray(skimage.data.cat()) as image:
        return np.asarray(image.resize((300, 200), Image.Resampling.BOX))


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _decoded(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _look(pixels: Pixels, data: bytes, form: str, orientation: int = 1) -> dict[str, Evidence]:
    height, width = pixels.shape[:2]
    picture = Picture(
        id="P1",
        sha256="0" * 64,
        width=width,
        height=height,
        format=form,
        bytes=max(1, len(data)),
        source="x",
        mode="RGB",
        orientation=orientation,
    )
    (group,) = Frequency(Settings()).run([View(picture, lambda: pixels, lambda: data)])
    return {item.id.partition(":")[2]: item for item in group}


def test_one_compression_leaves_a_grid_and_no_period(photo: Pixels) -> None:
    data = _jpeg(photo, 75)
    found = _look(_decoded(data), data, "JPEG")
    grid, double = found["jpeg_grid"], found["double_jpeg"]
    assert grid.score is not None and grid.score.value > GRID_SEEN
    assert (grid.facts["offset_x"], grid.facts["offset_y"]) == (0, 0)
    assert double.facts["quality"] == 75 and double.facts["standard_table"] == "yes"
    assert double.score is not None and double.score.value < PERIODIC
    assert "no sign" in double.statement


def test_a_second_finer_compression_shows(photo: Pixels) -> None:
    data = _jpeg(_decoded(_jpeg(photo, 60)), 90)
    double = _look(_decoded(data), data, "JPEG")["double_jpeg"]
    assert double.score is not None and double.score.value > PERIODIC
    assert "periodic" in double.statement


def test_a_cropped_jpeg_has_a_shifted_grid(photo: Pixels) -> None:
    moved = np.ascontiguousarray(_decoded(_jpeg(photo, 60))[3:, 5:])
    grid = _look(moved, b"", "PNG")["jpeg_grid"]
    assert (grid.facts["offset_x"], grid.facts["offset_y"]) == (3, 5)
    assert "shifted by 3 and 5 px" in grid.statement


def test_a_png_without_history(photo: Pixels) -> None:
    found = _look(photo, b"", "PNG")
    assert found["jpeg_grid"].score is not None and found["jpeg_grid"].score.value < GRID_SEEN
    assert "No 8 by 8" in found["jpeg_grid"].statement
    assert (found["double_jpeg"].status, found["double_jpeg"].reason) == ("not_applicable", "not_measurable")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone(photo: Pixels, orientation: int) -> None:
    kept = Image.fromarray(photo)
    exif = kept.getexif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    kept.save(buffer, "PNG", exif=exif)
    with Image.open(buffer) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_allclose(stored(upright, orientation), stored(photo, 1))


def test_a_turned_jpeg_keeps_its_grid(photo: Pixels) -> None:
    data = _jpeg(photo[:197, :291], 60)
    grid = _look(np.rot90(_decoded(data), 3), data, "JPEG", orientation=6)["jpeg_grid"]
    assert (grid.facts["offset_x"], grid.facts["offset_y"]) == (0, 0)


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 92, 100])
def test_quality_is_read_from_the_table(photo: Pixels, quality: int) -> None:
    table = jpeg.luminance_table(_jpeg(photo, quality))
    assert table is not None
    assert jpeg.quality_of(table) == (quality, True)


def test_white_noise_is_flat_and_blur_is_steep() -> None:
    white = np.random.default_rng(0).normal(128, 20, (256, 256))
    slope, high = spectrum(white)
    assert slope == pytest.approx(0.0, abs=0.1)
    assert 0.6 < high < 0.85
    assert spectrum(np.cumsum(np.cumsum(white - 128, axis=0), axis=1))[0] < -2


def test_noise_level_and_the_place_that_differs() -> None:
    rng = np.random.default_rng(0)
    field = 128 + rng.normal(0, 2, (384, 384))
    level, spread, _ = noise(field)
    assert level == pytest.approx(2.0, rel=0.1)
    assert spread < 1.3
    field[:96, :96] = 128 + rng.normal(0, 0.3, (96, 96))
    _, spread, place = noise(field)
    assert spread > 2 or place == "at the top left"
    assert place == "at the top left"


def test_no_verdict_is_given(photo: Pixels) -> None:
    for item in _look(photo, b"", "PNG").values():
        assert item.label is None
        assert item.score is None or item.score.calibration is None


def test_a_tiny_picture_says_so() -> None:
    found = _look(np.zeros((20, 300, 3), dtype=np.uint8), b"", "PNG")
    assert {item.reason for item in found.values()} == {"low_resolution"}


def test_flat_pictures_do_not_divide_by_zero() -> None:
    found = _look(np.full((128, 128, 3), 255, dtype=np.uint8), b"", "PNG")
    assert all(item.status in ("ok", "not_applicable") for item in found.values())
