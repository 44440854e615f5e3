"""The box of a mesh follows the head: moved, scaled and turned with it, upright once its roll is undone."""

import numpy as np
import pytest

from faceagent.faces.mesh_box import HEIGHT, WIDTH, mesh_box

RNG = np.random.default_rng(5)


def head() -> np.ndarray:
    """A drawn mesh of 100×140 px whose five points lie level."""
    points = RNG.uniform((-50, -70), (50, 70), (478, 2))
    points[:2] = (-50, -70), (50, 70)
    for index, place in {33: (-30, -20), 133: (-12, -20), 362: (12, -20), 263: (30, -20), 1: (0, 5)}.items():
        points[index] = place
    points[61], points[291] = (-17, 32), (17, 32)
    return points


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize("degrees", [-170, -90, -20, 0, 7, 20, 45, 120])
def test_the_box_and_the_roll_follow_a_turn(degrees: float) -> None:
    points = head()
    (x0, y0, x1, y1), level = mesh_box(points)
    (u0, v0, u1, v1), found = mesh_box(turned(points, degrees) * 1.5 + (400, 300))
    assert found - level == pytest.approx(degrees, abs=1e-6)
    assert (u1 - u0, v1 - v0) == pytest.approx((1.5 * (x1 - x0), 1.5 * (y1 - y0)))
    middle = turned(np.array([[(x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2]]), degrees)[0] * 1.5 + (400, 300)
    assert ((u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2) == pytest.approx(tuple(middle))


def test_an_upright_mesh_has_the_box_of_its_extent() -> None:
    (x0, y0, x1, y1), level = mesh_box(head())
    assert level == pytest.approx(0, abs=1)
    assert (x1 - x0, y1 - y0) == pytest.approx((WIDTH * 100, HEIGHT * 140), rel=0.03)
