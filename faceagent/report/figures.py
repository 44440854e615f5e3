"""The pictures of a report: crops of faces, reduced copies, and the region that a heat map points to."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceagent.explain.heat import HOT
from faceagent.explain.summary.sentences import sentences_in
from faceagent.types import Evidence, Face, Region

QUALITY = 86


def crop(pixels: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """A square around the face with a quarter of its side as margin, cut at the picture's edge."""
    x0, y0, x1, y1 = face.box
    half = 0.75 * max(x1 - x0, y1 - y0)
    height, width = pixels.shape[:2]
    left, right = (int(np.clip((x0 + x1) / 2 + sign * half, 0, width)) for sign in (-1, 1))
    top, bottom = (int(np.clip((y0 + y1) / 2 + sign * half, 0, height)) for sign in (-1, 1))
    left, top = min(left, width - 1), min(top, height - 1)
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def jpeg(pixels: NDArray[np.uint8], side: int) -> bytes:
    """A JPEG file whose longer side has at most ``side`` px."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def region_words(region: Region, language: str) -> str:
    """Where a region lies in the face, in words of a language: "around the mouth"."""
    return sentences_in(language).find("where", region) or region.replace("_", " ")


def hot_region(item: Evidence, evidence: Sequence[Evidence]) -> tuple[Region | None, float | None]:
    """The region that the same tool scored highest, with its score, where that is high enough to be marked."""
    regional = {one.region: one.score.value for one in evidence if one.tool == item.tool and one.region and one.score}
    top = max(regional, key=lambda region: regional[region], default=None)
    return (top, regional[top]) if top is not None and regional[top] >= HOT else (None, None)
