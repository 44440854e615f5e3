"""The sets that shipped adapters may learn from, and the faces in them.

Knows which folders are "train + ship", who is in a picture where the set says so, and which side of the fixed
train/validation split a source lies on. Any other folder is refused by name. Knows no maker and no model.
"""

import csv
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.degradation import compress
from evals.data.synthesis.records import Portrait
from evals.views import portraits
from faceagent.encoder.crop import face_crop
from faceagent.errors import InputError
from faceagent.settings import Settings
from faceagent.tools.base import View

VALIDATION_PERCENT = 10
COARSEST_JPEG = 75
"""Quality that fairface_train_4k was stored at; every finer set is brought to it before anything else happens."""
FACE_PX = (120.0, 220.0)
"""Face sizes that the finer sets are shrunk to, as forgery 1.0.0 was trained. Measured afterwards, FairFace's own are
191 to 242 (5th to 95th percentile): the others became smaller than it, which is to be mended with the next training."""
COARSE = (0.35, 1.0)
"""Range of the detail left, over the crop's size: nearly that of sfhq_t2i_tiles, whose faces are the smallest."""


@dataclass(frozen=True)
class Set:
    """``synthetic``: shows nobody. ``person``: a pattern whose first group names the person in a file name.

    ``coarse``: stored at JPEG 75 by its makers, the other sets at 90 and more.
    """

    synthetic: bool
    person: str | None = None
    coarse: bool = False


SETS: dict[str, Set] = {
    "fairface_train_4k": Set(synthetic=False, coarse=True),
    "muxspace_expressions": Set(synthetic=False, person=r"(.+?)_\d+\.\w+$"),
    "frll_london": Set(synthetic=False, person=r"(\d+)"),
    "sfhq_tiles": Set(synthetic=True),
    "sfhq_t2i_tiles": Set(synthetic=True),
}
"""Everything that may be trained on. Faces from ``finetune.generate`` are left out: FFHQ's terms."""


@dataclass(frozen=True)
class Found:
    """One face of one picture of a set: ``box`` x0, y0, x1, y1 and 478 ``points``, in px."""

    origin: str
    path: str
    source: str
    box: tuple[float, ...]
    points: tuple[tuple[float, float], ...]

    @property
    def held_out(self) -> bool:
        """Whether its source belongs to validation: one in ten, by a hash of its name, for ever the same."""
        return zlib.crc32(self.source.encode()) % 100 < VALIDATION_PERCENT

    def shape(self) -> NDArray[np.float64]:
        """The mesh without place and size: near shapes have near poses and expressions."""
        points = np.asarray(self.points) - np.mean(self.points, axis=0)
        return np.asarray(points / np.linalg.norm(points), dtype=np.float64)


def faces_of(name: str, folders: dict[str, Path], cache: Path, settings: Settings) -> list[Found]:
    """Every usable face of a set: one per picture, with landmarks; remembered in ``cache`` as JSON."""
    if name not in SETS:
        raise InputError(
            f"{name!r} is not a set that shipped weights may learn from.", remedy=f"Use: {', '.join(SETS)}."
        )
    folder = folders[name]
    memory = cache / f"{name}.json"
    if memory.is_file():
        return [_found(row) for row in json.loads(memory.read_text(encoding="utf-8"))]
    views = portraits(folder, track(list(_files(name, folder)), description=name), settings)
    rows = (_found_in(name, folder, file, view) for file, view in views)
    found = [row for row in rows if row is not None]
    if not found:
        raise InputError(f"No face was found in {name}.", remedy=f"Is {folder} the right folder?")
    cache.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps([asdict(row) for row in found]), encoding="utf-8")
    return found


def read(found: Found) -> NDArray[np.uint8]:
    """The picture, H×W×3 uint8 RGB."""
    return np.ascontiguousarray(np.asarray(cv2.imread(found.path, cv2.IMREAD_COLOR), dtype=np.uint8)[:, :, ::-1])


def portrait(found: Found, size: int, margin: float, rng: np.random.Generator | None = None) -> Portrait:
    """The face crop that makers work on.

    With ``rng`` the box is jittered as detectors are, half of the pictures are first cut tightly around the face, and
    the crop keeps no more detail than the most coarsely sampled set would have, after the compression of the most
    coarsely compressed one. Sets differ in framing, size and quality, and none of these may tell them apart.
    """
    pixels, box, points = read(found), np.asarray(found.box), np.asarray(found.points)
    if rng is not None and not SETS[found.origin].coarse:
        # Compressed at a smaller size, so that the codec's grid is coarse against the face.
        pixels, zoom = _as_small_as(pixels, box, float(rng.uniform(*FACE_PX)))
        pixels = compress(pixels, ".jpg", COARSEST_JPEG)
        box, points = box * zoom, points * zoom
    detail = size
    if rng is not None:
        side = max(box[2] - box[0], box[3] - box[1])
        box = box + rng.normal(0, 0.02, 4) * side
        detail = min(size, round(float(rng.uniform(*COARSE)) * size))
        if rng.random() < 0.5:
            height, width = pixels.shape[:2]
            left, top, right, bottom = rng.uniform(0, 0.25, 4) * side
            x0, y0 = max(0, int(box[0] - left)), max(0, int(box[1] - top))
            pixels = pixels[y0 : min(height, int(box[3] + bottom)), x0 : min(width, int(box[2] + right))]
            box, points = box - [x0, y0, x0, y0], points - [x0, y0]
    crop = face_crop(pixels, (box[0], box[1], box[2], box[3]), size=detail, scale=margin)
    placed, square = crop.place(points) * (size / detail), crop.pixels
    if detail < size:
        square = cv2.resize(square, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    return Portrait(square, placed, found.source, found.origin, SETS[found.origin].synthetic)


def _as_small_as(pixels: NDArray[np.uint8], box: NDArray[np.float64], side: float) -> tuple[NDArray[np.uint8], float]:
    """The picture shrunk until its face box is ``side`` px long, and by how much; never enlarged."""
    zoom = side / max(box[2] - box[0], box[3] - box[1])
    if zoom >= 1:
        return pixels, 1.0
    small = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8), zoom


def _files(name: str, folder: Path) -> Iterator[str]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if name == "frll_london" and not may_train(row):
                continue
            yield row["file"]


def may_train(row: dict[str, str]) -> bool:
    """FRLL's fixed split: people whose number is divisible by three, "canada" and composites are for testing."""
    number = re.match(r"\d+", Path(row["file"]).name)
    return row["set"] in ("neutral_front", "smiling_front") and number is not None and int(number[0]) % 3 != 0


def _found_in(name: str, folder: Path, file: str, view: View | None) -> Found | None:
    face = None if view is None else view.face
    if face is None or not face.landmarks:
        return None
    return Found(name, str(folder / file), f"{name}/{person(name, file)}", face.box, face.landmarks)


def person(name: str, file: str) -> str:
    """Who is in a file of a set, where its name says so; else the file itself."""
    pattern = SETS[name].person
    match = re.match(pattern, Path(file).name) if pattern else None
    return match[1] if match else file


def _found(row: dict[str, object]) -> Found:
    points = tuple((float(x), float(y)) for x, y in row["points"])  # type: ignore[attr-defined]
    box = tuple(float(x) for x in row["box"])  # type: ignore[attr-defined]
    return Found(str(row["origin"]), str(row["path"]), str(row["source"]), box, points)
