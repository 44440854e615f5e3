"""The door of the faces room, on real weights: what is found, where, in which order, and the same every time."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from evals.views import drawn
from faceagent.agent.views import put_faces
from faceagent.faces import find_faces, main_face, search_faces, search_notes, upright_faces
from faceagent.faces.detect import Detection
from faceagent.settings import Settings
from faceagent.storage.record import Record
from faceagent.types import QUESTIONS, Face, Picture

Pixels = NDArray[np.uint8]
Find = Callable[[Pixels], tuple[Face, ...]]


def shrunk(head: Pixels, width: int) -> Pixels:
    """The 200 px head so that its face is ``width`` px wide."""
    side = round(200 * width / 90)
    return np.asarray(cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """The astronaut turned clockwise about her nose."""
    matrix = cv2.getRotationMatrix2D((223, 120), -degrees, 1)
    return np.asarray(cv2.warpAffine(pixels, matrix, (512, 512)), np.uint8)


def test_the_astronaut_has_one_complete_face(face: Face) -> None:
    assert face.id == "F1"
    assert np.allclose(face.box, (178, 63, 268, 176), atol=6)
    assert face.confidence > 0.9
    points = np.asarray(face.landmarks)
    assert points.shape == (478, 2)
    x0, y0, x1, y1 = face.box
    inside = (points > (x0 - 15, y0 - 15)).all(axis=1) & (points < (x1 + 15, y1 + 15)).all(axis=1)
    assert inside.all()
    assert len(face.blendshapes) == 52
    assert face.blendshapes["mouthSmileLeft"] > 0.5
    assert face.blendshapes["mouthSmileRight"] > 0.5
    assert face.pose is not None
    assert abs(face.pose.yaw) < 5 and abs(face.pose.pitch) < 12 and abs(face.pose.roll) < 6
    assert face.usable_for == QUESTIONS
    assert face.reasons == {}


def test_the_mirror_image_mirrors_pose_and_points(find: Find, astronaut: Pixels, face: Face) -> None:
    (mirrored,) = find(astronaut[:, ::-1])
    assert face.pose is not None and mirrored.pose is not None
    assert abs(face.pose.yaw + mirrored.pose.yaw) < 2
    assert abs(face.pose.roll + mirrored.pose.roll) < 2
    assert abs(face.pose.pitch - mirrored.pose.pitch) < 3
    # The subject's right eye comes first in both, so the two swap places.
    assert mirrored.points5[0][0] == pytest.approx(511 - face.points5[1][0], abs=4)


@pytest.mark.parametrize("degrees", [-45, 45, 90, 135, 180, -90])
def test_a_head_turned_in_the_plane_is_found_with_its_points_and_roll(
    find: Find, astronaut: Pixels, face: Face, degrees: int
) -> None:
    (found,) = find(turned(astronaut, degrees))
    assert found.pose is not None and face.pose is not None
    off = (found.pose.roll - face.pose.roll - degrees + 180) % 360 - 180
    assert abs(off) < 6
    assert abs(found.pose.yaw) < 6
    assert len(found.landmarks) == 478
    assert found.blendshapes["mouthSmileLeft"] > 0.5


def test_a_small_face_in_a_large_picture_is_found(find: Find, head: Pixels) -> None:
    canvas = np.full((1800, 2600, 3), 90, np.uint8)
    small = shrunk(head, 30)
    canvas[1500 : 1500 + len(small), 2300 : 2300 + len(small)] = small
    (found,) = find(canvas)
    assert 2300 < found.box[0] < found.box[2] < 2300 + len(small)
    assert len(found.landmarks) == 478


def test_a_face_of_24_px_is_reported_and_hardly_usable(find: Find, head: Pixels) -> None:
    canvas = np.array(cv2.resize(skimage.data.coffee(), (900, 600)), np.uint8)
    small = shrunk(head, 26)
    canvas[40 : 40 + len(small), 700 : 700 + len(small)] = small
    (found,) = find(canvas)
    assert 20 < found.box[2] - found.box[0] < 34
    assert found.usable_for == ("quality", "provenance")
    assert found.reasons["identity"][0] == "face_too_small"


@pytest.mark.parametrize(("width", "asked"), [(40, True), (28, False)])
def test_forgery_is_asked_about_faces_from_36_px(find: Find, head: Pixels, width: int, *, asked: bool) -> None:
    (found,) = find(shrunk(head, width))
    assert abs(found.box[2] - found.box[0] - width) < 5
    assert ("forgery" in found.usable_for) is asked and "morph" not in found.usable_for


def test_a_face_that_fills_the_picture_is_found(find: Find, astronaut: Pixels) -> None:
    tight = astronaut[63:176, 178:268]
    (found,) = find(np.asarray(cv2.resize(tight, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC), np.uint8))
    assert found.box[2] - found.box[0] > 500


def test_many_faces_are_ordered_by_size(find: Find, head: Pixels, settings: Settings) -> None:
    rows = []
    for first in (48, 60, 72):
        cells = [np.full((200, 200, 3), 40, np.uint8) for _ in range(5)]
        for index, cell in enumerate(cells):
            face = shrunk(head, first + 2 * index)
            cell[: len(face), : len(face)] = face
        rows.append(np.concatenate(cells, axis=1))
    group = np.concatenate(rows)
    found = find(group)
    assert [face.id for face in found] == [f"F{index}" for index in range(1, 16)]
    areas = [(face.box[2] - face.box[0]) * (face.box[3] - face.box[1]) for face in found]
    assert areas == sorted(areas, reverse=True)
    few = find_faces(drawn(group).picture, group, settings.model_copy(update={"max_faces": 4}))
    assert [face.box for face in few] == [face.box for face in found[:4]]


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_pictures_without_a_face_have_none(find: Find, name: str) -> None:
    assert find(getattr(skimage.data, name)()) == ()


def test_noise_and_flat_pictures_have_no_face(find: Find) -> None:
    rng = np.random.default_rng(0)
    assert find(rng.integers(0, 255, (400, 500, 3), dtype=np.uint8)) == ()
    assert find(np.full((1000, 1300, 3), 127, np.uint8)) == ()
    assert find(np.zeros((1, 1, 3), np.uint8)) == ()
    assert find(np.zeros((3, 900, 3), np.uint8)) == ()


def test_faces_below_the_minimum_are_dropped(astronaut: Pixels, settings: Settings) -> None:
    assert find_faces(drawn(astronaut).picture, astronaut, settings.model_copy(update={"min_face": 100.0})) == ()


def test_faces_of_references_carry_their_picture_in_the_id(astronaut: Pixels, settings: Settings) -> None:
    (face,) = find_faces(drawn(astronaut, "R2").picture, astronaut, settings)
    assert (face.id, face.picture) == ("R2F1", "R2")


def test_threads_and_repeats_agree(astronaut: Pixels, settings: Settings) -> None:
    pictures = [astronaut, turned(astronaut, 90), np.ascontiguousarray(astronaut[:, ::-1]), turned(astronaut, 20)] * 2
    alone = [find_faces(drawn(pixels).picture, pixels, settings) for pixels in pictures[:4]] * 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pixels: find_faces(drawn(pixels).picture, pixels, settings), pictures))
    assert together == alone


def test_the_main_face_is_large_and_central(head: Pixels, find: Find) -> None:
    canvas = np.full((600, 900, 3), 60, np.uint8)
    for size, x in ((60, 380), (64, 0), (30, 700)):
        small = shrunk(head, size)
        canvas[200 : 200 + len(small), x : x + len(small)] = small
    found = find(canvas)
    assert len(found) == 3
    best = main_face(found, drawn(canvas).picture)
    assert best is not None
    assert 380 < best.box[0] < 520
    assert main_face((), drawn(canvas).picture) is None


def test_nothing_is_printed_and_no_heavy_runtime_is_loaded(settings: Settings) -> None:
    code = (
        "import sys, skimage.data; from faceagent.faces import find_faces; from faceagent.settings import Settings; "
        "from faceagent.types import Picture; p = skimage.data.astronaut(); "
        "q = Picture(id='P1', sha256='0', width=512, height=512, format='PNG', bytes=1, source='s', mode='RGB', "
        "orientation=1); assert len(find_faces(q, p, Settings())) == 1; "
        "assert 'mediapipe' not in sys.modules and 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shape", [(2, 20000), (20000, 2), (1, 1), (4000, 1), (1, 4000), (3, 3), (300, 40000)])
def test_pictures_of_any_shape_are_looked_at(find: Find, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert find(np.zeros((*shape, 3), np.uint8)) == ()
    assert find(noise) == ()


def test_opencv_says_nothing_when_many_threads_open_networks() -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from faceagent.faces.yunet import _open
from faceagent.settings import Settings
from faceagent.weights import locate
model = np.fromfile(locate("yunet", Settings()), np.uint8)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: _open(model), range(40)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == ""


def test_a_weak_face_does_not_hide_the_one_that_lies(
    astronaut: Pixels, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its side, a picture showed a face in hair or hands, and the portrait itself was not looked for."""
    lying = np.rot90(astronaut[20:260, 100:340], -1)
    small = cv2.resize(astronaut[20:260, 100:340], (80, 80), interpolation=cv2.INTER_AREA)
    beside = np.random.default_rng(0).normal(128, 20, (240, 100, 3)).clip(0, 255).astype(np.uint8)
    beside[80:160, 10:90] = cv2.GaussianBlur(small, (0, 0), 2.5)
    picture = np.ascontiguousarray(np.hstack([lying, beside]))
    whole = upright_faces.detections_of

    def without_the_lying_one(pixels: Pixels, *rest: Any) -> list[Detection]:
        found = whole(pixels, *rest)
        return [one for one in found if one.box[0] > 240] if pixels.shape == picture.shape else found

    monkeypatch.setattr(upright_faces, "detections_of", without_the_lying_one)
    assert without_the_lying_one(picture, settings)
    faces = find_faces(drawn(picture).picture, picture, settings)
    assert faces[0].frame is not None and faces[0].frame.quarters == 1
    assert faces[0].box[2] <= 240


def behind(astronaut: Pixels, seen: float, side: int) -> Pixels:
    """The astronaut behind her own mirror image, so that about this share of her face's width is seen on one side."""
    x0, y0, x1, y1 = 178, 63, 268, 176
    x, y, width, height = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    oval = np.zeros(astronaut.shape[:2], np.uint8)
    cv2.ellipse(oval, (511 - int(x), int(y)), (int(0.55 * width), int(0.6 * height)), 0, 0, 360, 255, -1)
    moved = np.array([[1, 0, 2 * x - 511 + side * seen * width], [0, 1, 0.05 * height]])
    shape = astronaut.shape[1::-1]
    front = cv2.warpAffine(np.ascontiguousarray(astronaut[:, ::-1]), moved, shape)
    made = astronaut.copy()
    made[cv2.warpAffine(oval, moved, shape) > 0] = front[cv2.warpAffine(oval, moved, shape) > 0]
    return made


def notes(pixels: Pixels, settings: Settings) -> tuple[int, list[str]]:
    """How many faces there are, and what is said to have been left out."""
    picture, found = drawn(pixels).picture, search_faces(drawn(pixels).picture, pixels, settings)
    record = Record({"0/P1": picture})
    put_faces(record, {"0/P1": found})
    return found.total, search_notes(record.get("0/P1", Picture), kept=len(found.faces), most=64)


@pytest.mark.parametrize(("seen", "side"), [(0.4, -1), (0.45, 1), (0.5, 1), (0.5, -1), (0.6, 1), (0.6, -1), (0.8, 1)])
def test_of_two_overlapping_faces_the_rear_one_is_found_or_told(
    seen: float, side: int, astronaut: Pixels, settings: Settings
) -> None:
    total, told = notes(behind(astronaut, seen, side), settings)
    covered = ["Part of another face is seen behind or beside F1, too little of it to be judged."]
    assert (total, told) in ((1, covered), (2, []))
    assert seen < 0.8 or total == 2


def test_nothing_is_told_of_a_face_alone(astronaut: Pixels, settings: Settings) -> None:
    assert notes(astronaut, settings) == (1, [])
    assert notes(np.ascontiguousarray(np.hstack([astronaut, astronaut[:, ::-1]])), settings) == (2, [])
