"""478 points, 52 blendshapes and the head transform of a face that YuNet has already found.

The face is cropped square, turned upright and given a flat grey border, because the mesh's own detector loses
faces that are tilted or whose crop repeats its edge pixels. Wider and tighter crops follow until one gives a mesh
that lies where YuNet saw the face: without that check a neighbour's face is taken now and then.

It does not know whether the points are right, only that two models agree where the face is.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels, apply, invert, square_matrix, warp
from faceagent.faces.detect import Detection, eye_line_angle
from faceagent.faces.geometry import Canonical, canonical, transform
from faceagent.faces.mesh import SIDE, MeshNetworks
from faceagent.faces.object_pool import ObjectPool
from faceagent.settings import Settings
from faceagent.weights import locate

Array = NDArray[np.float64]

CROPS: tuple[tuple[float, int | str], ...] = ((0.25, 128), (1.0, 128), (0.0, 128), (1.0, "reflect"), (0.0, "replicate"))
"""Margin per side, as a share of the box, and border of the crops tried in turn."""
AGREEMENT = 0.2
"""Largest mean distance between the mesh's five points and YuNet's, as a share of the box's longer side."""
FIVE: tuple[tuple[int, ...], ...] = ((33, 133), (362, 263), (1,), (61,), (291,))
"""Mesh points whose means stand for the five points: eyes, nose tip, mouth corners."""


@dataclass(frozen=True)
class Landmarks:
    """A mesh in the picture."""

    points: Array
    """478×2, px."""
    blendshapes: dict[str, float]
    """52 coefficients 0-1."""
    transform: Array
    """4×4, canonical face to camera, of the crop that had been turned upright by ``turned`` degrees."""
    turned: float
    disagreement: float
    """Mean distance to the detector's five points, as a share of the box's longer side."""
    presence: float
    """The mesh network's own chance that it looked at a face, 0-1, uncalibrated."""


@lru_cache(maxsize=8)
def _networks(loading: str) -> tuple[ObjectPool[MeshNetworks], Canonical]:
    # The bytes are kept, so that what has been loaded works on when the cache is deleted.
    bundle = locate("face_landmarker", Settings.model_validate_json(loading)).read_bytes()
    return ObjectPool(lambda: MeshNetworks(bundle)), canonical(bundle)


def find_landmarks(pixels: Pixels, detection: Detection, settings: Settings) -> Landmarks | None:
    """The landmarks of one detected face of an RGB picture, or None: profiles and covered faces often have none.

    Raises ModelUnavailable when the weights cannot be had.
    """
    turned = eye_line_angle(detection)
    pool, face = _networks(settings.loading)
    with pool.borrow() as networks:
        for margin, border in CROPS:
            matrix = square_matrix(detection.box, 1 + 2 * margin, SIDE, turned)
            back = invert(matrix)
            for mesh in networks.meshes(warp(pixels, matrix, SIDE, border)):
                points = apply(back, mesh.points[:, :2])
                disagreement = _disagreement(points, detection)
                if disagreement < AGREEMENT:
                    return Landmarks(
                        points=points,
                        blendshapes=networks.blendshapes(mesh),
                        transform=transform(mesh.points, SIDE, face),
                        turned=turned,
                        disagreement=disagreement,
                        presence=mesh.presence,
                    )
    return None


def five_points(points: Array) -> Array:
    """The mesh's own five points (5×2), in the order of ``Face.points5``."""
    return np.stack([points[list(group)].mean(axis=0) for group in FIVE])


def _disagreement(points: Array, detection: Detection) -> float:
    off = five_points(points) - np.asarray(detection.points)
    return float(np.hypot(off[:, 0], off[:, 1]).mean() / detection.side)
