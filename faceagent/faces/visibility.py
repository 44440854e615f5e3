"""How much of a face is in the picture and not covered, 0-100, as far as six cues can measure it.

The lowest cue decides: the share of the box inside the picture, the detector's score, the agreement of mesh and
detector, the mesh network's own score, the contrast of eyes and mouth, and whether skin has one colour. Scales were
chosen on training sets (FairFace, FRLL training half, SFHQ) with and without boxes pasted over: a quarter of uncovered
FairFace faces lose more than a tenth, 4 % fall below 50; of faces whose eyes are under a flat box three in four do.
Cover that has skin colour and structure (a hand, a patterned cloth) lowers only the scores of the two models, and in
grey pictures the colour cue is useless.
"""

import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import ARCFACE_112, Pixels, apply, similarity, warp
from faceagent.faces.detect import Detection
from faceagent.faces.landmarks import Landmarks, five_points
from faceagent.faces.score_ramp import ramp

Array = NDArray[np.float64]

SIDE = 112
SKIN = (151, 69, 299, 9, 118, 347, 50, 280, 205, 425, 197, 4, 164, 199, 169, 394)
"""Mesh points on skin: forehead, between the brows, cheeks, nose, above the lip, chin and jaw."""
FEATURES = ((33, 133, 159, 145), (362, 263, 386, 374), (61, 291, 13, 14))
"""Mesh points around both eyes and the mouth."""
WITHOUT_LANDMARKS = 50.0
"""The most that a face without landmarks can have: something hides it, or the head is turned away."""


def visibility(pixels: Pixels, detection: Detection, landmarks: Landmarks | None) -> float:
    """Visibility of one face of an RGB picture."""
    cues = [_inside(pixels, detection), ramp(detection.score, 0.3, 0.88)]
    if landmarks is None:
        return min(*cues, WITHOUT_LANDMARKS)
    matrix = similarity(five_points(landmarks.points), ARCFACE_112)
    crop = warp(pixels, matrix, SIDE, "replicate").astype(np.float64)
    points = apply(matrix, landmarks.points)
    return min(
        *cues,
        ramp(landmarks.disagreement, 0.2, 0.07),
        ramp(landmarks.presence, 0.0, 0.9),
        _features(crop, points),
        _skin(crop, points),
    )


def _inside(pixels: Pixels, detection: Detection) -> float:
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = detection.box
    inside = max(0.0, min(x1, width) - max(x0, 0)) * max(0.0, min(y1, height) - max(y0, 0))
    return ramp(inside / ((x1 - x0) * (y1 - y0)), 0.4, 0.95)


def _features(crop: Array, points: Array) -> float:
    """Mean over eyes and mouth: full where the grey range reaches a fifth of the whole face's, nothing where flat."""
    grey = crop @ (0.299, 0.587, 0.114)
    whole = max(_range(grey[20:105, 20:92].ravel()), 1.0)
    seen = [_range(_spot(grey, points[list(group)].mean(axis=0), 11, 7)) / whole for group in FEATURES]
    return float(np.mean([ramp(share, 0.02, 0.2) for share in seen]))


def _range(values: Array) -> float:
    return float(np.quantile(values, 0.95) - np.quantile(values, 0.05)) if len(values) else 0.0


def _skin(crop: Array, points: Array) -> float:
    """From the share of skin spots that differ from most: in colour, brightness set aside, or by far in brightness."""
    spots = np.array([np.median(_spot(crop, points[index], 4, 4).reshape(-1, 3), axis=0) for index in SKIN]) + 6.0
    colour = np.log(spots[:, [0, 2]] / spots[:, [1]])
    light = np.log(spots @ (0.299, 0.587, 0.114))
    off = np.hypot(*(colour - np.median(colour, axis=0)).T) > 0.35
    off |= np.abs(light - np.median(light)) > 1.2
    return ramp(float(off.mean()), 0.7, 0.2)


def _spot(crop: Array, centre: Array, wide: int, high: int) -> Array:
    """Pixels of an ellipse; its centre is kept inside the crop, where a far turned head may have pushed it out."""
    x, y = (round(float(np.clip(value, 0, SIDE - 1))) for value in centre)
    left, top = max(0, x - wide), max(0, y - high)
    window = crop[top : y + high + 1, left : x + wide + 1]
    down, across = np.ogrid[top - y : top - y + window.shape[0], left - x : left - x + window.shape[1]]
    values: Array = window[(across / wide) ** 2 + (down / high) ** 2 <= 1]
    return values
