from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.synthesis import recapture
from evals.data.synthesis.picture_changes import CHANGES, noisy, on_canvas, tilted
from evals.views import drawn
from faceagent.encoder.crop import crop_face
from faceagent.faces import find_faces
from faceagent.judge import weigh
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.spoof import (
    COLOUR,
    JOINED,
    LIMIT,
    NETWORKS_ALONE,
    Scene,
    Spoof,
    attack_logit,
    chroma_residual,
    crop_window,
    largest_scale,
    prepare,
    room_scale,
    scene_of,
    tower_line,
)
from faceagent.types import Evidence, Face, Picture, Quality

QUALITY = Quality(unified=80, sharpness=80, illumination=80, exposure=80, resolution=80, pose=80, visibility=80)
POINTS = ((195.0, 115.0), (238.0, 113.0), (216.0, 140.0), (200.0, 163.0), (235.0, 161.0))
BOX = (172.0, 66.0, 275.0, 204.0)


def _view(pixels: NDArray[np.uint8], box: tuple[float, float, float, float] = BOX) -> View:
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
    face = Face(id="F1", picture="P1", box=box, confidence=0.9, points5=POINTS, quality=QUALITY)
    return View(picture, lambda: pixels, lambda: b"", face)


def test_input_is_bgr_and_not_scaled() -> None:
    """The two quiet mistakes: RGB order (AUC .946 to .852) and division by 255 (to .666)."""
    pixels = np.zeros((100, 100, 3), dtype=np.uint8)
    pixels[...] = (250, 120, 10)
    chip = prepare(pixels, (30.0, 30.0, 60.0, 60.0), 2.7)
    assert chip.shape == (3, 80, 80)
    assert chip.dtype == np.float32
    assert [float(plane.mean()) for plane in chip] == [10.0, 120.0, 250.0]


def test_channel_order_changes_the_answer(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    right = Spoof(settings).run([_view(astronaut)])[0][0].score
    swapped = Spoof(settings).run([_view(np.ascontiguousarray(astronaut[..., ::-1]))])[0][0].score
    assert right is not None and swapped is not None
    assert abs(right.value - swapped.value) > 0.2


def test_window_grows_about_the_centre() -> None:
    assert crop_window(1000, 1000, (450.0, 450.0, 550.0, 550.0), 2.0) == (400, 400, 600, 600)


def test_window_is_shifted_inside() -> None:
    x0, y0, x1, y1 = crop_window(400, 400, (0.0, 10.0, 100.0, 110.0), 2.0)
    assert (x0, y0) == (0, 0)
    assert (x1, y1) == (200, 200)
    assert crop_window(400, 400, (300.0, 290.0, 400.0, 390.0), 2.0)[2:] == (399, 399)


def test_window_is_capped_to_the_picture() -> None:
    x0, y0, x1, y1 = crop_window(200, 300, (50.0, 100.0, 150.0, 200.0), 4.0)
    assert x0 >= 0 and y0 >= 0 and x1 <= 199 and y1 <= 299
    assert x1 - x0 == pytest.approx(199, abs=1)


def test_a_box_larger_than_the_picture() -> None:
    x0, y0, x1, y1 = crop_window(40, 30, (-20.0, -20.0, 80.0, 70.0), 2.7)
    assert 0 <= x0 < x1 <= 39
    assert 0 <= y0 < y1 <= 29


def test_room_counts_how_much_surrounds_the_face() -> None:
    assert largest_scale(301, 201, (100.0, 50.0, 200.0, 150.0)) == pytest.approx(2.0)


def test_logit_averages_probabilities_and_is_bounded() -> None:
    even = np.zeros((1, 3), dtype=np.float32)
    assert attack_logit([even, even])[0] == pytest.approx(np.log(2.0))
    sure = np.array([[0.0, 90.0, 0.0]], dtype=np.float32)
    assert attack_logit([sure, sure])[0] == pytest.approx(-LIMIT, abs=1e-6)
    mixed = attack_logit([sure, -sure])[0]
    assert mixed == pytest.approx(0.0, abs=1e-6)


def test_a_face_without_surroundings_counts_for_less(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    fast = Spoof(settings.model_copy(update={"detectors": "fast"}))
    roomy = fast.run([_view(astronaut)])[0][0]
    crop = np.ascontiguousarray(astronaut[66:204, 172:275])
    tight = fast.run([_view(crop, (0.0, 0.0, 103.0, 138.0))])[0][0]
    scale = room_scale()
    for item, (slope, intercept) in ((roomy, scale.within), (tight, scale.without)):
        assert item.score is not None and item.score.calibration == NETWORKS_ALONE
        assert item.score.value == pytest.approx(slope * _logit(item) + intercept, abs=1e-3)
    assert "fills the picture" in tight.statement and "fills the picture" not in roomy.statement


def test_surroundings_and_texture_are_weighed_together(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    item = Spoof(settings).run([_view(astronaut)])[0][0]
    assert item.score is not None and item.score.calibration == JOINED
    (slope, intercept), line = room_scale(JOINED).within, tower_line()
    networks, texture = slope * _logit(item) + intercept, float(item.facts["texture_output"])
    assert item.score.value == pytest.approx(
        (1 - line.share) * networks + line.share * (line.slope * texture + line.intercept), abs=1e-3
    )
    assert item.tool is not None and {"adapter:spoof"} <= {one.id for one in item.tool.weights}


@pytest.mark.parametrize("attack", recapture.ATTACKS)
def test_a_recaptured_face_has_more_of_the_texture(
    attack: recapture.Attack, astronaut: NDArray[np.uint8], settings: Settings
) -> None:
    """The branch reads the face itself: a recapture of it is told apart however it is framed."""
    tool, rng = Spoof(settings), np.random.default_rng(5)
    part = np.ascontiguousarray(astronaut[0:300, 80:380])
    found = [_texture(tool, pixels) for pixels in (part, recapture.recapture(part, attack, rng))]
    assert found[0] < 0 < found[1] - 0.3


def _texture(tool: Spoof, pixels: NDArray[np.uint8]) -> float:
    seen = drawn(pixels)
    face = find_faces(seen.picture, pixels, tool._settings)[0]
    item = tool.run([View(seen.picture, seen.pixels, seen.original, face)])[0][0]
    return float(item.facts["texture_output"])


def _logit(item: Evidence) -> float:
    output = float(item.facts["network_output"])
    return float(np.log(output / (1 - output)))


def test_a_little_more_room_changes_little() -> None:
    """Two calibrations with a step between them gave one face two answers."""
    scale = room_scale()
    assert 0 < scale.without[0] < scale.within[0]
    for logit in (-10.0, -2.0, 4.0):
        scores = np.array([scale.weigh(logit, room) for room in np.arange(0.9, 1.6, 0.01)])
        assert np.abs(np.diff(scores)).max() < 0.3


def test_the_statement_gives_the_number_and_takes_no_side(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    """The tool once said "live" where the judge's calibration leaned to "spoof"."""
    item = Spoof(settings).run([_view(astronaut)])[0][0]
    assert item.id == "F1:spoof"
    assert item.score is not None and item.label is None
    assert f"is {float(item.facts['network_output']):.2f} of 1" in item.statement
    assert f"{float(item.facts['texture_output']):.2f} by its texture" in item.statement
    assert not {"live", "photograph", "screen", "leans", "sees"} & set(item.statement.lower().split())


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    luma = np.asarray(pixels @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    return np.repeat(luma[..., np.newaxis], 3, axis=2)


def _toned(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(_grey(pixels) * np.array([0.95, 0.82, 0.64]), dtype=np.uint8)


def _pale(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (0.9 * _grey(pixels) + 0.1 * pixels).astype(np.uint8)


def _noisy(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, 5, pixels.shape)
    return (_grey(pixels) + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [_grey, _toned, _pale, _noisy])
def test_a_face_without_colour_is_not_measured(
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], astronaut: NDArray[np.uint8], settings: Settings
) -> None:
    """A greyscale copy of a live photograph was once called an attack, and stable."""
    bare = change(astronaut)
    assert chroma_residual(bare, BOX) < COLOUR < chroma_residual(astronaut, BOX)
    tool = Spoof(settings)
    first, second, third = tool.run([_view(bare), _view(astronaut), _view(bare)])
    for (item,) in (first, third):
        assert (item.status, item.reason, item.score) == ("not_applicable", "no_colour", None)
        assert "colour" in item.statement
    assert second == tool.run([_view(astronaut)])[0]
    face = _view(bare).face
    assert face is not None and weigh("spoof", face, first).label == "inconclusive"


def test_colour_of_a_box_past_the_edge_is_finite() -> None:
    pixels = np.full((30, 40, 3), 255, dtype=np.uint8)
    assert chroma_residual(pixels, (-20.0, -20.0, 80.0, 70.0)) == pytest.approx(0.0, abs=0.1)


@pytest.fixture(scope="module")
def scene(settings: Settings) -> Callable[[NDArray[np.uint8]], Scene]:
    def call(pixels: NDArray[np.uint8]) -> Scene:
        pixels = np.ascontiguousarray(pixels)
        (face,) = find_faces(drawn(pixels).picture, pixels, settings)
        return scene_of(pixels, face)

    return call


@pytest.mark.parametrize("name", ["margin_noisy", "margin_gradient", "margin_textured", "margin_frame", "margin_white"])
def test_the_surroundings_end_where_the_photograph_does(
    astronaut: NDArray[np.uint8], scene: Callable[[NDArray[np.uint8]], Scene], name: str
) -> None:
    """With a noisy or patterned margin one live photograph in five was called a spoof."""
    (change,) = (one.change for one in CHANGES if one.name == name)
    plain, framed = scene(astronaut), scene(change(astronaut))
    assert not plain.cut and framed.cut
    assert framed.pixels.shape == plain.pixels.shape
    assert np.array_equal(framed.pixels, plain.pixels)
    assert framed.box == pytest.approx(plain.box, abs=1.5)


@pytest.mark.parametrize("name", ["margin_noisy", "margin_gradient", "margin_textured"])
def test_the_branch_reads_nothing_of_a_margin(astronaut: NDArray[np.uint8], settings: Settings, name: str) -> None:
    """The crop of a face that fills its photograph reaches past it; there the photograph's own edge is mirrored."""
    tight = np.ascontiguousarray(astronaut[80:186, 186:258])
    (change,) = (one.change for one in CHANGES if one.name == name)

    def crops(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        (face,) = find_faces(drawn(pixels).picture, pixels, settings)
        return scene_of(pixels, face).crop, crop_face(pixels, face).pixels

    (plain, _), (within, across) = crops(tight), crops(change(tight))
    sides = slice(None), np.r_[:20, -20:0]
    apart, beyond = (np.abs(one[sides].astype(float) - plain[sides]).mean() for one in (within, across))
    assert apart < 0.6 * beyond


@pytest.mark.parametrize("askew", [1.5, -3.0])
def test_a_print_that_is_held_keeps_its_edges(
    astronaut: NDArray[np.uint8], scene: Callable[[NDArray[np.uint8]], Scene], askew: float
) -> None:
    """They are what gives an attack away; only a person who holds a print exactly straight loses them."""
    print_ = cv2.copyMakeBorder(astronaut[:260, 90:360], 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=(245, 244, 240))
    room = on_canvas(np.asarray(print_, np.uint8), noisy, 0.4)
    held = tilted(room, askew, cv2.BORDER_REPLICATE)
    assert scene(held).pixels.shape == held.shape
