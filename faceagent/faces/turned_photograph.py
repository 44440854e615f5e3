"""A photograph that was turned as a whole on a canvas of one colour: found by its outline, and read as it was.

``Image.rotate(20, expand=True)`` makes such pictures, so do scanners, and collages with tilted prints. Knows no face.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels
from faceagent.faces.content import ALIKE, LEAST, RINGING, shaped_mask
from faceagent.types import TurnedPhotograph

LIKE_A_RECTANGLE, SHOWN = 0.96, 0.7
"""Least share of its enclosing rectangle that the hull of what is not filled must cover, and that itself: ovals and
cut-out people cover less. Dark parts of a photograph on black are taken for filling; its hull keeps its shape."""
LEAST_TURN = 1.0
"""Degrees; a smaller turn costs the pixels more than it is worth."""
SEAM = 1.5
"""px on every side where interpolation mixed the photograph with the filling."""
SPECKS = 5
"""px: what is smaller beside the photograph is the codec's."""


def turned_photograph(pixels: Pixels) -> TurnedPhotograph | None:
    """The photograph that lies turned in H×W×3 pixels, by less than 45°, or None."""
    if shaped_mask(pixels) is None:
        return None
    off = np.abs(pixels.astype(np.int16) - pixels[0, 0]).max(axis=2)
    # Beside an edge the codec moves the filling further than a margin's own pixels differ; dark photographs on black
    # do not differ by so much.
    found = (_outlined((off > tolerance).astype(np.uint8)) for tolerance in (ALIKE, RINGING))
    return next((one for one in found if one is not None), None)


def _outlined(shown: NDArray[np.uint8]) -> TurnedPhotograph | None:
    """The turned rectangle that the pixels marked 1 fill, if they do."""
    opened = cv2.morphologyEx(shown, cv2.MORPH_OPEN, np.ones((SPECKS, SPECKS), np.uint8))
    outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(outline)
    (x, y), (width, height), angle = cv2.minAreaRect(hull)
    area = width * height
    like = cv2.contourArea(hull) >= LIKE_A_RECTANGLE * area and cv2.contourArea(outline) >= SHOWN * area
    if min(width, height) < LEAST or not like:
        return None
    if abs(angle) > 45:
        angle, width, height = angle - math.copysign(90, angle), height, width
    if abs(angle) < LEAST_TURN:
        return None
    # The outline runs through the outermost pixels' centres.
    sides = [max(1, round(side + 1 - 2 * SEAM)) for side in (width, height)]
    return TurnedPhotograph(degrees=float(angle), width=sides[0], height=sides[1], centre=(float(x), float(y)))
