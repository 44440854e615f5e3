"""The three networks of the face landmarker bundle, on one crop: 478 points, 52 blendshapes, head transform.

Models: BlazeFace, FaceMesh V2 and Blendshape V2 of MediaPipe's ``face_landmarker.task`` (Apache-2.0), run by
OpenCV. MediaPipe's own runtime is not used: from 0.10.35 on it reports usage to its maker over the network whenever
a task is opened, no setting turns that off, and faceagent promises not to. Points agree with it to 0.1 px of 256
(median over faces of the largest difference), blendshapes to 0.003.

This module knows one upright square crop; where it came from and whether to believe it is for ``landmarks``.
"""

import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces import blaze
from faceagent.faces.align import Pixels

Array = NDArray[np.float64]

SIDE = 256
"""px, side of the mesh network's input, and of the crops it is given here."""
DETECTION = 0.1
PRESENCE = 0.1
"""Chances from which a face is believed. They are low because ``landmarks`` checks every mesh against YuNet."""

# fmt: off
BLENDSHAPES = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)
"""Names of the 52 coefficients, in the network's order; left and right are the subject's own."""

_BLENDSHAPE_POINTS = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249,
    251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314,
    317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
    384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
)
"""The 146 points the blendshape network reads."""
# fmt: on


@dataclass(frozen=True)
class Mesh:
    """478×3 points in crop px (depth in the same unit, smaller is nearer), and the chance that it is a face."""

    points: Array
    presence: float


class MeshNetworks:
    """The networks of one bundle. Not safe for two threads at once; see ``object_pool``."""

    def __init__(self, bundle: bytes) -> None:
        # OpenCV reads these files as a whole only from disk, so they are unpacked for as long as that takes.
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive, tempfile.TemporaryDirectory(prefix="faceagent-") as folder:
            self._detector, self._mesher, self._shaper = (
                _network(archive.extract(f"{name}.tflite", folder))
                for name in ("face_detector", "face_landmarks_detector", "face_blendshapes")
            )

    def meshes(self, crop: Pixels, most: int = 2) -> Iterator[Mesh]:
        """Meshes found in a 256×256 RGB crop: of its ``most`` strongest faces, the one nearest to the middle first."""
        step = SIDE // blaze.SIDE
        blob = _blob(np.ascontiguousarray(crop[::step, ::step]), 127.5, 127.5)
        regressors, scores = infer(self._detector, blob, ("regressors", "classificators"))
        found = blaze.rects(np.asarray(regressors, float)[0], np.asarray(scores, float)[0], DETECTION, most)
        for rect in sorted(found, key=lambda rect: np.hypot(rect.x - 0.5, rect.y - 0.5)):
            mesh = self._mesh(crop, rect)
            if mesh.presence >= PRESENCE:
                yield mesh

    def _mesh(self, crop: Pixels, rect: blaze.Rect) -> Mesh:
        """The mesh inside ``rect``, which is looked at with half as much again around it."""
        size = 1.5 * SIDE * np.array([rect.width, rect.height])
        turn = np.array([[np.cos(rect.angle), -np.sin(rect.angle)], [np.sin(rect.angle), np.cos(rect.angle)]])
        back = turn * (size / SIDE)
        centre = SIDE * np.array([rect.x, rect.y])
        inverse = np.column_stack([back, centre - back @ np.full(2, SIDE / 2)])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        view = cv2.warpAffine(crop, inverse, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        raw, presence = infer(self._mesher, _blob(np.asarray(view, np.uint8), 0.0, 255.0), ("Identity", "Identity_1"))
        local = np.asarray(raw, float).reshape(478, 3)
        flat = local[:, :2] @ inverse[:, :2].T + inverse[:, 2]
        depth = local[:, 2:] * size[0] / SIDE
        return Mesh(np.concatenate([flat, depth], axis=1), float(1 / (1 + np.exp(-np.asarray(presence).item()))))

    def blendshapes(self, mesh: Mesh) -> dict[str, float]:
        """The 52 coefficients, 0-1, of a mesh."""
        blob = mesh.points[None, _BLENDSHAPE_POINTS, :2].astype(np.float32)
        values = np.asarray(infer(self._shaper, blob, ("StatefulPartitionedCall:0",))[0]).ravel()
        return {name: min(1.0, max(0.0, float(value))) for name, value in zip(BLENDSHAPES, values, strict=True)}


def infer(net: cv2.dnn.Net, blob: NDArray[np.float32], outputs: Sequence[str]) -> Sequence[Any]:
    """The networks' own work and nothing else, so that benchmarks can clock it."""
    net.setInput(blob)
    return net.forward(outputs)


def _network(path: str) -> cv2.dnn.Net:
    # OpenCV's newer engine, and its reading from memory, give only the last of several outputs.
    return cv2.dnn.readNetFromTFLite(path, cv2.dnn.ENGINE_CLASSIC)


def _blob(picture: Pixels, middle: float, unit: float) -> NDArray[np.float32]:
    """1×3×H×W, (value - middle) / unit."""
    return np.asarray(cv2.dnn.blobFromImage(picture, 1.0 / unit, mean=(middle, middle, middle)), dtype=np.float32)
