"""A heat map laid over the face it was measured on, as a picture with its colour scale.

One scale for every map of every report: viridis from 0 to 1, perceptually even and readable without colour vision.
Knows no detector; regions are outlined so that a reader sees what a number in the text stands for.
"""

import io
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from faceagent.encoder.crop import face_crop
from faceagent.encoder.regions import region_masks
from faceagent.types import HeatMap, Point, Region

Pixels = NDArray[np.uint8]

SIDE = 320
"""px of the square; a patch of a 16×16 map is 20 px wide."""
SCALE_WIDTH = 52
FAINT, STRONG = 0.25, 0.65
"""Opacity of the map at 0 and at 1: the face must stay visible where nothing was found."""


def overlay(pixels: Pixels, heat: HeatMap, landmarks: Sequence[Point] = (), marked: Region | None = None) -> Pixels:
    """The square that was looked at, the map over it, region outlines, and the colour scale to the right.

    Args:
        pixels: H×W×3 uint8 RGB, the whole picture.
        heat: values 0-1 over a square of it.
        landmarks: 478 points in picture px, or none: then no outlines.
        marked: the region whose outline is drawn strongest.
    """
    crop = face_crop(pixels, heat.box, size=SIDE)
    values = np.clip(np.asarray(heat.values, dtype=np.float32), 0, 1)
    smooth = np.clip(cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 1).astype(np.float32)
    opacity = (FAINT + (STRONG - FAINT) * smooth)[..., np.newaxis]
    mixed = crop.pixels * (1 - opacity) + colours(smooth) * opacity
    picture = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    if landmarks:
        _outline(picture, crop.place(np.asarray(landmarks, dtype=np.float64)), marked)
    return np.concatenate([picture, _scale()], axis=1)


def overlay_png(pixels: Pixels, heat: HeatMap, landmarks: Sequence[Point] = ()) -> bytes:
    """``overlay`` as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(overlay(pixels, heat, landmarks)).save(buffer, "PNG")
    return buffer.getvalue()


def colours(values: NDArray[np.float32]) -> Pixels:
    """H×W values 0-1 as H×W×3 uint8 RGB."""
    painted = cv2.applyColorMap(np.rint(255 * values).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(painted[:, :, ::-1]).astype(np.uint8)


def _outline(picture: Pixels, points: NDArray[np.float64], marked: Region | None) -> None:
    for region, mask in region_masks(points, SIDE).items():
        if region == "outer_face":
            continue
        lines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        colour, width = ((255, 64, 64), 2) if region == marked else ((255, 255, 255), 1)
        cv2.drawContours(picture, lines, -1, colour, width, lineType=cv2.LINE_AA)


def _scale() -> Pixels:
    """The colour bar with its numbers, as high as the square."""
    strip = Image.new("RGB", (SCALE_WIDTH, SIDE), "white")
    ramp = np.repeat(np.linspace(1, 0, SIDE - 24, dtype=np.float32)[:, np.newaxis], 14, axis=1)
    strip.paste(Image.fromarray(colours(ramp)), (8, 12))
    draw = ImageDraw.Draw(strip)
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = 12 + (1 - value) * (SIDE - 25)
        draw.line((22, y, 25, y), fill="black")
        draw.text((27, y - 6), f"{value:.2f}", fill="black")
    return np.asarray(strip, dtype=np.uint8)
