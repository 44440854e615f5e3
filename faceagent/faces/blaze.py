"""BlazeFace, the detector inside the face landmarker bundle: from raw tensors to rotated face rectangles.

Source: Bazarevsky et al. 2019, "BlazeFace: sub-millisecond neural face detection on mobile GPUs"; constants are
those of MediaPipe's face landmarker (Apache-2.0). This module knows the arithmetic and no network.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIDE = 128
"""px, side of the network's input."""
OVERLAP = 0.5
"""Intersection over union from which two candidates are averaged into one."""


@dataclass(frozen=True)
class Rect:
    """A face in a square crop whose side is 1: centre, size, and the turn of its eye line in radians."""

    x: float
    y: float
    width: float
    height: float
    angle: float


def _anchors() -> Array:
    """896×2 anchor centres: 16×16 cells with 2 anchors, then 8×8 cells with 6."""
    grids = []
    for cells, repeat in ((16, 2), (8, 6)):
        steps = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(steps, steps, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), repeat, axis=0))
    return np.concatenate(grids)


_ANCHORS = _anchors()


def rects(regressors: Array, scores: Array, threshold: float, most: int) -> list[Rect]:
    """At most ``most`` faces, strongest first, from the raw 896×16 regressors and 896 logits."""
    chance = 1 / (1 + np.exp(-np.clip(scores.ravel(), -100, 100)))
    chosen = np.flatnonzero(chance >= threshold)
    raw = regressors.reshape(-1, 16)[chosen] / SIDE
    anchors = _ANCHORS[chosen]
    centre = raw[:, :2] + anchors
    corners = np.concatenate([centre - raw[:, 2:4] / 2, centre + raw[:, 2:4] / 2], axis=1)
    eyes = raw[:, 4:8].reshape(-1, 2, 2) + anchors[:, None]
    values = np.concatenate([corners, eyes.reshape(-1, 4)], axis=1)
    return [_rect(row) for row in _merged(values, chance[chosen])[:most]]


def _merged(values: Array, chance: Array) -> list[Array]:
    """Weighted suppression: each group of overlapping candidates becomes their mean, weighted by chance."""
    left = np.argsort(-chance, kind="stable")
    groups = []
    while len(left):
        near = _overlap(values[left[0]], values[left]) > OVERLAP
        near[0] = True
        members = left[near]
        groups.append(np.average(values[members], axis=0, weights=chance[members]))
        left = left[~near]
    return groups


def _overlap(one: Array, many: Array) -> Array:
    low = np.maximum(one[:2], many[:, :2])
    high = np.minimum(one[2:4], many[:, 2:4])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(many[:, 2:4] - many[:, :2], axis=1) + np.prod(one[2:4] - one[:2])
    share: Array = common / np.maximum(areas - common, 1e-12)
    return share


def _rect(row: Array) -> Rect:
    x0, y0, x1, y1, ax, ay, bx, by = (float(value) for value in row)
    angle = float(np.arctan2(by - ay, bx - ax))
    return Rect((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, angle)
