"""Landmarks: the grey border and the check against the detector, and the networks behind them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.faces import blaze
from faceagent.faces.detect import Detection, detect
from faceagent.faces.geometry import canonical, transform
from faceagent.faces.ibug68 import MAP, ibug68
from faceagent.faces.landmarks import CROPS, find_landmarks
from faceagent.faces.mesh import BLENDSHAPES, MeshNetworks
from faceagent.settings import Settings
from faceagent.weights import locate

Pixels = NDArray[np.uint8]


def test_the_first_crops_have_a_flat_grey_border() -> None:
    # On FairFace a replicated border finds landmarks on .84 of faces where the grey one finds .95.
    assert [border for _, border in CROPS[:3]] == [128, 128, 128]


def test_a_face_cut_by_the_edge_still_gets_landmarks(astronaut: Pixels, settings: Settings) -> None:
    cut = np.ascontiguousarray(astronaut[70:400, 185:420])
    (found,) = detect(cut, settings)
    landmarks = find_landmarks(cut, found, settings)
    assert landmarks is not None
    assert landmarks.disagreement < 0.1


def test_a_neighbours_face_is_not_taken(astronaut: Pixels, settings: Settings) -> None:
    (real,) = detect(astronaut, settings)
    shift = 80.0  # the wide crops around this spot still show the whole real face
    beside = Detection(
        box=(real.box[0] + shift, real.box[1] + shift, real.box[2] + shift, real.box[3] + shift),
        points=tuple((x + shift, y + shift) for x, y in real.points),
        score=0.9,
    )
    assert find_landmarks(astronaut, beside, settings) is None


def test_a_blank_crop_has_no_mesh(settings: Settings) -> None:
    networks = MeshNetworks(locate("face_landmarker", settings).read_bytes())
    assert list(networks.meshes(np.full((256, 256, 3), 128, np.uint8))) == []


def test_the_68_points_lie_where_they_should(astronaut: Pixels, settings: Settings) -> None:
    (found,) = detect(astronaut, settings)
    landmarks = find_landmarks(astronaut, found, settings)
    assert landmarks is not None
    points = ibug68(landmarks.points)
    assert len(MAP) == 68 and points.shape == (68, 2)
    eye_distance = np.hypot(*(points[36] - points[45]))
    for part, detected in (((36, 42), 0), ((42, 48), 1), ((30, 31), 2), ((48, 49), 3), ((54, 55), 4)):
        off = points[slice(*part)].mean(axis=0) - found.points[detected]
        assert np.hypot(*off) < 0.15 * eye_distance
    jaw = points[:17]
    assert (np.diff(jaw[:, 0]) > 0).all(), "the jaw runs from the subject's right to the left"
    assert jaw[8, 1] == jaw[:, 1].max(), "the chin is lowest"


def test_a_turned_canonical_face_gives_its_rotation_back(settings: Settings) -> None:
    face = canonical(locate("face_landmarker", settings).read_bytes())
    angle = np.deg2rad(25)
    rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    camera = face.points @ rotation.T + (1.0, -2.0, -60.0)
    half_view = np.tan(np.deg2rad(63.0) / 2)
    depth = -camera[:, 2]
    screen = np.stack([camera[:, 0] / depth, -camera[:, 1] / depth], axis=1) / (2 * half_view) + 0.5
    # Mesh depth is relative and in the unit of x: at the mean depth, that is what perspective leaves of it.
    relative = (depth - depth.mean()) / depth.mean() / (2 * half_view)
    points = np.column_stack([screen, relative]) * 256
    matrix = transform(points, 256, face)
    found = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    assert np.allclose(found, rotation, atol=0.03)
    assert np.allclose(matrix[:3, 3], (1.0, -2.0, -60.0), rtol=0.05, atol=0.2)


def test_overlapping_candidates_become_their_weighted_mean() -> None:
    regressors, scores = np.zeros((896, 16)), np.full(896, -50.0)
    for index, shift in ((100, 0.0), (101, 4.0)):  # two anchors of one cell
        regressors[index, :4] = (shift, 0, 40, 40)
        regressors[index, 4:8] = (-10, -10, 10, -10)
        scores[index] = 3.0
    (rect,) = blaze.rects(regressors, scores, 0.1, 2)
    cell = (50 % 16 + 0.5) / 16
    assert rect.x == pytest.approx(cell + 2 / 128)
    assert rect.width == pytest.approx(40 / 128)
    assert rect.angle == pytest.approx(0)
    assert blaze.rects(regressors, scores, 0.99, 2) == []


def test_there_are_52_blendshapes() -> None:
    assert len(BLENDSHAPES) == len(set(BLENDSHAPES)) == 52
