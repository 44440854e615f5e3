"""Transforms are exact where they can be, and warps neither shift nor alias."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceagent.faces.align import (
    ARCFACE_112,
    aligned,
    apply,
    invert,
    similarity,
    square_matrix,
    warp,
)
from faceagent.types import Face

Pixels = NDArray[np.uint8]


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 20),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_similarity_finds_the_transform_that_was_applied(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    truth = np.column_stack([turn, (x, y)])
    found = similarity(ARCFACE_112, apply(truth, ARCFACE_112))
    assert np.allclose(found, truth, atol=1e-6 * max(1.0, scale))
    assert np.allclose(apply(invert(found), apply(found, ARCFACE_112)), ARCFACE_112, atol=1e-4)


def test_a_reflection_is_never_chosen() -> None:
    mirrored = np.asarray(ARCFACE_112) * (-1, 1)
    assert np.linalg.det(similarity(ARCFACE_112, mirrored)[:, :2]) > 0


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    for scale in (0.1, 0.23, 0.37):
        matrix = np.array([[scale, 0, 0], [0, scale, 0]], float)
        inner = warp(stripes, matrix, round(640 * scale))[5:-5, 5:-5]
        assert abs(float(inner.mean()) - 127.5) < 2
        assert inner.std() < 30, "without averaging it would be 127"


def test_shrinking_does_not_shift() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 256, axis=0).repeat(3, axis=2)
    matrix = np.array([[0.21, 0, 3.0], [0, 0.21, -2.0]], float)
    crop = warp(ramp, matrix, 40)
    for x in range(8, 36):
        assert abs(float(crop[20, x, 0]) - (x - 3.0) / 0.21) < 1.5


def test_borders() -> None:
    white = np.full((50, 50, 3), 255, np.uint8)
    matrix = square_matrix((0, 0, 50, 50), 2.0, 100)
    assert warp(white, matrix, 100, 128)[0, 0].tolist() == [128, 128, 128]
    assert warp(white, matrix, 100, "replicate").min() == 255


def test_a_square_crop_keeps_the_box_in_the_middle() -> None:
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[100:160, 200:240] = 255
    crop = warp(picture, square_matrix((200, 100, 240, 160), 1.3, 130), 130)
    rows, columns = np.nonzero(crop[..., 0] > 127)
    assert abs(len(np.unique(rows)) - 100) <= 2
    assert abs(rows.mean() - 65) < 1.5
    assert abs(columns.mean() - 65) < 1.5


def test_a_turned_crop_comes_out_upright(astronaut: Pixels, face: Face) -> None:
    matrix = cv2.getRotationMatrix2D((223, 120), -30, 1)
    leaning = np.asarray(cv2.warpAffine(astronaut, matrix, (512, 512)), np.uint8)
    box = (178.0, 75.0, 268.0, 165.0)
    upright = warp(leaning, square_matrix(box, 1.0, 90, degrees=30), 90)
    difference = np.abs(upright.astype(int) - astronaut[75:165, 178:268].astype(int))
    assert difference.mean() < 12


def test_aligned_puts_the_eyes_on_the_template(astronaut: Pixels, face: Face) -> None:
    for size in (112, 224):
        chip = aligned(astronaut, face.points5, size)
        assert chip.shape == (size, size, 3)
        matrix = similarity(face.points5, np.asarray(ARCFACE_112) * size / 112)
        assert np.abs(apply(matrix, face.points5) - np.asarray(ARCFACE_112) * size / 112).max() < 0.06 * size
