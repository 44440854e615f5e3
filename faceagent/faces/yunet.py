"""The YuNet network on one piece of a picture: boxes, five points and scores as rows, in picture coordinates.

Model: YuNet 2023mar (Wu et al. 2023, "YuNet: a tiny millisecond-level face detector", MIT), run by OpenCV. It sees
faces of 48-400 px best. This module knows how to look once; where and how often to look is for ``detect``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels
from faceagent.faces.lease import Lease
from faceagent.settings import Settings
from faceagent.weights import locate

FLOOR = 0.05
"""Score below which nothing is reported at all."""

Rows = NDArray[np.float32]
"""N×15: x, y, width, height, five points (in the order of ``Face.points5``), score."""
Network = cv2.FaceDetectorYN


@dataclass(frozen=True)
class Look:
    """One way to look at a picture: px of the long side after resizing, and black border per side as a share of it."""

    long: int
    border: float = 0.0


@contextmanager
def network(settings: Settings) -> Iterator[Network]:
    """A network of one's own until the block ends. Raises ModelUnavailable when the weights cannot be had."""
    with _networks(locate("yunet", settings), settings.threads).borrow() as net:
        yield net


@lru_cache(maxsize=8)
def _networks(path: Path, threads: int) -> Lease[Network]:
    return Lease(lambda: _open(path, threads))


def _open(path: Path, threads: int) -> Network:
    # OpenCV has one thread count per process; its own default would fight the pool that handles pictures.
    cv2.setNumThreads(threads)
    # OpenCV warns on every open that its new engine has no choice of target; nobody asked for one. The level is one
    # per process as well: putting it back would let another thread, in the middle of its own open, say it after all.
    if cv2.utils.logging.getLogLevel() > cv2.utils.logging.LOG_LEVEL_ERROR:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.FaceDetectorYN.create(str(path), "", (320, 320), FLOOR, 0.3, 5000)


def run(net: Network, bgr: Pixels) -> Rows:
    """Rows of a BGR picture as it is."""
    net.setInputSize((bgr.shape[1], bgr.shape[0]))
    return infer(net, bgr)


def infer(net: Network, bgr: Pixels) -> Rows:
    """The network's own work and nothing else, so that benchmarks can clock it."""
    rows = net.detect(bgr)[1]
    return np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)


def moved(rows: Rows, scale: float, x: float, y: float) -> Rows:
    """Rows in picture coordinates, from a piece that begins at (x, y) px and was then scaled."""
    result = rows.copy()
    result[:, :14] /= scale
    result[:, [0, 4, 6, 8, 10, 12]] += x
    result[:, [1, 5, 7, 9, 11, 13]] += y
    return result


def shrunk(pixels: Pixels, scale: float) -> Pixels:
    """The picture (H×W or H×W×3) at ``scale`` below 1, averaged; at least one pixel each way, however thin it is."""
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def look(net: Network, bgr: Pixels, way: Look) -> Rows:
    """Rows of the whole BGR picture, looked at in the given way."""
    height, width = bgr.shape[:2]
    pad = round(way.border * max(width, height))
    scale = way.long / (max(width, height) + 2 * pad)
    if scale < 1:  # shrinking before the border is added saves copying a large picture
        small = shrunk(bgr, scale)
        edge = round(pad * scale)
        canvas = cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_CONSTANT) if edge else small
        return moved(run(net, np.asarray(canvas, np.uint8)), scale, -edge / scale, -edge / scale)
    canvas = cv2.copyMakeBorder(bgr, pad, pad, pad, pad, cv2.BORDER_CONSTANT) if pad else bgr
    if scale > 1:
        canvas = cv2.resize(canvas, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return moved(run(net, np.asarray(canvas, np.uint8)), scale, -pad, -pad)
