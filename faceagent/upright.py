"""The part of a picture in which one face stands upright: its pixels, and points moved into it and back.

Whole quarter turns are undone exactly, pixel by pixel, so that a picture and its turned copy give the same numbers. A
photograph that lies turned on a canvas is resampled first. Knows no detector and no network; ``faces`` decides what
the part is.

Points lie at pixel centres (the first pixel's is 0); boxes lie at pixel edges (the first pixel spans 0 to 1).
"""

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceagent.types import Face, FaceFrame, TurnedPhotograph

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]
Box = tuple[float, float, float, float]

TURNING_BACK = cv2.INTER_LANCZOS4
"""How a turned photograph is sampled: turning it has taken sharpness already, which bicubic samples would double."""


def cut_out(pixels: Pixels, frame: FaceFrame) -> Pixels:
    """The part of an H×W×3 picture that ``frame`` names, as if it had never been turned; not turned by its degrees."""
    x0, y0, x1, y1 = frame.content
    part, photograph = pixels[y0:y1, x0:x1], frame.photograph
    if photograph is not None:
        size = photograph.width, photograph.height
        matrix, border = _turn_back(photograph), cv2.BORDER_REPLICATE
        part = np.asarray(cv2.warpAffine(part, matrix, size, flags=TURNING_BACK, borderMode=border), np.uint8)
    return np.ascontiguousarray(np.rot90(part, frame.quarters))


def _turn_back(photograph: TurnedPhotograph) -> Reals:
    """2×3: maps points of the content to points of the photograph."""
    angle = math.radians(photograph.degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    middle = (photograph.width - 1) / 2, (photograph.height - 1) / 2
    return np.column_stack([turn, middle - turn @ photograph.centre])


def matrix_into(frame: FaceFrame) -> Reals:
    """2×3: maps points of the picture to points of ``cut_out``; a rotation and a shift."""
    x0, y0, x1, y1 = frame.content
    width, height = x1 - x0, y1 - y0
    first = np.array([[1.0, 0, -x0], [0, 1, -y0]])
    if frame.photograph is not None:
        width, height = frame.photograph.width, frame.photograph.height
        back = _turn_back(frame.photograph)
        first = np.column_stack([back[:, :2], back[:, :2] @ first[:, 2] + back[:, 2]])
    turned = {
        0: ((1, 0, 0), (0, 1, 0)),
        1: ((0, 1, 0), (-1, 0, width - 1)),
        2: ((-1, 0, width - 1), (0, -1, height - 1)),
        3: ((0, -1, height - 1), (1, 0, 0)),
    }[frame.quarters]
    matrix = np.array(turned, dtype=np.float64)
    return np.column_stack([matrix[:, :2] @ first[:, :2], matrix[:, :2] @ first[:, 2] + matrix[:, 2]])


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
    """A box of ``cut_out`` (x0, y0, x1, y1, px) as a box of the picture; see ``_moved_box``."""
    return _moved_box(box, matrix_into(frame)[:, :2], points_out(frame, [_middle(box)])[0])


def box_into(frame: FaceFrame, box: Box) -> Box:
    """A box of the picture (x0, y0, x1, y1, px) as a box of ``cut_out``; see ``_moved_box``."""
    return _moved_box(box, matrix_into(frame)[:, :2], points_into(frame, [_middle(box)])[0])


def _moved_box(box: Box, turn: Reals, middle: Reals) -> Box:
    """The upright box around an ellipse that fills ``box``, turned: a head is one. Exact for quarter turns."""
    width, height = box[2] - box[0], box[3] - box[1]
    half_width = math.hypot(width * turn[0, 0], height * turn[0, 1]) / 2
    half_height = math.hypot(width * turn[1, 0], height * turn[1, 1]) / 2
    x, y = (middle + 0.5).tolist()
    return x - half_width, y - half_height, x + half_width, y + half_height


def _middle(box: Box) -> tuple[float, float]:
    """At pixel centres."""
    return (box[0] + box[2]) / 2 - 0.5, (box[1] + box[3]) / 2 - 0.5


def turn_of(frame: FaceFrame) -> float:
    """Degrees, clockwise, that ``cut_out`` undoes."""
    return 90.0 * frame.quarters + (frame.photograph.degrees if frame.photograph else 0.0)


def size_of(frame: FaceFrame) -> tuple[int, int]:
    """Width and height of ``cut_out``, px."""
    x0, y0, x1, y1 = frame.content
    width, height = (frame.photograph.width, frame.photograph.height) if frame.photograph else (x1 - x0, y1 - y0)
    return (width, height) if frame.quarters % 2 == 0 else (height, width)


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
    turned = turn_of(frame)
    if pose is not None and turned:
        pose = pose.model_copy(update={"roll": 180.0 - (180.0 - pose.roll + turned) % 360.0})
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
