"""A photograph that was turned as a whole on a canvas of one colour: found by its outline, and read as it was.

``Image.rotate(20, expand=True)`` makes such pictures, so do scanners, and collages with tilted prints. Knows no face.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels
from faceagent.faces.content import ALIKE, LEAST, RINGING, Rectangle, shaped_mask
from faceagent.types import TurnedPhotograph

LIKE_A_RECTANGLE, SHOWN = 0.96, 0.7
"""Least share of its enclosing rectangle that the hull of what is not filled must cover, and that itself: ovals and
cut-out people cover less. Dark parts of a photograph on black are taken for filling; its hull keeps its shape."""
TOUCHING_LIKE, TOUCHING_SHOWN = 0.85, 0.5
"""The same where the corners of the rectangle touch all four sides of the canvas, as they do after a turn that lost
nothing: then a dark corner on black may be missing."""
TOUCH = 0.012
"""Largest distance of a corner from its side of the canvas, over that side; of its tip, little is left."""
LEAST_TURN = 1.0
"""Degrees; a smaller turn costs the pixels more than it is worth."""
SEAM = 1.5
"""px on every side where interpolation mixed the photograph with the filling."""
SPECKS = 5
"""px: what is smaller beside the photograph is the codec's."""


def turned_photograph(pixels: Pixels, canvas: Rectangle | None = None) -> TurnedPhotograph | None:
    """The photograph that lies turned in H×W×3 pixels, by less than 45°, or None.

    ``canvas`` is the picture that the pixels are a part of, in their coordinates: the pixels themselves by default.
    """
    if shaped_mask(pixels) is None:
        return None
    off = np.abs(pixels.astype(np.int16) - pixels[0, 0]).max(axis=2)
    # Beside an edge the codec moves the filling further than a margin's own pixels differ; dark photographs on black
    # do not differ by so much.
    whole = canvas or (0, 0, pixels.shape[1], pixels.shape[0])
    found = (_outlined((off > tolerance).astype(np.uint8), whole) for tolerance in (ALIKE, RINGING))
    return next((one for one in found if one is not None), None)


def _outlined(shown: NDArray[np.uint8], canvas: Rectangle) -> TurnedPhotograph | None:
    """The turned rectangle that the pixels marked 1 fill, if they do."""
    opened = cv2.morphologyEx(shown, cv2.MORPH_OPEN, np.ones((SPECKS, SPECKS), np.uint8))
    outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(outline)
    (x, y), (width, height), angle = cv2.minAreaRect(hull)
    if min(width, height) < LEAST:
        return None
    touching = _touches(np.asarray(cv2.boxPoints(((x, y), (width, height), angle))), canvas)
    like, least = (TOUCHING_LIKE, TOUCHING_SHOWN) if touching else (LIKE_A_RECTANGLE, SHOWN)
    area = width * height
    if cv2.contourArea(hull) < like * area or cv2.contourArea(outline) < least * area:
        return None
    if abs(angle) > 45:
        angle, width, height = angle - math.copysign(90, angle), height, width
    if abs(angle) < LEAST_TURN:
        return None
    # The outline runs through the outermost pixels' centres.
    sides = [max(1, round(side + 1 - 2 * SEAM)) for side in (width, height)]
    return TurnedPhotograph(degrees=float(angle), width=sides[0], height=sides[1], centre=(float(x), float(y)))


def _touches(corners: NDArray[np.float32], canvas: Rectangle) -> bool:
    """Whether the corners (4×2, px) reach each side of the canvas and go beyond none."""
    edges = np.array(canvas)
    reached = np.concatenate([corners.min(axis=0), corners.max(axis=0) + 1])
    sides = np.tile(edges[2:] - edges[:2], 2)
    return bool((np.abs(reached - edges) <= 2 + TOUCH * sides).all())
