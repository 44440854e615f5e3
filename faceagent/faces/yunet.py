"""The YuNet network on one part of a picture: boxes, five points and scores as rows, in picture coordinates.

Model: YuNet 2023mar (Wu et al. 2023, "YuNet: a tiny millisecond-level face detector", MIT), run by OpenCV. It detects
faces of 48-400 px best. This module runs the network once; ``detect`` decides on which parts and at which scales.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels
from faceagent.faces.object_pool import ObjectPool
from faceagent.settings import Settings
from faceagent.weights import locate

FLOOR = 0.05
"""Score below which the network returns no row."""
SAME = 0.4
"""Intersection over union from which two rows are of one face: two heads before each other reach .38."""

Rows = NDArray[np.float32]
"""N×15: x, y, width, height, five points (in the order of ``Face.points5``), score."""
Network = cv2.FaceDetectorYN

_NO_CONFIG = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class DetectionScale:
    """Input scale: px of the long side after resizing, and the black border per side as a share of that side."""

    long: int
    border: float = 0.0


@contextmanager
def network(settings: Settings) -> Iterator[Network]:
    """A network for exclusive use until the block ends. Raises ModelUnavailable when the weights are unavailable."""
    with _networks(settings.loading).borrow() as net:
        yield net


@lru_cache(maxsize=8)
def _networks(loading: str) -> ObjectPool[Network]:
    # The bytes are kept, so that what has been loaded works on when the cache is deleted.
    model = np.fromfile(locate("yunet", Settings.model_validate_json(loading)), np.uint8)
    return ObjectPool(lambda: _open(model))


def _open(model: NDArray[np.uint8]) -> Network:
    # OpenCV warns on every open that its new engine does not support setting a target, which is not needed. The log
    # level too is one per process: restoring it could let the warning through in another thread.
    if cv2.utils.logging.getLogLevel() > cv2.utils.logging.LOG_LEVEL_ERROR:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.FaceDetectorYN.create("onnx", model, _NO_CONFIG, (320, 320), FLOOR, SAME, 5000)


def run(net: Network, bgr: Pixels) -> Rows:
    """Rows of a BGR picture as it is."""
    net.setInputSize((bgr.shape[1], bgr.shape[0]))
    return infer(net, bgr)


def to_bgr(pixels: Pixels) -> Pixels:
    """An RGB picture (H×W×3) as the network wants it; a copy."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)


def infer(net: Network, bgr: Pixels) -> Rows:
    """Only the network's forward pass, so that benchmarks can time it."""
    rows = net.detect(bgr)[1]
    return np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)


def to_picture(rows: Rows, scale: float, x: float, y: float) -> Rows:
    """Rows in picture coordinates, from rows of a part that begins at (x, y) px and was then scaled."""
    result = rows.copy()
    result[:, :14] /= scale
    result[:, [0, 4, 6, 8, 10, 12]] += x
    result[:, [1, 5, 7, 9, 11, 13]] += y
    return result


def shrink(pixels: Pixels, scale: float) -> Pixels:
    """The picture (H×W or H×W×3) resized by ``scale`` < 1 with area averaging; each side at least one pixel."""
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Means of 2×2 px are several times as fast as other areas, which a picture of 64 megapixels needs.
    while scale <= 0.25 and min(pixels.shape[:2]) > 1:
        height, width = (side // 2 for side in pixels.shape[:2])
        even = pixels[: 2 * height, : 2 * width]
        pixels = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        scale *= 2
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def detect_at_scale(net: Network, bgr: Pixels, how: DetectionScale) -> Rows:
    """Rows of the whole BGR picture at the given input scale."""
    height, width = bgr.shape[:2]
    pad = round(how.border * max(width, height))
    scale = how.long / (max(width, height) + 2 * pad)
    if scale < 1:  # shrinking before the border is added saves copying a large picture
        small = shrink(bgr, scale)
        edge = round(pad * scale)
        canvas = cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_CONSTANT) if edge else small
        return to_picture(run(net, np.asarray(canvas, np.uint8)), scale, -edge / scale, -edge / scale)
    canvas = cv2.copyMakeBorder(bgr, pad, pad, pad, pad, cv2.BORDER_CONSTANT) if pad else bgr
    if scale > 1:
        canvas = cv2.resize(canvas, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return to_picture(run(net, np.asarray(canvas, np.uint8)), scale, -pad, -pad)
