"""From 478 mesh points to the head's 4×4 transform: a canonical face fitted in metric space.

Method: that of MediaPipe's face geometry module (Apache-2.0): points are placed in front of a camera of 63°
vertical field of view, and a weighted orthogonal Procrustes fit of the canonical face (Akca 2003) gives rotation,
scale and shift. The canonical face and its weights are read from the landmarker bundle. The camera is assumed,
not known: the transform is relative.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_HALF_VIEW = float(np.tan(np.deg2rad(63.0) / 2))
"""Half the height of the picture plane at distance 1."""


@dataclass(frozen=True)
class Canonical:
    """The face all others are compared with: 468×3 points in cm, and how much each counts."""

    points: Array
    weights: Array


def canonical(bundle: bytes) -> Canonical:
    """The canonical face in a landmarker bundle, a protocol buffer of five numbers per vertex and id-weight pairs."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        message = archive.read("geometry_pipeline_metadata_landmarks.binarypb")
    vertices: list[float] = []
    weights: dict[int, float] = {}
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            vertices = [item for field, item in _fields(value) if field == 3 and isinstance(item, float)]
        elif number == 2 and isinstance(value, bytes):
            pair = dict(_fields(value))
            weights[int(pair.get(1, 0))] = float(pair[2])
    points = np.asarray(vertices).reshape(-1, 5)[:, :3]
    return Canonical(points, np.array([weights.get(index, 0.0) for index in range(len(points))]))


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Field numbers and values of a protocol buffer message that uses varints, bytes and 32-bit floats."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            whole, at = _varint(message, at)
            yield number, whole
        elif kind == 2:
            length, at = _varint(message, at)
            yield number, message[at : at + length]
            at += length
        elif kind == 5:
            yield number, struct.unpack_from("<f", message, at)[0]
            at += 4
        else:
            raise ValueError(f"wire type {kind} is not expected in face geometry metadata")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def transform(points: Array, side: float, face: Canonical) -> Array:
    """4×4 matrix from the canonical face to camera space (x right, y up, z towards the camera; cm).

    ``points`` are mesh points (N×3) in px of a square crop of ``side`` px.
    """
    screen = points[: len(face.points)] / side
    width = 2 * _HALF_VIEW
    flat = np.stack([screen[:, 0] - 0.5, 0.5 - screen[:, 1], screen[:, 2]], axis=1) * width
    middle = float(flat[:, 2].mean())
    # The scale is estimated twice: first without perspective, then with the perspective that scale implies.
    first = _procrustes(face, flat * (1, 1, -1))[1]
    second = _procrustes(face, _unprojected(flat, middle, first))[1]
    rotation, scale, shift = _procrustes(face, _unprojected(flat, middle, first * second))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = scale * rotation, shift
    return matrix


def _unprojected(flat: Array, middle: float, scale: float) -> Array:
    depth = (flat[:, 2:] - middle + 1.0) / scale
    return np.concatenate([flat[:, :2] * depth, -depth], axis=1)


def _procrustes(face: Canonical, target: Array) -> tuple[Array, float, Array]:
    """Rotation, scale and shift that best map the canonical face to ``target``, weighted."""
    share = (face.weights / face.weights.sum())[:, None]
    centre, centre_target = (share * face.points).sum(axis=0), (share * target).sum(axis=0)
    source = face.points - centre
    u, _, vt = np.linalg.svd((share * (target - centre_target)).T @ source)
    if np.linalg.det(u) * np.linalg.det(vt) < 0:
        u[:, 2] *= -1
    rotation = u @ vt
    scale = float((share * (source @ rotation.T) * (target - centre_target)).sum() / (share * source**2).sum())
    return rotation, scale, centre_target - scale * rotation @ centre
