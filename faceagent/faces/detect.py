"""Finding faces: YuNet boxes and five points, on pictures of any size and for faces of any size.

What is known about YuNet, measured on training sets, and what follows from that:

* In an enlarged tight crop the face becomes larger than its anchors and is lost, so a picture is enlarged only below
  160 px, and then always with a black border.
* A face of 24 px scores above .6 in two of five cases, but nearly always gives a weak candidate. So small weak
  candidates are tested again, enlarged, and kept only with a high score there.
* Pictures beyond 800 px are processed twice: as a whole at 640 px, and tile by tile at full size. A very
  large one is searched at less than full size, see ``tiles``.
* A face of which another one leaves less than half in view scores below .6. Of two heads, the one behind scores .3 or
  more in 16 of 24 pictures where .44 of its width is seen. In 262 portraits no other weak one overlaps a sure one.
* A face on its side or upside down is found, but its five points are wrong. ``redetect`` corrects that, and rejects
  texture that scored as a face at one scale.

It knows no landmarks beyond the five points, and nothing of who or what the face is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels, apply, invert, square_matrix, warp
from faceagent.faces.tiles import Allowance, Tile, tiles_at
from faceagent.faces.yunet import (
    SAME,
    DetectionScale,
    Network,
    Rows,
    detect_at_scale,
    network,
    run,
    shrink,
    to_bgr,
    to_picture,
)
from faceagent.settings import Settings

SURE = 0.6
"""Score from which a face is reported without further tests."""
WEAK = 0.3
"""Score from which the best detection of a picture without sure faces is returned, to be confirmed by landmarks."""
CANDIDATE = 0.08
"""Score from which a small candidate is tested again, enlarged."""
CONVINCING = 0.7
"""Score an enlarged candidate needs: enlarged texture looks more like a face than texture as it is."""
BESIDE = 0.1
"""Intersection over union with a sure face from which a weak detection is part of a face that it covers."""
NARROW = 0.62
"""Width over height below which a doubtful detection beside a clear one is what the border of a tile cuts: of a face
that another one covers the network gives the whole width."""
TOGETHER = 0.25
"""Mean distance of five points, over a box's width, up to which two boxes are of one face: what the border of a tile
cuts of a face has its points where the whole one has them."""
BORDER = 0.25
"""Black border of the one look at a turned picture, per side, as a share of its long side."""
CANDIDATES = 48
"""Candidates tested again per scale, strongest first: a bound on the time that a noisy picture can take. Twice as many
in a picture that is not searched at full size, where more of its small faces are weak."""
WHOLE = 640
"""px, long side at which the whole picture is processed."""


@dataclass(frozen=True)
class Detection:
    """One box (x0, y0, x1, y1 in px), its five points in the order of ``Face.points5``, and its score 0-1.

    ``covers``: part of another face is seen beside it, too little to be found.
    """

    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    score: float
    covers: bool = False

    @property
    def side(self) -> float:
        """px, the longer side."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


_RETRIES = (DetectionScale(320, 0.25), DetectionScale(320, 0.5), DetectionScale(640, 0.5), DetectionScale(320))


def detect(pixels: Pixels, settings: Settings, allowance: Allowance | None = None) -> list[Detection]:
    """Faces of an RGB picture, strongest first.

    All faces that score ``SURE`` or more; where there is none, the best one from ``WEAK`` on, or nothing.
    ``allowance`` is what several searches of one picture share. Raises ModelUnavailable when the weights are
    unavailable.
    """
    bgr = to_bgr(pixels)
    with network(settings) as net:
        rows = _detect_rows(net, bgr, settings.min_face, Allowance() if allowance is None else allowance)
        if not _best(rows) >= SURE:
            # Reduced once for all, because averaging a large picture takes longer than the network.
            small, by = _at_most(bgr, 2 * WHOLE)
            for retry in _RETRIES:
                again = to_picture(detect_at_scale(net, small, retry), by, 0, 0)
                if _best(again) > _best(rows):
                    rows = again
    kept = _distinct(rows)
    sure, weak = ([row for row in kept if (row[14] >= SURE) == side] for side in (True, False))
    if not sure:
        return [_detection(row) for row in weak[:1] if row[14] >= WEAK]
    behind = [row for row in weak if row[2] >= NARROW * row[3]]
    return [_detection(row, any(_overlap(row, other)[0] >= BESIDE for other in behind)) for row in sure]


def reduced(pixels: Pixels) -> Pixels:
    """An RGB picture at the size in which ``best_score`` looks at it, so that only a small one need be turned."""
    long = max(pixels.shape[:2])
    return shrink(pixels, min(long, WHOLE) / (long + 2 * round(BORDER * long)))


def _at_most(bgr: Pixels, long: int) -> tuple[Pixels, float]:
    """A picture of more than twice ``long`` px reduced to that, any other as it is; and the scale."""
    scale = long / max(bgr.shape[:2])
    return (bgr, 1.0) if scale > 0.5 else (shrink(bgr, scale), scale)


def best_score(small: Pixels, settings: Settings) -> float:
    """The strongest score of one look at a ``reduced`` RGB picture; 0 where there is nothing."""
    long = max(small.shape[:2])
    with network(settings) as net:
        return _best(detect_at_scale(net, to_bgr(small), DetectionScale(long + 2 * round(BORDER * long), BORDER)))


def eye_line_angle(detection: Detection) -> float:
    """Degrees by which the eye line is turned clockwise; 0 when the eyes are too close together to measure it."""
    (ax, ay), (bx, by) = detection.points[:2]
    if math.hypot(bx - ax, by - ay) < 0.25 * (detection.box[2] - detection.box[0]):
        return 0.0
    return math.degrees(math.atan2(by - ay, bx - ax))


def redetect(pixels: Pixels, detection: Detection, settings: Settings) -> Detection | None:
    """The face detected again at 128 px, in its estimated upright orientation and in the three others.

    For detections whose landmarks are missing or doubtful. None when it scores below ``SURE`` in all orientations.
    """
    best: Detection | None = None
    with network(settings) as net:
        for quarter in range(4):
            seen = _detect_turned(net, pixels, detection, eye_line_angle(detection) + 90 * quarter)
            # Another orientation must win clearly: a face on its side scores only a little less than upright.
            if seen is not None and (best is None or seen.score > best.score + 0.03):
                best = seen
        if best is not None:
            straightened = _detect_turned(net, pixels, best, eye_line_angle(best))
            best = best if straightened is None else max(best, straightened, key=lambda seen: seen.score)
    return best if best is not None and best.score >= SURE else None


def upright_box(
    pixels: Pixels, detection: Detection, turned: float, settings: Settings
) -> tuple[float, float, float, float] | None:
    """The box as it would be were the picture turned back by ``turned`` degrees about the box's centre, or None.

    It is looked for in the picture turned back, because the box around a turned head is larger than the head's own.
    """
    with network(settings) as net:
        seen = _turned_row(net, pixels, detection, turned)
    if seen is None or seen[0][14] < SURE:
        return None
    row, matrix = seen
    x, y = apply(invert(matrix), [row[:2] + row[2:4] / 2])[0].tolist()
    half_width, half_height = (float(value) * detection.side / 256 for value in row[2:4])
    return x - half_width, y - half_height, x + half_width, y + half_height


def _turned_row(
    net: Network, pixels: Pixels, detection: Detection, turned: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]] | None:
    """The detection's row in a crop of 320 px that is turned back by ``turned`` degrees, and the crop's matrix."""
    matrix = square_matrix(detection.box, 2.5, 320, turned)
    rows = run(net, to_bgr(warp(pixels, matrix, 320)))
    off = np.hypot(*(rows[:, :2] + rows[:, 2:4] / 2 - 160.0).T)
    sides = rows[:, 2:4].max(axis=1)
    rows = rows[(off < 64) & (sides > 80) & (sides < 200)]
    return (rows[np.argmax(rows[:, 14])], matrix) if len(rows) else None


def _detect_turned(net: Network, pixels: Pixels, detection: Detection, turned: float) -> Detection | None:
    """The detection as it looks when the picture is turned back by ``turned`` degrees; None when it is not there."""
    seen = _turned_row(net, pixels, detection, turned)
    if seen is None:
        return None
    row, matrix = seen
    back = invert(matrix)
    (x, y), angle = apply(back, [row[:2] + row[2:4] / 2])[0], math.radians(turned)
    # A head is an ellipse: this is the upright box around one that is turned.
    half_width = math.hypot(row[2] * math.cos(angle), row[3] * math.sin(angle)) * detection.side / 256
    half_height = math.hypot(row[2] * math.sin(angle), row[3] * math.cos(angle)) * detection.side / 256
    return Detection(
        box=(float(x) - half_width, float(y) - half_height, float(x) + half_width, float(y) + half_height),
        points=tuple((float(px), float(py)) for px, py in apply(back, row[4:14].reshape(5, 2))),
        score=min(1.0, float(row[14])),
    )


def _best(rows: Rows) -> float:
    return float(rows[:, 14].max()) if len(rows) else 0.0


def _detect_rows(net: Network, bgr: Pixels, min_face: float, allowance: Allowance) -> Rows:
    long = max(bgr.shape[:2])
    if long < 160:
        return detect_at_scale(net, bgr, DetectionScale(320, 0.25))
    whole = detect_at_scale(net, bgr, DetectionScale(min(long, WHOLE)))
    found = [_confirm_candidates(net, bgr, whole, min(1.0, WHOLE / long), min_face)]
    sure = found[0][found[0][:, 14] >= SURE]
    steps = allowance.take(bgr.shape[0], bgr.shape[1], WHOLE)
    most = CANDIDATES if max(steps, default=1.0) == 1 else 2 * CANDIDATES
    for scale in steps:
        rows = [_tile_rows(net, tile) for tile in tiles_at(bgr, scale, sure)]
        if rows:
            found.append(_confirm_candidates(net, bgr, np.concatenate(rows), scale, min_face, most))
    return np.concatenate(found)


def _tile_rows(net: Network, tile: Tile) -> Rows:
    rows = run(net, np.ascontiguousarray(tile.pixels))
    # Beyond 480 px YuNet finds parts of faces; the pass over the whole picture finds the faces themselves.
    rows = rows[rows[:, 2:4].max(axis=1) <= 480] if len(rows) else rows
    return to_picture(rows, tile.scale, tile.x / tile.scale, tile.y / tile.scale)


def _confirm_candidates(
    net: Network, bgr: Pixels, rows: Rows, scale: float, min_face: float, most: int = CANDIDATES
) -> Rows:
    """Rows with a sufficient score, and small weak ones that have a high score when enlarged."""
    sides = rows[:, 2:4].min(axis=1)
    again = (rows[:, 14] >= CANDIDATE) & (rows[:, 14] < SURE) & (sides * scale < 64) & (sides >= 0.8 * min_face)
    strongest = sorted(np.flatnonzero(again), key=lambda index: -rows[index, 14])[:most]
    enlarged = [_enlarged(net, bgr, rows[index]) for index in strongest]
    return np.concatenate([rows[rows[:, 14] >= WEAK], *enlarged])


def _enlarged(net: Network, bgr: Pixels, row: NDArray[np.float32]) -> Rows:
    """The candidate detected with its box at 96 px in a crop of 256 px: one row if its score suffices, else none."""
    centre = row[:2] + row[2:4] / 2
    scale = 96.0 / float(max(row[2], row[3]))
    corner = centre - 128.0 / scale
    matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]], np.float64)
    seen = run(net, np.asarray(cv2.warpAffine(bgr, matrix, (256, 256), flags=cv2.INTER_CUBIC), np.uint8))
    off = np.hypot(*(seen[:, :2] + seen[:, 2:4] / 2 - 128.0).T)
    seen = seen[(off < 48) & (seen[:, 14] >= CONVINCING)]
    return to_picture(seen[np.argsort(-seen[:, 14])[:1]], scale, float(corner[0]), float(corner[1]))


def _distinct(rows: Rows) -> list[NDArray[np.float32]]:
    """One row per face, strongest first, without those that overlap a stronger one or lie in a larger one."""
    kept: list[NDArray[np.float32]] = []
    for row in sorted(rows, key=lambda row: (-row[14], *row[:4])):
        if not any(_is_same(row, other) for other in kept):
            kept.append(row)
    return [row for row in kept if not any(_nested(row, other) for other in kept)]


def _overlap(a: Sequence[float] | Rows, b: Sequence[float] | Rows) -> tuple[float, float]:
    """Intersection over union, and intersection over the area of ``a``."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(0.0, float(width)) * max(0.0, float(height))
    area = float(a[2] * a[3])
    return common / (area + float(b[2] * b[3]) - common), common / area


def _is_same(row: Rows, other: Rows) -> bool:
    """Whether ``row`` is of the face of ``other``, which is stronger."""
    apart = np.hypot(*(row[4:14] - other[4:14]).reshape(5, 2).T).mean()
    return bool(apart < TOGETHER * other[2] or _overlap(row, other)[0] >= SAME)


def _nested(row: Rows, other: Rows) -> bool:
    """Whether ``row`` is part of the larger face ``other``, which is about as sure."""
    larger = float(other[2] * other[3]) > float(row[2] * row[3])
    return larger and other[14] >= row[14] - 0.2 and _overlap(row, other)[1] > 0.7


def _detection(row: NDArray[np.float32], covers: bool = False) -> Detection:
    x, y, width, height = (float(value) for value in row[:4])
    points = tuple((float(row[k]), float(row[k + 1])) for k in range(4, 14, 2))
    box = (x, y, x + width, y + height)
    return Detection(box=box, points=points, score=min(1.0, float(row[14])), covers=covers)
