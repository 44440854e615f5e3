"""Nothing is said of what a picture does not show: cut faces, masks, sunglasses, hands, and whatever else."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.synthesis.occluders import cover
from faceagent import judge
from faceagent.faces.needs import hidden_parts, table
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits
from faceagent.tools.base import View, measure
from faceagent.tools.expression import Expression
from faceagent.tools.quality import QualityTool
from faceagent.tools.visibility import find_visible_faces
from faceagent.types import PARTS, Evidence, Face, FacePart, Occluder, Picture

Pixels = NDArray[np.uint8]

UPPER, LOWER = (1, 2, 4, 5, 6, 7, 43), (9, 10, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 28)


@pytest.fixture(scope="module")
def find(settings: Settings) -> Callable[[Pixels], tuple[Face, ...]]:
    def call(pixels: Pixels) -> tuple[Face, ...]:
        return find_visible_faces(_picture(pixels), np.ascontiguousarray(pixels), settings)

    return call


@pytest.fixture(scope="module")
def portrait(astronaut: Pixels) -> Pixels:
    """560×560, the astronaut's head, twice enlarged; her face is about 180×226 px."""
    head = astronaut[0:280, 83:363]
    return np.asarray(cv2.resize(head, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def whole(find: Callable[[Pixels], tuple[Face, ...]], portrait: Pixels) -> Face:
    (only,) = find(portrait)
    return only


def _picture(pixels: Pixels) -> Picture:
    height, width = pixels.shape[:2]
    return Picture(
        id="P1",
        sha256="0" * 64,
        width=width,
        height=height,
        format="PNG",
        bytes=1,
        source="memory",
        mode="RGB",
        orientation=1,
    )


def _evidence(pixels: Pixels, face: Face, settings: Settings) -> dict[str, Evidence]:
    view = View(_picture(pixels), lambda: pixels, lambda: b"", face)
    tools = (ActionUnits(settings), Expression(settings), QualityTool(settings))
    return {item.id.removeprefix("F1:"): item for tool in tools for item in measure(tool, [view])[0]}


def _spoken(evidence: dict[str, Evidence], codes: tuple[int, ...]) -> list[str]:
    return [f"AU{code}" for code in codes if (item := evidence.get(f"AU{code}")) and item.status == "ok"]


def _frame(face: Face) -> tuple[NDArray[np.float64], float]:
    points = np.asarray(face.landmarks)
    right, left = points[[33, 133]].mean(axis=0), points[[362, 263]].mean(axis=0)
    return (right + left) / 2, float(np.hypot(*(left - right)))


def _polygon(pixels: Pixels, face: Face, corners: list[tuple[float, float]], colour: tuple[int, int, int]) -> Pixels:
    middle, unit = _frame(face)
    painted = pixels.copy()
    cv2.fillPoly(painted, [np.rint(middle + np.asarray(corners) * unit).astype(np.int32)], colour, cv2.LINE_AA)
    return painted


def test_a_whole_face_has_no_hidden_part_and_is_spoken_of(whole: Face, portrait: Pixels, settings: Settings) -> None:
    assert not hidden_parts(whole)
    assert whole.quality.visibility > 80
    evidence = _evidence(portrait, whole, settings)
    assert len(_spoken(evidence, UPPER + LOWER)) == len(UPPER + LOWER)
    assert evidence["expression"].label == "happy"
    assert "hidden_parts" not in evidence


def test_eyes_outside_the_picture(
    find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels, settings: Settings
) -> None:
    middle, unit = _frame(whole)
    cut = portrait[round(middle[1] + 0.25 * unit) :]
    (face,) = find(cut)
    hidden = hidden_parts(face)
    assert {"right_eye", "left_eye", "right_brow", "left_brow"} <= set(hidden)
    assert {one.reason for one in hidden.values()} == {"outside_picture"}
    evidence = _evidence(cut, face, settings)
    assert not _spoken(evidence, UPPER)
    unit_7 = evidence["AU7"]
    assert (unit_7.status, unit_7.reason, unit_7.facts["cause"]) == (
        "not_applicable",
        "not_measurable",
        "outside_picture",
    )
    assert "eyes are outside the picture" in unit_7.statement
    reading = evidence["expression"]
    assert reading.status != "ok" or ("outside the picture" in reading.statement and reading.label == "happy")
    assert not {cite.rpartition(":")[2] for cite in reading.cites} & {f"AU{code}" for code in UPPER}
    assert face.quality.visibility < 70
    assert "outside the picture" in evidence["hidden_parts"].statement
    for question in ("identity", "age", "gender", "morph", "forgery"):
        assert question not in face.usable_for
        assert "outside_picture" in face.reasons[question]
        verdict = judge.weigh(question, face, list(evidence.values()))
        assert (verdict.label, verdict.reason) == ("inconclusive", "face_unusable")
        assert "outside the picture" in verdict.wording


def test_the_mouth_outside_the_picture(
    find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels, settings: Settings
) -> None:
    nose, unit = np.asarray(whole.landmarks)[1], _frame(whole)[1]
    cut = portrait[: round(nose[1] + 0.2 * unit)]
    (face,) = find(cut)
    assert hidden_parts(face)["mouth"].reason == "outside_picture"
    evidence = _evidence(cut, face, settings)
    assert not _spoken(evidence, LOWER)
    assert evidence["expression"].status != "ok"
    assert "expression" not in face.usable_for


@pytest.mark.parametrize("side", ["left", "right"])
def test_half_a_face(
    side: str, find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels, settings: Settings
) -> None:
    nose = round(float(np.asarray(whole.landmarks)[1, 0]))
    cut = portrait[:, nose:] if side == "left" else portrait[:, :nose]
    faces = find(cut)
    for face in faces:
        evidence = _evidence(cut, face, settings)
        assert not _spoken(evidence, UPPER + LOWER), "a half is spoken of as a whole"
        assert not set(face.usable_for) - {"quality", "provenance"}


MASK = [(-0.95, 0.38), (0, 0.15), (0.95, 0.38), (0.8, 1.3), (0.35, 1.8), (-0.35, 1.8), (-0.8, 1.3)]


@pytest.mark.parametrize("colour", [(120, 160, 190), (240, 240, 240), (35, 35, 40), (150, 40, 60)])
def test_a_mask_is_named_and_what_it_hides_is_not_measured(
    colour: tuple[int, int, int],
    find: Callable[[Pixels], tuple[Face, ...]],
    whole: Face,
    portrait: Pixels,
    settings: Settings,
) -> None:
    masked = _polygon(portrait, whole, MASK, colour)
    (face,) = find(masked)
    hidden = hidden_parts(face)
    assert {"nose", "mouth"} <= set(hidden)
    assert hidden["mouth"].reason == "occluded"
    assert hidden["mouth"].covered_by == "mask"
    evidence = _evidence(masked, face, settings)
    assert not _spoken(evidence, LOWER)
    assert "apparently by a mask" in evidence["hidden_parts"].statement
    assert face.quality.visibility < 70


OBJECTS: dict[Occluder, FacePart] = {
    "mask": "mouth",
    "sunglasses": "left_eye",
    "microphone": "mouth",
    "hair": "right_brow",
    "cloth": "mouth",
    "hand": "mouth",
    "paper": "nose",
}


@pytest.mark.parametrize("kind", list(OBJECTS))
@pytest.mark.parametrize("seed", range(3))
def test_what_an_object_hides_is_not_spoken_of(
    kind: Occluder,
    seed: int,
    find: Callable[[Pixels], tuple[Face, ...]],
    whole: Face,
    portrait: Pixels,
    settings: Settings,
) -> None:
    from faceagent.faces.parts import part_masks

    made = cover(portrait, np.asarray(whole.landmarks), kind, np.random.default_rng(seed))
    masks = part_masks(np.asarray(whole.landmarks), (portrait.shape[1], portrait.shape[0]))
    gone = {part for part, mask in masks.items() if made.cover[mask > 0].mean() > 0.8}
    seen = {part for part, mask in masks.items() if made.cover[mask > 0].mean() < 0.02}
    faces = find(made.pixels)
    for face in faces:
        assert gone <= set(hidden_parts(face))
        assert len(seen & set(hidden_parts(face))) <= 1
        evidence = _evidence(made.pixels, face, settings)
        needs = table().action_unit
        lost = tuple(code for code in UPPER + LOWER if gone & set(needs[code].all))
        assert not _spoken(evidence, lost)


@pytest.mark.parametrize("edge", ["top", "bottom", "left", "right"])
def test_a_part_beyond_the_edge_is_never_visible(
    edge: str, find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels
) -> None:
    """Eight lines across the face; what lies beyond each as a whole is hidden."""
    from faceagent.faces.parts import outline

    x0, y0, x1, y1 = whole.box
    axis = 1 if edge in ("top", "bottom") else 0
    start, end = (y0, y1) if axis else (x0, x1)
    first = edge in ("top", "left")
    places = {part: outline(np.asarray(whole.landmarks), part)[:, axis] for part in PARTS}
    for line in (round(start + share * (end - start)) for share in np.linspace(0.06, 0.94, 8)):
        kept = slice(line, None) if first else slice(line)
        cut = portrait[kept] if axis else portrait[:, kept]
        gone = {part for part, values in places.items() if _beyond(values, line, first)}
        for face in find(cut):
            assert gone <= set(hidden_parts(face)), line


def _beyond(values: NDArray[np.float64], line: int, below: bool) -> bool:
    return bool(np.all(values < line - 4) if below else np.all(values > line + 4))


@pytest.mark.parametrize("part", ["nose", "eye"])
def test_only_a_nose_or_one_eye(
    part: str, find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels, settings: Settings
) -> None:
    points, unit = np.asarray(whole.landmarks), _frame(whole)[1]
    x, y = points[4] if part == "nose" else points[[362, 263]].mean(axis=0)
    half = round(0.45 * unit)
    cut = np.ascontiguousarray(portrait[round(y) - half : round(y) + half, round(x) - half : round(x) + half])
    for face in find(cut):
        assert not set(face.usable_for) - {"quality", "provenance", "action_units"}
        assert len(_spoken(_evidence(cut, face, settings), UPPER + LOWER)) <= 1


def test_a_mirrored_face_is_as_visible(find: Callable[[Pixels], tuple[Face, ...]], portrait: Pixels) -> None:
    (face,) = find(portrait[:, ::-1])
    assert not hidden_parts(face)


def test_a_face_on_a_screen_is_seen_whole_within_the_screen(
    find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels
) -> None:
    """The screen's edge cuts the face, not the picture's: what lies behind the bezel is not seen."""
    middle, unit = _frame(whole)
    scene = np.full((900, 900, 3), 90, np.uint8)
    shown = portrait[: round(middle[1] + 0.75 * unit)]
    scene[150 : 150 + len(shown), 150:710] = shown
    for face in find(scene):
        assert {"mouth", "chin"} <= set(hidden_parts(face))


def test_a_dressing_over_one_eye_hides_that_eye(
    find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels, settings: Settings
) -> None:
    dressed = _polygon(portrait, whole, [(0.1, -0.45), (0.95, -0.45), (0.95, 0.4), (0.1, 0.4)], (236, 232, 224))
    (face,) = find(dressed)
    assert "left_eye" in hidden_parts(face)
    assert "right_eye" not in hidden_parts(face)
    evidence = _evidence(dressed, face, settings)
    assert not _spoken(evidence, (5, 6, 7, 43))
    assert len(_spoken(evidence, (12, 25))) == 2


def test_a_smeared_mouth_is_blurred(
    find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels, settings: Settings
) -> None:
    mask = np.zeros(portrait.shape[:2], np.uint8)
    middle, unit = _frame(whole)
    cv2.ellipse(
        mask,
        np.rint(middle + (0, 1.1 * unit)).astype(int).tolist(),
        (round(unit), round(0.55 * unit)),
        0,
        0,
        360,
        255,
        -1,
    )
    smeared = np.where(mask[..., None] > 0, cv2.GaussianBlur(portrait, (0, 0), 0.25 * unit), portrait).astype(np.uint8)
    (face,) = find(smeared)
    assert hidden_parts(face)["mouth"].reason in ("too_blurry", "occluded")
    assert not _spoken(_evidence(smeared, face, settings), (12, 25))


def test_burnt_out_eyes_are_not_measured(
    find: Callable[[Pixels], tuple[Face, ...]], whole: Face, portrait: Pixels, settings: Settings
) -> None:
    burnt = _polygon(portrait, whole, [(-1.2, -0.5), (1.2, -0.5), (1.2, 0.35), (-1.2, 0.35)], (255, 255, 255))
    for face in find(burnt):
        assert hidden_parts(face)["left_eye"].reason in ("too_bright", "occluded")
        assert not _spoken(_evidence(burnt, face, settings), UPPER)
