"""Faces: how many are found, how many get landmarks, how exact the 68 points are, and whether yaw knows its sign.

Everything goes through ``find_faces``, as any picture does. The sets are read only to be measured; nothing here is
fitted or chosen on them.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.acceptance import MissingSet, Row, bootstrap, gather, labels, wilson
from faceagent.faces import find_faces, main_face
from faceagent.faces.detect import SURE
from faceagent.faces.ibug68 import ibug68
from faceagent.settings import Settings
from faceagent.types import Face, Picture

Pixels = NDArray[np.uint8]


def rows(data: Path, settings: Settings) -> Iterator[Row]:
    """All figures of this module."""
    yield from gather((detection, landmarks68, mirrored_yaw), data, settings)


def face_of(pixels: Pixels, settings: Settings) -> Face | None:
    """The main face of a picture held in memory."""
    height, width = pixels.shape[:2]
    picture = Picture(
        id="P1", sha256="-", width=width, height=height, format="JPEG", bytes=1, source="-", mode="RGB", orientation=1
    )
    return main_face(find_faces(picture, pixels, settings), picture)


def read(path: Path) -> Pixels:
    """RGB pixels of a file."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise MissingSet(f"{path} cannot be read")
    return np.ascontiguousarray(bgr[..., ::-1])


def detection(data: Path, settings: Settings) -> Iterator[Row]:
    """Faces found (confidence .6 or more) and landmarks given a face, on pictures that each show one face."""
    name = "fairface_val_1400"
    faces = [face_of(read(data / name / row["file"]), settings) for row in labels(data, name)]
    found = [face for face in faces if face is not None]
    sure = sum(face.confidence >= SURE for face in found)
    meshes = sum(bool(face.landmarks) for face in found)
    weak = f"{len(found) - sure} more with less confidence" if len(found) > sure else "no weaker ones"
    yield _share(name, "faces found", sure, len(faces), 0.99, 1.0, weak)
    yield _share(name, "landmarks given a face", meshes, len(found), 0.95, 0.98)
    for question in ("expression", "identity", "age", "forgery", "spoof"):
        usable = sum(question in face.usable_for for face in found)
        yield _share(name, f"usable for {question}", usable, len(found), None, None)


def _share(on: str, figure: str, hits: int, n: int, bar: float | None, aim: float | None, note: str = "") -> Row:
    low, high = wilson(hits, n)
    return Row(on, figure, hits / n, low, high, n, bar, aim, note)


def landmarks68(data: Path, settings: Settings) -> Iterator[Row]:
    """Normalised mean error of the 68 points: mean distance over the labelled distance of the outer eye corners.

    A face without landmarks counts as if all its points lay in the middle of its box, and one without a box as if
    they lay in the middle of the picture: that is what is known about it.
    """
    name = "youtube_faces_68lm_300"
    table = labels(data, name)
    errors: list[float] = []
    failures = 0
    for row in table:
        truth = np.array([[float(row[f"x{index}"]), float(row[f"y{index}"])] for index in range(68)])
        pixels = read(data / name / row["file"])
        face = face_of(pixels, settings)
        failures += face is None or not face.landmarks
        points = _points68(face, pixels)
        between_eyes = float(np.hypot(*(truth[36] - truth[45])))
        errors.append(float(np.hypot(*(points - truth).T).mean()) / between_eyes)
    people = [row["person"] for row in table]
    values = np.asarray(errors)
    low, high = bootstrap(values, groups=people)
    note = f"{failures} without landmarks, counted with all points in the middle"
    yield Row(name, "NME, mean", float(values.mean()), low, high, len(values), 0.075, 0.055, note, True)
    low, high = bootstrap(values, lambda sample: float(np.median(sample)), groups=people)
    yield Row(name, "NME, median", float(np.median(values)), low, high, len(values), 0.066, None, "", True)
    low, high = wilson(int((values > 0.08).sum()), len(values))
    yield Row(name, "share with NME > .08", float((values > 0.08).mean()), low, high, len(values), lower_is_better=True)


def _points68(face: Face | None, pixels: Pixels) -> NDArray[np.float64]:
    if face is not None and face.landmarks:
        return ibug68(np.asarray(face.landmarks))
    x0, y0, x1, y1 = (0, 0, pixels.shape[1], pixels.shape[0]) if face is None else face.box
    return np.full((68, 2), ((x0 + x1) / 2, (y0 + y1) / 2))


def mirrored_yaw(data: Path, settings: Settings) -> Iterator[Row]:
    """Yaw of a picture and of its mirror image: the sign must flip and the sum be near 0.

    Every fourth picture of the SFHQ tiles and every smiling FRLL face; the sign counts where |yaw| exceeds 8°.
    """
    paths = [data / "sfhq_t2i_tiles" / row["file"] for row in labels(data, "sfhq_t2i_tiles")[::4]]
    smiling = [row["file"] for row in labels(data, "frll_london") if row["file"].startswith("smiling")]
    paths += [data / "frll_london" / file for file in smiling]
    pairs = []
    for path in paths:
        pixels = read(path)
        face, mirrored = face_of(pixels, settings), face_of(np.ascontiguousarray(pixels[:, ::-1]), settings)
        if face is not None and face.pose is not None and mirrored is not None and mirrored.pose is not None:
            pairs.append((face.pose.yaw, mirrored.pose.yaw))
    yaw = np.asarray(pairs)
    turned = yaw[np.abs(yaw[:, 0]) > 8]
    sums = np.abs(yaw.sum(axis=1))
    on = "sfhq_t2i_tiles, frll_london"
    yield _share(on, "yaw sign flips when mirrored", int((turned.prod(axis=1) < 0).sum()), len(turned), 0.98, 1.0)
    low, high = bootstrap(sums, lambda sample: float(np.median(sample)))
    note = f"degrees; 95th percentile {np.quantile(sums, 0.95):.1f}"
    yield Row(on, "median |yaw + mirrored yaw|", float(np.median(sums)), low, high, len(sums), 2.0, None, note, True)
