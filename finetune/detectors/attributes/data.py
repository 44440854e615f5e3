"""Per face of FairFace train: features of the encoder, and the predictions of dlib's networks."""

import csv
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.located_faces import LocatedFace, portrait, read_pixels
from evals.data.synthesis.splice import untouched
from evals.views import drawn
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.tower import Tower
from faceagent.settings import Settings
from faceagent.tools.attributes import Attributes
from faceagent.tools.base import View
from faceagent.types import Face, Quality
from finetune.data.precision import autocast
from finetune.detectors.forgery.data import MARGIN, WORK, with_history
from finetune.detectors.linear import Reals

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
    faces: Sequence[LocatedFace],
    labels: dict[str, dict[str, str]],
    tower: Tower,
    taps: tuple[int, ...],
    settings: Settings,
) -> AttributeRows:
    """Run the encoder up to ``taps`` and dlib's networks on every face; ``labels`` by file name."""
    tool, features, years, male = Attributes(settings), [], [], []
    for start in track(range(0, len(faces), BATCH), description="faces"):
        some = faces[start : start + BATCH]
        views = [_view(one) for one in some]
        crops = [delivered_crop(one) for one in some]
        with autocast(tower.device):
            features.append(intermediate_features(tower, crops, taps))
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


def delivered_crop(one: LocatedFace) -> NDArray[np.uint8]:
    """The face as the product crops it, after a history of size, compression, light and tilt: one draw per path.

    Pictures in the field are smaller and more compressed than FairFace's, and the head must not follow that.
    """
    base = portrait(one, WORK, MARGIN)
    rng = np.random.default_rng((2, zlib.crc32(one.path.encode())))
    ((record, _),) = with_history(base, [untouched(base)], rng)
    return record.pixels


def load_or_extract(
    path: Path,
    mark: str,
    faces: Sequence[LocatedFace],
    folders: Sequence[Path],
    tower: Tower,
    taps: tuple[int, ...],
    settings: Settings,
) -> AttributeRows:
    """The rows cached at ``path`` when they carry ``mark``, else ``extract_rows``, cached there."""
    if path.is_file():
        stored = np.load(path)
        if str(stored["mark"]) == mark:
            return AttributeRows(*(stored[key] for key in AttributeRows._fields))
    labels: dict[str, dict[str, str]] = {}
    for folder in folders:
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            # No picture lies in two of the sets, so file names are enough.
            labels |= {row["file"]: row for row in csv.DictReader(file)}
    made = extract_rows(faces, labels, tower, taps, settings)
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
