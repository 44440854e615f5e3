import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.explain import summarize
from faceagent.judge import weigh
from faceagent.settings import Settings
from faceagent.tools.attributes import (
    AGE_SIDE,
    CENTRES,
    CORNERS,
    FAST,
    FULL,
    MEAN,
    MESH,
    YEARS,
    Attributes,
    Estimator,
    age_table,
    banded,
    chances,
    expected,
    prepare,
    youngest,
)
from faceagent.tools.base import View
from faceagent.types import Face, Picture, Quality

QUALITY = Quality(unified=80, sharpness=80, illumination=80, exposure=80, resolution=80, pose=80, visibility=80)
POINTS = ((195.0, 115.0), (238.0, 113.0), (216.0, 140.0), (200.0, 163.0), (235.0, 161.0))


def _face(**changes: object) -> Face:
    values = dict(
        id="F1", picture="P1", box=(172.0, 66.0, 275.0, 204.0), confidence=0.9, points5=POINTS, quality=QUALITY
    )
    return Face(**(values | changes))  # type: ignore[arg-type]


def _view(pixels: NDArray[np.uint8], face: Face) -> View:
    height, width = pixels.shape[:2]
    picture = Picture(
        id="P1",
        sha256="0" * 64,
        width=width,
        height=height,
        format="PNG",
        bytes=1,
        source="x",
        mode="RGB",
        orientation=1,
    )
    return View(picture, lambda: pixels, lambda: b"", face)


def test_chip_is_centred_scaled_and_mirrored() -> None:
    pixels = np.zeros((512, 512, 3), dtype=np.uint8)
    pixels[...] = (250, 120, 10)
    chips = prepare(pixels, _face(), AGE_SIDE)
    assert chips.shape == (2, 3, AGE_SIDE, AGE_SIDE)
    assert chips.dtype == np.float32
    np.testing.assert_allclose(chips[0, :, 30, 30], (np.array([250, 120, 10]) - MEAN) / 256, atol=0.01)
    np.testing.assert_array_equal(chips[1], chips[0, :, :, ::-1])


def test_mesh_points_land_on_the_template() -> None:
    """A bright dot on each of the five mesh points shows where dlib's template has them."""
    side, offset = 400.0, 80.0
    places = CORNERS * side + offset
    mesh = np.full((478, 2), 50.0)
    mesh[list(MESH)] = places
    pixels = np.zeros((600, 600, 3), dtype=np.uint8)
    for x, y in places:
        pixels[int(y) - 6 : int(y) + 7, int(x) - 6 : int(x) + 7] = 255
    face = _face(landmarks=tuple((float(x), float(y)) for x, y in mesh))
    chip = prepare(pixels, face, AGE_SIDE)[0, 0]
    for x, y in (CORNERS + 0.2) / 1.4 * AGE_SIDE:
        assert chip[round(float(y)), round(float(x))] > chip.min() + 0.3


def test_a_large_face_is_averaged_down_not_sampled() -> None:
    stripes = np.zeros((512, 512, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    inner = prepare(stripes, _face(), AGE_SIDE)[0, :, 20:40, 20:40]
    assert float(inner.std(axis=(1, 2)).max()) < 0.1


@pytest.mark.parametrize("estimator", [FULL, FAST])
def test_age_table_is_monotone_and_nested(estimator: Estimator) -> None:
    table = age_table(estimator.age_table)
    assert table.level == 0.8
    for column in (table.value, table.low, table.high):
        assert (np.diff(column) >= 0).all()
    assert (table.low <= table.value).all() and (table.value <= table.high).all()
    assert table.read(-5.0) == (table.value[0], table.low[0], table.high[0])
    assert table.read(200.0)[0] == table.value[-1]


def test_the_astronaut(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    """Eileen Collins was 42 on the day of the picture, give or take."""
    ((age, gender, *_),) = Attributes(settings).run([_view(astronaut, _face())])
    assert (age.id, gender.id) == ("F1:age", "F1:gender")
    assert age.score is not None and age.score.scale == "years"
    assert age.score.low is not None and age.score.high is not None
    assert age.score.low <= 42 <= age.score.high
    assert age.label is not None and f"{age.label.replace('-', ' to ')} years" in age.statement
    assert gender.label == "female"
    assert gender.score is not None and gender.score.value < 0
    assert "Apparent" in age.statement and "Apparent" in gender.statement


def test_without_mesh_the_five_points_do(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    """The fallback anchors a chip at much the same place: the two estimates stay close."""
    right, left, tip, mouth_right, mouth_left = (np.array(point) for point in POINTS)
    mesh = np.full((478, 2), 50.0)
    across = (left - right) * 0.33
    base = tip + 0.35 * ((mouth_right + mouth_left) / 2 - tip)
    mesh[list(MESH)] = [left + across, left - across, right - across, right + across, base]
    meshed = _face(landmarks=tuple((float(x), float(y)) for x, y in mesh))
    ((with_mesh, *_),) = Attributes(settings).run([_view(astronaut, meshed)])
    ((without, *_),) = Attributes(settings).run([_view(astronaut, _face())])
    assert float(with_mesh.facts["network_years"]) == pytest.approx(float(without.facts["network_years"]), abs=8)


def test_ages_of_dlib_fall_into_their_bands_whole() -> None:
    ages = np.eye(len(YEARS))
    shares = banded(ages)
    assert shares.shape == (81, len(CENTRES))
    np.testing.assert_array_equal(shares.sum(axis=1), 1)
    assert [list(CENTRES)[int(row.argmax())] for row in shares[[0, 2, 3, 9, 10, 69, 70, 80]]] == [
        "0-2",
        "0-2",
        "3-9",
        "3-9",
        "10-19",
        "60-69",
        "more than 70",
        "more than 70",
    ]


def test_the_mean_of_a_distribution_and_its_probabilities() -> None:
    even = chances(np.zeros((1, len(CENTRES))))
    np.testing.assert_allclose(even.sum(), 1)
    np.testing.assert_allclose(expected(even), [np.mean(list(CENTRES.values()))])
    np.testing.assert_allclose(expected(chances(np.array([[0.0] * 8 + [800.0]]))), [75])


def test_the_age_comes_as_a_distribution(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    tool = Attributes(settings)
    ((age, *_),) = tool.run([_view(astronaut, _face())])
    assert list(age.distribution) == list(CENTRES)
    shares = np.exp(list(age.distribution.values()))
    assert shares.sum() == pytest.approx(1, abs=1e-4)
    assert expected(shares[np.newaxis])[0] == pytest.approx(float(age.facts["network_years"]), abs=0.05)
    assert {one.id for one in tool.stamp().weights} == {"age", "gender", "clip_vitb16_int8", "adapter:attributes"}


@pytest.mark.parametrize("estimator", [FULL, FAST])
def test_gender_is_not_measured_where_the_whole_age_range_lies_below_the_fitted_one(
    estimator: Estimator, astronaut: NDArray[np.uint8], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bands by hand: no picture of a child is at hand that may be kept here."""
    assert youngest(estimator.gender_calibration) == 20
    tool = Attributes(settings if estimator is FULL else settings.model_copy(update={"detectors": "fast"}))
    face = _face()
    for band, measured in (("0-2", False), ("3-9", False), ("20-29", True), ("more than 70", True)):
        shares = np.array([[float(name == band) for name in CENTRES]])
        monkeypatch.setattr(Attributes, "_estimate", lambda *_, bands=shares: (bands, np.array([3.0])))
        (found,) = tool.run([_view(astronaut, face)])
        age, gender, *distances = found
        assert age.status == "ok" and age.score is not None and age.score.high is not None
        assert (gender.status == "ok") == measured == (age.score.high >= 20)
        assert [one.question for one in distances] == (["age", "gender"] if measured else ["age"])
        verdict = weigh("gender", face, found)
        assert (verdict.label, verdict.reason) == (("male", None) if measured else ("inconclusive", "too_young"))
        said = summarize([verdict], found, [face])
        assert measured or "younger" in str(said.reason) and "adults" in str(said.next_step)


def test_without_clip_the_fast_branch_answers(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    """It has a table and a calibration of its own."""
    tool = Attributes(settings.model_copy(update={"detectors": "fast"}))
    ((age, gender, *_),) = tool.run([_view(astronaut, _face())])
    assert age.score is not None and age.score.calibration == FAST.age_table
    assert gender.score is not None and gender.score.calibration == FAST.gender_calibration
    assert gender.label == "female"
    assert {one.id for one in tool.stamp().weights} == {"age", "gender", "dinov2_vits14", "adapter:attributes_fast"}
