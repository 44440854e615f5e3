"""One located face of a picture of a training set, and the face crop that the makers work on."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.held_out import is_held_out
from evals.data.synthesis.degradation import compress
from evals.data.synthesis.records import Portrait
from evals.data.training_sets import TRAINING_SETS
from faceagent.encoder.crop import face_crop

COARSEST_JPEG = 75
"""Quality that fairface_train_4k was stored at; every finer set is first compressed to it."""
FACE_PX = (120.0, 220.0)
"""Face sizes (px) that the finer sets are shrunk to, as forgery 1.0.0 was trained. Measured afterwards, FairFace's own
are 191 to 242 (5th to 95th percentile): the others became smaller than it, to be corrected in the next training."""
COARSE = (0.35, 1.0)
"""Range of the resolution left, over the crop's size: near that of sfhq_t2i_tiles, whose faces are the smallest."""


@dataclass(frozen=True)
class LocatedFace:
    """One face of one picture.

    Attributes:
        origin: Name of the training set.
        path: The picture file.
        source: Group key of the data split: set and person, or set and file.
        box: x0, y0, x1, y1 in px.
        points: 478 mesh points (x, y) in px.
    """

    origin: str
    path: str
    source: str
    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]

    @property
    def held_out(self) -> bool:
        """Whether its source belongs to validation, see ``is_held_out``."""
        return is_held_out(self.source)

    def shape(self) -> NDArray[np.float64]:
        """478×2 mesh points, centred and of unit norm: similar shapes have similar poses and expressions."""
        points = np.asarray(self.points) - np.mean(self.points, axis=0)
        return np.asarray(points / np.linalg.norm(points), dtype=np.float64)

    def shape_distance(self, other: "LocatedFace") -> float:
        """Euclidean distance of the two shapes."""
        return float(np.linalg.norm(self.shape() - other.shape()))


def read_pixels(face: LocatedFace) -> NDArray[np.uint8]:
    """The pixels of the picture, H×W×3 uint8 RGB."""
    return np.ascontiguousarray(np.asarray(cv2.imread(face.path, cv2.IMREAD_COLOR), dtype=np.uint8)[:, :, ::-1])


def portrait(face: LocatedFace, size: int, margin: float, rng: np.random.Generator | None = None) -> Portrait:
    """The face crop that makers work on, ``size`` px wide, ``margin`` times the face box.

    With ``rng`` the box is jittered as detectors are, half of the pictures are first cut tightly around the face, and
    the crop keeps at most the detail of the most coarsely sampled set, after the compression of the most coarsely
    compressed one: sets differ in framing, size and quality, and a detector must not tell them apart by these.
    """
    pixels, box, points = read_pixels(face), np.asarray(face.box), np.asarray(face.points)
    if rng is not None and not TRAINING_SETS[face.origin].coarse:
        # Compressed at a smaller size, so that the codec's grid is coarse against the face.
        pixels, zoom = _as_small_as(pixels, box, float(rng.uniform(*FACE_PX)))
        pixels = compress(pixels, ".jpg", COARSEST_JPEG)
        box, points = box * zoom, points * zoom
    detail = size
    if rng is not None:
        side = max(box[2] - box[0], box[3] - box[1])
        box = box + rng.normal(0, 0.02, 4) * side
        detail = min(size, round(float(rng.uniform(*COARSE)) * size))
        if rng.random() < 0.5:
            height, width = pixels.shape[:2]
            left, top, right, bottom = rng.uniform(0, 0.25, 4) * side
            x0, y0 = max(0, int(box[0] - left)), max(0, int(box[1] - top))
            pixels = pixels[y0 : min(height, int(box[3] + bottom)), x0 : min(width, int(box[2] + right))]
            box, points = box - [x0, y0, x0, y0], points - [x0, y0]
    crop = face_crop(pixels, (box[0], box[1], box[2], box[3]), size=detail, scale=margin)
    placed, square = crop.place(points) * (size / detail), crop.pixels
    if detail < size:
        square = cv2.resize(square, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    return Portrait(square, placed, face.source, face.origin, TRAINING_SETS[face.origin].synthetic)


def _as_small_as(pixels: NDArray[np.uint8], box: NDArray[np.float64], side: float) -> tuple[NDArray[np.uint8], float]:
    """The picture shrunk until its face box is ``side`` px long, and by how much; never enlarged."""
    zoom = side / max(box[2] - box[0], box[3] - box[1])
    if zoom >= 1:
        return pixels, 1.0
    small = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8), zoom
