"""Per face of FairFace train: features of the encoder, and the predictions of dlib's networks."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.views import drawn
from faceagent.encoder.crop import face_crop
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.tower import Tower
from faceagent.settings import Settings
from faceagent.tools.attributes import (
    Attributes,
)
from faceagent.tools.base import View
from faceagent.types import Face, Quality
from finetune.data.precision import autocast
from finetune.detectors.linear import Reals

TAPS = (12,)
"""Chosen out of fold among blocks 8, 10, 12 and pairs of them: the last block alone is as good as any."""
BATCH = 16
FIVE = (33, 263, 1, 61, 291)
"""Mesh points in place of the face finder's five landmarks: right eye, left eye, nose tip, corners of the mouth."""


class AttributeRows(NamedTuple):
    """One row per face: encoder features, dlib's scores of 81 ages, its logit of "male", labels, source."""

    features: NDArray[np.float32]
    dlib_ages: Reals
    dlib_male: Reals
    band: NDArray[np.str_]
    man: NDArray[np.bool_]
    source: NDArray[np.str_]


def extract_rows(
    faces: Sequence[LocatedFace], labels: dict[str, dict[str, str]], tower: Tower, settings: Settings
) -> AttributeRows:
    """Run the encoder and dlib's networks on every face."""
    tool, features, years, male = Attributes(settings), [], [], []
    for start in track(range(0, len(faces), BATCH), description="faces"):
        some = faces[start : start + BATCH]
        views = [_view(one) for one in some]
        crops = [face_crop(view.pixels(), one.box).pixels for view, one in zip(views, some, strict=True)]
        with autocast(tower.device):
            features.append(intermediate_features(tower, crops, TAPS))
        found = tool.dlib(views)
        years.append(found[0])
        male.append(found[1])
    rows = [labels[Path(one.path).name] for one in faces]
    return AttributeRows(
        np.concatenate(features),
        np.concatenate(years),
        np.concatenate(male),
        np.array([row["age"] for row in rows]),
        np.array([row["gender"] == "Male" for row in rows]),
        np.array([one.source for one in faces]),
    )


def load_or_extract(
    path: Path, mark: str, faces: Sequence[LocatedFace], labels: Path, tower: Tower, settings: Settings
) -> AttributeRows:
    """The rows cached at ``path`` when they carry ``mark``, else ``extract_rows``, cached there."""
    if path.is_file():
        stored = np.load(path)
        if str(stored["mark"]) == mark:
            return AttributeRows(*(stored[key] for key in AttributeRows._fields))
    with labels.open(newline="", encoding="utf-8") as file:
        made = extract_rows(faces, {row["file"]: row for row in csv.DictReader(file)}, tower, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, mark=np.array(mark), **made._asdict())
    return made


def _view(found: LocatedFace) -> View:
    """The picture with its cached face, as tools take it."""
    seen = drawn(read_pixels(found))
    level = {name: 100.0 for name in Quality.model_fields}
    face = Face(
        id="F1",
        picture=seen.picture.id,
        box=found.box,
        confidence=1.0,
        points5=tuple(found.points[index] for index in FIVE),
        landmarks=found.points,
        quality=Quality(**level),
    )
    return View(seen.picture, seen.pixels, seen.original, face)
