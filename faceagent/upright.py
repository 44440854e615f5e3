"""The part of a picture in which one face stands upright: its pixels, and points moved into it and back.

Whole quarter turns are undone exactly, pixel by pixel, so that a picture and its turned copy give the same numbers.
Knows no detector and no network; ``faces`` decides what the part is.

Points lie at pixel centres (the first pixel's is 0); boxes lie at pixel edges (the first pixel spans 0 to 1).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceagent.types import Face, FaceFrame

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]
Box = tuple[float, float, float, float]


def cut_out(pixels: Pixels, frame: FaceFrame) -> Pixels:
    """The part of an H×W×3 picture that ``frame`` names, turned back by its whole quarters; not by its degrees."""
    x0, y0, x1, y1 = frame.content
    return np.ascontiguousarray(np.rot90(pixels[y0:y1, x0:x1], frame.quarters))


def matrix_into(frame: FaceFrame) -> Reals:
    """2×3: maps points of the picture to points of ``cut_out``."""
    x0, y0, x1, y1 = frame.content
    width, height = x1 - x0, y1 - y0
    turned = {
        0: ((1, 0, 0), (0, 1, 0)),
        1: ((0, 1, 0), (-1, 0, width - 1)),
        2: ((-1, 0, width - 1), (0, -1, height - 1)),
        3: ((0, -1, height - 1), (1, 0, 0)),
    }[frame.quarters]
    matrix = np.array(turned, dtype=np.float64)
    matrix[:, 2] -= matrix[:, :2] @ (x0, y0)
    return matrix


def points_into(frame: FaceFrame, points: ArrayLike) -> Reals:
    """N×2 points of the picture as points of ``cut_out``, px, rounded to six decimals as ``types`` does."""
    matrix = matrix_into(frame)
    moved: Reals = np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved.round(6)


def points_out(frame: FaceFrame, points: ArrayLike) -> Reals:
    """N×2 points of ``cut_out`` as points of the picture, px."""
    matrix = matrix_into(frame)
    # The turn is a rotation, so its inverse is its transpose: no rounding error comes in.
    moved: Reals = (np.asarray(points, dtype=np.float64) - matrix[:, 2]) @ matrix[:, :2]
    return moved


def box_out(frame: FaceFrame, box: Box) -> Box:
    """A box of ``cut_out`` (x0, y0, x1, y1, px) as a box of the picture."""
    corners = points_out(frame, np.array(box).reshape(2, 2) - 0.5) + 0.5
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return x0, y0, x1, y1


def box_into(frame: FaceFrame, box: Box) -> Box:
    """A box of the picture (x0, y0, x1, y1, px) as a box of ``cut_out``."""
    corners = points_into(frame, np.array(box).reshape(2, 2) - 0.5) + 0.5
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return x0, y0, x1, y1


def frame_of(face: Face, width: int, height: int) -> FaceFrame:
    """The face's frame; for a face without one the whole picture of ``width``×``height`` px, as it is."""
    return face.frame or FaceFrame(content=(0, 0, width, height), box=face.box)


def face_upright(pixels: Pixels, face: Face) -> tuple[Pixels, Face]:
    """What ``cut_out`` gives, and the face in its coordinates; both as they are for a face without a frame.

    The face's ``frame`` is then the whole of these pixels and keeps the degrees that are left.
    """
    if face.frame is None:
        return pixels, face
    frame = face.frame
    part = cut_out(pixels, frame)
    pose = face.pose
    if pose is not None and frame.quarters:
        pose = pose.model_copy(update={"roll": 180.0 - (180.0 - pose.roll + 90.0 * frame.quarters) % 360.0})
    moved = face.model_copy(
        update={
            "box": frame.box,
            "points5": _pairs(points_into(frame, face.points5)),
            "landmarks": _pairs(points_into(frame, face.landmarks)) if face.landmarks else (),
            "pose": pose,
            "frame": FaceFrame(content=(0, 0, part.shape[1], part.shape[0]), degrees=frame.degrees, box=frame.box),
        }
    )
    return part, moved


def _pairs(points: Reals) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in points.tolist())
