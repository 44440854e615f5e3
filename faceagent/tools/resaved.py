"""Scores of a face crop as it is after its picture was saved again: by a messenger, a website, a screenshot.

A verdict must survive that, because nothing about the face has changed. The mean over the crop and its copies is
steadier than the score of the crop alone, and their range says how far the score depends on how the picture was saved.
Knows no question and no calibration.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

JPEG, WEBP = 70, 60
"""Qualities that messengers and websites commonly use."""
SMALLER, SHOWN = 0.5, 0.72
"""Sizes over the crop's: of a thumbnail, and on a screen."""


class Resaved(NamedTuple):
    """The scores of one crop: their mean, least and largest; all equal where no copy was scored."""

    mean: float
    low: float
    high: float


def scores_resaved(
    score: Callable[[Sequence[Pixels]], Reals], crops: Sequence[Pixels], first: Reals, *, least: float
) -> list[Resaved]:
    """The scores of every crop with those of its copies.

    Args:
        score: N scores of N crops.
        crops: size×size×3 uint8 RGB.
        first: the score of every crop as it is.
        least: a crop below this score is not scored again: no copy of it would change an answer.
    """
    again = [row for row, value in enumerate(first) if value >= least]
    copies = [copy(crops[row]) for row in again for copy in COPIES.values()]
    found = np.asarray(score(copies), np.float64).reshape(len(again), len(COPIES)) if copies else np.zeros((0, 0))
    every = {row: np.array([first[row], *scores]) for row, scores in zip(again, found, strict=True)}
    return [
        Resaved(*(float(one) for one in (values.mean(), values.min(), values.max())))
        for values in (every.get(row, first[row : row + 1]) for row in range(len(crops)))
    ]


def _compressed(suffix: str, quality: int) -> Callable[[Pixels], Pixels]:
    flag = cv2.IMWRITE_JPEG_QUALITY if suffix == ".jpg" else cv2.IMWRITE_WEBP_QUALITY

    def copy(crop: Pixels) -> Pixels:
        # OpenCV reads and writes blue, green, red.
        _, coded = cv2.imencode(suffix, np.ascontiguousarray(crop[..., ::-1]), [flag, quality])
        return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])

    return copy


def _half(crop: Pixels) -> Pixels:
    return _resized(_resized(crop, round(SMALLER * len(crop)), cv2.INTER_AREA), len(crop), cv2.INTER_CUBIC)


def _screenshot(crop: Pixels) -> Pixels:
    """Scaled to the screen, sharpened a little by the viewer, less contrast."""
    shown = _resized(crop, round(SHOWN * len(crop)), cv2.INTER_LINEAR).astype(np.float32)
    crisp = shown + 0.3 * (shown - cv2.GaussianBlur(shown, (0, 0), 1.0))
    dull = np.clip(crisp * 0.95 + 6, 0, 255).round().astype(np.uint8)
    return _resized(dull, len(crop), cv2.INTER_CUBIC)


def _resized(crop: Pixels, side: int, method: int) -> Pixels:
    return np.asarray(cv2.resize(crop, (side, side), interpolation=method), np.uint8)


COPIES: Mapping[str, Callable[[Pixels], Pixels]] = {
    "JPEG": _compressed(".jpg", JPEG),
    "WebP": _compressed(".webp", WEBP),
    "half size": _half,
    "screenshot": _screenshot,
}
"""How a picture is commonly saved again; each takes and gives size×size×3 uint8 RGB."""
