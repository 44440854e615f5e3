"""The box and the roll of a face from its dense landmarks: what crops for detectors follow.

YuNet's boxes vary by about 7 % of their size where a picture is turned by 20°, and the scores of detectors with them;
boxes from the mesh vary by 1 %. The three factors make them, on average, the boxes that YuNet finds around upright
faces (1,424 faces of FairFace, FRLL, muxspace, portraits and SFHQ, roll below 6°). Knows no pixels.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceagent.faces.align import ARCFACE_112, similarity
from faceagent.faces.landmarks import five_points
from faceagent.upright import Box

WIDTH, HEIGHT = 0.982, 1.088
"""Sides of the box over those of the upright mesh."""
RAISED = 0.032
"""How far the middle of the box lies above that of the mesh, over the mesh's height."""


def mesh_box(points: ArrayLike) -> tuple[Box, float]:
    """The box of a 478-point mesh (x0, y0, x1, y1 at pixel edges), and the degrees it is turned clockwise by.

    The box has upright sides and lies on the face once that is turned back about the box's centre.
    """
    mesh = np.asarray(points, dtype=np.float64)
    degrees = roll_of(five_points(mesh))
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    upright = mesh @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    width, height = (high - low).tolist()
    x, y = (((low + high) / 2 - (0, RAISED * height)) @ turn + 0.5).tolist()
    half_width, half_height = WIDTH * width / 2, HEIGHT * height / 2
    return (x - half_width, y - half_height, x + half_width, y + half_height), degrees


def roll_of(points: ArrayLike | NDArray[np.float64]) -> float:
    """Degrees by which a head is turned clockwise, from its five points (5×2, in the order of ``Face.points5``)."""
    matrix = similarity(ARCFACE_112, points)
    return math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
