"""How good a face picture is, 0-100 per component, named after ISO/IEC 29794-5:2025.

The measures are our own, not those of OFIQ, the standard's reference implementation: components are comparable
between pictures measured here and with nothing else. Sharpness, illumination and exposure are measured on a grey
crop aligned by the five points, at the resolution the face has and at most 112 px, so that they do not depend on
resolution, which is a component of its own. Scaling constants were chosen on training sets (FairFace train, FRLL
training half, SFHQ) by degrading them: a typical FairFace face has full sharpness, one blurred by a Gaussian of 4 %
of its eye distance about 45, of 8 % about 15.

This module knows pixels, points and pose. It does not know what a face is to be used for; ``usable`` does.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces.align import Pixels, aligned
from faceagent.faces.detect import Detection
from faceagent.faces.landmarks import Landmarks
from faceagent.faces.part_visibility import visible_share
from faceagent.faces.quality_score import unified
from faceagent.faces.score_ramp import ramp
from faceagent.faces.visibility import visibility
from faceagent.types import PartVisibility, Pose, Quality

Array = NDArray[np.float64]

SIDE = 112
"""px, side of the aligned crop at full resolution; the eyes are then 35 px apart."""
EYES = 35.2
"""px between the eyes of the ArcFace template at 112 px."""
COMPONENTS = ("sharpness", "illumination", "exposure", "resolution", "pose", "visibility", "detection")


@dataclass(frozen=True)
class Measured:
    """The quality of one face, and on which side its exposure errs."""

    quality: Quality
    dark: bool
    trust: float = 100.0
    """0-100: visibility by the cues of ``faces.visibility`` alone, which speak of the whole face and of no part."""


def measure(
    pixels: Pixels,
    detection: Detection,
    landmarks: Landmarks | None,
    pose: Pose | None,
    parts: tuple[PartVisibility, ...] = (),
) -> Measured:
    """Quality of one face of an RGB picture."""
    eyes = eye_distance(detection)
    side = int(np.clip(round(SIDE * eyes / EYES), 40, SIDE))
    crop = aligned(pixels, detection.points, side, "replicate")
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), dtype=np.float64)
    # Forehead to chin and cheek to cheek: hair, background and clothes stay out.
    face = grey[round(0.2 * side) : round(0.95 * side), round(0.18 * side) : round(0.82 * side)]
    trust = visibility(pixels, detection, landmarks)
    values = {
        "sharpness": sharpness(face),
        "illumination": illumination(face),
        "exposure": exposure(face),
        "resolution": resolution(eyes),
        "pose": frontality(detection, pose),
        "visibility": min(trust, visible_share(parts) if parts else 100.0),
        "detection": certainty(detection.score),
    }
    return Measured(Quality(unified=unified(values), **values), dark=float(np.median(face)) < 128, trust=trust)


def sharpness(face: Array) -> float:
    """How much of the edges a further blur takes away (after Crété-Roffet et al. 2007). Contrast cancels out."""
    blurred = np.asarray(cv2.GaussianBlur(face, (0, 0), 1.5), dtype=np.float64)
    after, before = _edges(blurred), _edges(face)
    return ramp(1 - after / max(before, 1e-9), 0.03, 0.34)


def _edges(face: Array) -> float:
    inner = face[4:-4, 4:-4]  # nearer to the border the blur sees pixels that are not there
    return float(np.abs(np.diff(inner, axis=0)).sum() + np.abs(np.diff(inner, axis=1)).sum())


def illumination(face: Array) -> float:
    """How evenly both sides are lit: the darker half's mean against the lighter half's."""
    middle = face.shape[1] // 2
    halves = float(face[:, :middle].mean()), float(face[:, -middle:].mean())
    return ramp((min(halves) + 4) / (max(halves) + 4), 0.25, 0.85)


def exposure(face: Array) -> float:
    """Whether the face's grey levels use the range: not all dark, not washed out, not flat.

    The lightest parts decide about darkness, not the mean, so that dark skin in good light scores well: nine in ten
    faces of every group of FairFace's training set get full marks or nearly.
    """
    low, high = np.quantile(face, (0.05, 0.95))
    washed = float((face >= 250).mean())
    return min(ramp(high, 15, 75), ramp(high - low, 10, 60), ramp(washed, 0.8, 0.05), ramp(low, 235, 170))


def resolution(eyes: float) -> float:
    """From the eye distance in px, logarithmic: 8 px is 0, the 90 px of passport pictures (ICAO 9303) are 100."""
    return ramp(float(np.log(max(eyes, 1e-9))), float(np.log(8)), float(np.log(90)))


def certainty(score: float) -> float:
    """From the detector's score, logarithmic in what is missing to 1: .3 is 0, the .94 of a good portrait is 100."""
    return ramp(-math.log(max(1 - score, 1e-9)), -math.log(1 - 0.3), -math.log(1 - 0.94))


def eye_distance(detection: Detection) -> float:
    """Px between the eyes, as it would be from the front: eyes to mouth shortens less when the head turns."""
    right, left, _, mouth_right, mouth_left = np.asarray(detection.points)
    return float(max(np.hypot(*(left - right)), 0.9 * np.hypot(*((mouth_right + mouth_left) / 2 - (left + right) / 2))))


def frontality(detection: Detection, pose: Pose | None) -> float:
    """cos² of yaw times cos² of pitch; roll is undone by alignment. Without landmarks the nose tells the yaw."""
    yaw, pitch = (nose_yaw(detection), 0.0) if pose is None else (pose.yaw, pose.pitch)
    share = np.cos(np.deg2rad(np.clip((yaw, pitch), -90, 90))) ** 2
    return float(100 * share[0] * share[1])


def nose_yaw(detection: Detection) -> float:
    """Degrees of yaw from where the nose tip lies between the eyes; it stands out by about 0.6 eye distances."""
    right, left, nose = np.asarray(detection.points[:3])
    along = left - right
    offset = float((nose - (left + right) / 2) @ along / max(along @ along, 1e-9))
    return float(np.rad2deg(np.arctan(offset / 0.6)))
