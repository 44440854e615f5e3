"""The conventions of ``types``: yaw to the picture's right, pitch down and roll clockwise are positive."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.faces.pose import head_pose

Array = NDArray[np.float64]


def turn(axis: str, degrees: float) -> Array:
    """4×4 rotation in camera space: x right, y up, z towards the camera."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    blocks = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    matrix = np.eye(4)
    matrix[:3, :3] = 3.7 * np.array(blocks[axis], float)
    return matrix


@pytest.mark.parametrize("degrees", [-60, -10, 0, 25, 80])
def test_each_angle_alone(degrees: float) -> None:
    # About y, a positive turn takes the nose (+z) to +x, the picture's right.
    assert np.allclose(tuple(head_pose(turn("y", degrees)).model_dump().values()), (degrees, 0, 0), atol=1e-4)
    # About x, a positive turn takes the nose to -y, which is down.
    assert np.allclose(tuple(head_pose(turn("x", degrees)).model_dump().values()), (0, degrees, 0), atol=1e-4)
    # About z, y up, a positive turn is counter-clockwise.
    assert np.allclose(tuple(head_pose(turn("z", -degrees)).model_dump().values()), (0, 0, degrees), atol=1e-4)


def test_the_upright_turn_is_added_to_roll_only() -> None:
    plain, added = head_pose(turn("y", 20)), head_pose(turn("y", 20), turned=90)
    assert (added.yaw, added.pitch) == (plain.yaw, plain.pitch)
    assert added.roll == pytest.approx(90, abs=1e-4)


def test_roll_stays_within_half_a_turn() -> None:
    assert head_pose(turn("z", -20), turned=170).roll == pytest.approx(-170, abs=1e-4)
    assert head_pose(turn("z", 0), turned=180).roll == 180
