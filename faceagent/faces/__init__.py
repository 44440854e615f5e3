"""Face detection and measurement: from a picture's pixels to its faces, largest first.

``find_faces`` is the entry; detection, landmarks, pose, alignment and quality are modules of plain functions. It is
safe to call from many threads and gives the same result in all of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from faceagent.faces.align import Pixels
from faceagent.faces.detect import SURE, Detection, redetect
from faceagent.faces.detect import detect as detections_of  # the module keeps its name in the package
from faceagent.faces.landmarks import Landmarks, find_landmarks
from faceagent.faces.part_visibility import part_visibility
from faceagent.faces.pose import head_pose
from faceagent.faces.quality import measure
from faceagent.faces.usable import all_obstacles
from faceagent.settings import Settings
from faceagent.types import QUESTIONS, SUBJECT, Face, Picture

__all__ = ["MOST_FACES", "FoundFaces", "crowd_note", "find_faces", "main_face", "search_faces"]

SCORE, PRESENCE, DISAGREEMENT = 0.85, 0.99, 0.1
"""A face with a lower score or presence, or more disagreement, is doubtful and detected again in four orientations:
both models can accept an upside-down face as upright, but with lower scores. Upright faces reach .92, 1.0, .06."""


MOST_FACES = 1024
"""Faces processed in one picture even where every face counts: a bound on time and on the report's size."""


class FoundFaces(NamedTuple):
    """Faces of a picture, largest first, and how many were found before the smallest were left out."""

    faces: tuple[Face, ...]
    total: int


def find_faces(picture: Picture, pixels: Pixels, settings: Settings) -> tuple[Face, ...]:
    """The largest faces of a picture, at most ``settings.max_faces``; see ``search_faces``."""
    return search_faces(picture, pixels, settings, limit=settings.max_faces).faces


def search_faces(picture: Picture, pixels: Pixels, settings: Settings, *, limit: int = MOST_FACES) -> FoundFaces:
    """Faces of a picture (H×W×3, RGB, upright), largest first; () when there is none.

    Ids are "F1", "F2", …; for a reference picture "R1" they are "R1F1", … . At most ``limit`` faces, each at least
    ``settings.min_face`` px on its shorter side. A face whose confidence is below .6 is reported only when it is the
    only one and has landmarks. Raises ModelUnavailable when weights are unavailable.
    """
    large = [found for found in detections_of(pixels, settings) if _short(found) >= settings.min_face]
    largest = sorted(large, key=lambda found: (-_area(found), found.box))[:limit]
    seen = [pair for pair in (_with_landmarks(pixels, found, settings) for found in largest) if pair is not None]
    seen.sort(key=lambda pair: (-_area(pair[0]), pair[0].box))
    prefix = "" if picture.id == SUBJECT else picture.id
    faces = tuple(
        _face(f"{prefix}F{index}", picture, pixels, detection, landmarks)
        for index, (detection, landmarks) in enumerate(seen, start=1)
    )
    return FoundFaces(faces, len(large) - len(largest) + len(faces))


def crowd_note(found: int, kept: int, most: int) -> str | None:
    """What was left out of a crowd, as a sentence; None where nothing was.

    Args:
        found: faces found in the picture.
        kept: those that were kept.
        most: the setting ``max_faces``.
    """
    cap = "largest first (setting max_faces, option --max-faces)"
    if kept > most:
        everyone = "all" if kept == found else f"the {kept} largest"
        return f"{found} faces found: {everyone} compared for identity, {most} analysed for the other questions, {cap}."
    return f"{found} faces found, {kept} analysed, {cap}." if found > kept else None


def main_face(faces: Sequence[Face], picture: Picture) -> Face | None:
    """The main face of a picture, by size, score and distance from the middle; None when there is no face."""

    def weight(face: Face) -> float:
        x0, y0, x1, y1 = face.box
        off = np.hypot((x0 + x1 - picture.width) / 2, (y0 + y1 - picture.height) / 2)
        reach = np.hypot(picture.width, picture.height) / 2
        return float(np.sqrt((x1 - x0) * (y1 - y0)) * face.confidence * (1.2 - off / reach))

    return max(faces, key=weight, default=None)


def _short(found: Detection) -> float:
    return min(found.box[2] - found.box[0], found.box[3] - found.box[1])


def _area(found: Detection) -> float:
    return (found.box[2] - found.box[0]) * (found.box[3] - found.box[1])


def _with_landmarks(
    pixels: Pixels, detection: Detection, settings: Settings
) -> tuple[Detection, Landmarks | None] | None:
    """The detection, corrected if needed, with its landmarks; None when it is not a face after all."""
    landmarks = find_landmarks(pixels, detection, settings)
    if landmarks is not None and not _doubtful(detection, landmarks):
        return detection, landmarks
    again = redetect(pixels, detection, settings)
    if again is None:
        return None if landmarks is None else (detection, landmarks)
    turned = find_landmarks(pixels, again, settings)
    if landmarks is None:
        return None if turned is None and detection.score < SURE else (again, turned)
    if turned is not None and _is_better(again, turned, detection, landmarks):
        return again, turned
    return detection, landmarks


def _doubtful(detection: Detection, landmarks: Landmarks) -> bool:
    weak = detection.score < SCORE or landmarks.presence < PRESENCE
    return weak or landmarks.disagreement > DISAGREEMENT


def _is_better(again: Detection, turned: Landmarks, detection: Detection, landmarks: Landmarks) -> bool:
    """Whether the second detection is better: higher scores of both models, or less disagreement between them."""
    both = again.score > detection.score + 0.03 and turned.presence >= landmarks.presence
    return both or turned.disagreement < landmarks.disagreement


def _face(name: str, picture: Picture, pixels: Pixels, detection: Detection, landmarks: Landmarks | None) -> Face:
    head = None if landmarks is None else head_pose(landmarks.transform, landmarks.turned)
    parts = () if landmarks is None else part_visibility(pixels, np.asarray(detection.points), landmarks.points)
    measured = measure(pixels, detection, landmarks, head, parts)
    reasons = all_obstacles(_short(detection), measured, parts, has_landmarks=landmarks is not None)
    return Face(
        id=name,
        picture=picture.id,
        box=detection.box,
        confidence=detection.score,
        points5=detection.points,
        landmarks=() if landmarks is None else tuple((x, y) for x, y in landmarks.points.tolist()),
        blendshapes={} if landmarks is None else landmarks.blendshapes,
        pose=head,
        quality=measured.quality,
        parts=parts,
        usable_for=tuple(question for question in QUESTIONS if question not in reasons),
        reasons=reasons,
    )
