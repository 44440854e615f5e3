"""Face detection and measurement: from a picture's pixels to its faces, largest first.

``find_faces`` is the entry; detection, landmarks, pose, alignment and quality are modules of plain functions. It is
safe to call from many threads and gives the same result in all of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from faceagent.faces.align import Pixels
from faceagent.faces.part_visibility import part_visibility
from faceagent.faces.pose import head_pose, rolled
from faceagent.faces.quality import measure
from faceagent.faces.tiles import Allowance
from faceagent.faces.upright_faces import UprightFace, find_upright_faces
from faceagent.faces.usable import all_obstacles
from faceagent.settings import Settings
from faceagent.types import QUESTIONS, SUBJECT, Face, Picture
from faceagent.upright import points_out, turn_of

__all__ = ["MOST_FACES", "FoundFaces", "find_faces", "main_face", "search_faces", "search_notes"]


MOST_FACES = 1024
"""Faces processed in one picture even where every face counts: a bound on time and on the report's size."""


class FoundFaces(NamedTuple):
    """Faces of a picture, largest first, and how many were found before the smallest were left out.

    ``incomplete_below`` is the size (px, shorter side) below which faces may be missed, as the picture is very large.
    ``covering`` are the ids of faces beside which part of another one is seen, too little to be found.
    """

    faces: tuple[Face, ...]
    total: int
    incomplete_below: float | None = None
    covering: tuple[str, ...] = ()


def find_faces(picture: Picture, pixels: Pixels, settings: Settings) -> tuple[Face, ...]:
    """The largest faces of a picture, at most ``settings.max_faces``; see ``search_faces``."""
    return search_faces(picture, pixels, settings, limit=settings.max_faces).faces


def search_faces(picture: Picture, pixels: Pixels, settings: Settings, *, limit: int = MOST_FACES) -> FoundFaces:
    """Faces of a picture (H×W×3, RGB, upright), largest first; () when there is none.

    Ids are "F1", "F2", …; for a reference picture "R1" they are "R1F1", … . At most ``limit`` faces, each at least
    ``settings.min_face`` px on its shorter side. A face whose confidence is below .6 is reported only when it is the
    only one and has landmarks. Raises ModelUnavailable when weights are unavailable.
    """
    allowance = Allowance()
    seen, total = find_upright_faces(pixels, settings, limit, allowance)
    prefix = "" if picture.id == SUBJECT else picture.id
    faces = tuple(_face(f"{prefix}F{index}", picture, one) for index, one in enumerate(seen, start=1))
    covering = tuple(face.id for face, one in zip(faces, seen, strict=True) if one.detection.covers)
    return FoundFaces(faces, total, allowance.incomplete_below, covering)


def search_notes(picture: Picture, kept: int, most: int) -> list[str]:
    """What was left out of a picture's faces or not looked for, as sentences; none where nothing was.

    Args:
        picture: the picture, searched.
        kept: the faces that were kept.
        most: the setting ``max_faces``.
    """
    notes: list[str] = []
    found, below = picture.faces_found or 0, picture.faces_incomplete_below
    cap = "largest first (setting max_faces, option --max-faces)"
    if kept > most:
        everyone = "all" if kept == found else f"the {kept} largest"
        others = f"{most} analysed for the other questions"
        notes.append(f"{found} faces found: {everyone} compared for identity, {others}, {cap}.")
    elif found > kept:
        notes.append(f"{found} faces found, {kept} analysed, {cap}.")
    if covering := picture.faces_covering:
        notes.append(
            f"Part of another face is seen behind or beside {', '.join(covering)}, too little of it to be judged."
        )
    if below is not None:
        notes.append(
            f"This picture is very large and was searched at a reduced size: faces smaller than {below:.0f} px "
            "may have been missed."
        )
    return notes


def main_face(faces: Sequence[Face], picture: Picture) -> Face | None:
    """The main face of a picture, by size, score and distance from the middle; None when there is no face."""

    def weight(face: Face) -> float:
        x0, y0, x1, y1 = face.box
        off = np.hypot((x0 + x1 - picture.width) / 2, (y0 + y1 - picture.height) / 2)
        reach = np.hypot(picture.width, picture.height) / 2
        return float(np.sqrt((x1 - x0) * (y1 - y0)) * face.confidence * (1.2 - off / reach))

    return max(faces, key=weight, default=None)


def _face(name: str, picture: Picture, seen: UprightFace) -> Face:
    detection, landmarks, frame = seen.detection, seen.landmarks, seen.seen_in
    head = None if landmarks is None else head_pose(landmarks.transform, landmarks.turned)
    points = np.asarray(detection.points)
    parts = () if landmarks is None else part_visibility(seen.part, points, landmarks.points)
    measured = measure(seen.part, detection, landmarks, head, parts)
    short = min(detection.box[2] - detection.box[0], detection.box[3] - detection.box[1])
    reasons = all_obstacles(short, measured, parts, has_landmarks=landmarks is not None)
    mesh = () if landmarks is None else points_out(frame, landmarks.points).tolist()
    return Face(
        id=name,
        picture=picture.id,
        box=seen.box,
        confidence=detection.score,
        points5=tuple((x, y) for x, y in points_out(frame, detection.points).tolist()),
        landmarks=tuple((x, y) for x, y in mesh),
        blendshapes={} if landmarks is None else landmarks.blendshapes,
        pose=head if head is None else rolled(head, turn_of(frame)),
        frame=None if _is_plain(seen, picture) else seen.frame,
        quality=measured.quality,
        parts=parts,
        usable_for=tuple(question for question in QUESTIONS if question not in reasons),
        reasons=reasons,
    )


def _is_plain(seen: UprightFace, picture: Picture) -> bool:
    """Whether the face is simply its box in the whole picture."""
    frame = seen.frame
    whole = frame.content == (0, 0, picture.width, picture.height)
    return whole and frame.photograph is None and not frame.quarters and not frame.degrees
