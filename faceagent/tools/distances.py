"""Distances on the face mesh for movements that no blendshape measures: brow height, nose wing, red of the lips.

All are measured at right angles to the line between the eyes, as a share of the distance between the eyes. Yaw narrows
that distance by its cosine, which is corrected for. Indices are MediaPipe's 478 points; left and right are the
subject's own. This module knows no neutral face and no action unit.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceagent.types import Pose

RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)
"""Outer and inner corner."""

MOST_YAW = 60.0
"""Degrees; a larger yaw is corrected as if it were this one."""

SPANS: Mapping[str, tuple[Sequence[tuple[int, int, float]], Sequence[tuple[int, int, float]]]] = {
    "inner_brow_height": (((336, 362, 1.0),), ((107, 133, 1.0),)),
    "lower_lid_to_cheek": (((374, 280, 1.0),), ((145, 50, 1.0),)),
    "lower_lid_sag": (((263, 374, 0.5), (362, 374, 0.5)), ((33, 145, 0.5), (133, 145, 0.5))),
    "nose_wing_height": (((417, 358, 1.0),), ((193, 129, 1.0),)),
    "nose_to_lip": (((2, 0, 1.0),), ((2, 0, 1.0),)),
    "red_of_the_lips": (((0, 13, 1.0), (14, 17, 1.0)), ((0, 13, 1.0), (14, 17, 1.0))),
    "lip_gap": (((13, 14, 1.0),), ((13, 14, 1.0),)),
}
"""For each distance, on the left and on the right: from a point down to a point, times a weight, summed up."""


class Sides(NamedTuple):
    """One measurement on the subject's left and right; the same number twice for what lies in the middle."""

    left: float
    right: float

    @property
    def both(self) -> float:
        """The mean of the two."""
        return (self.left + self.right) / 2


def distances(landmarks: Sequence[tuple[float, float]], pose: Pose | None) -> dict[str, Sides]:
    """Every distance of ``SPANS`` from 478 points in px; positive when the second point lies below the first."""
    points = np.asarray(landmarks, dtype=np.float64)
    right, left = points[list(RIGHT_EYE)].mean(axis=0), points[list(LEFT_EYE)].mean(axis=0)
    across = left - right
    between = max(float(np.hypot(*across)), 1e-6)
    down = np.array([-across[1], across[0]]) / between
    yaw = 0.0 if pose is None else min(abs(pose.yaw), MOST_YAW)
    share = float(np.cos(np.radians(yaw))) / between
    return {name: Sides(*(_total(points, spans, down) * share for spans in sides)) for name, sides in SPANS.items()}


def _total(points: NDArray[np.float64], spans: Sequence[tuple[int, int, float]], down: NDArray[np.float64]) -> float:
    return float(sum(weight * float((points[to] - points[start]) @ down) for start, to, weight in spans))
