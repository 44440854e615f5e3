"""Per copy of a labelled face: zone features of the tower and deviations of the action units.

Every face is read as it is or, more often, as a tight copy of 48 to 80 px, mostly grey, blurred and compressed: faces
in the field and in the older sets are that small. A copy goes through the product's own face finder, so that boxes and
units are those of such a picture.
"""

import csv
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.held_out import may_train, source_of
from evals.views import drawn, whole
from faceagent.encoder.crop import SCALE, crop_face, face_crop
from faceagent.encoder.expression_head import FACE, ZONES, zone_features
from faceagent.encoder.torch_state import computing
from faceagent.encoder.tower import Tower
from faceagent.faces import find_faces, main_face
from faceagent.settings import Settings
from faceagent.tools.action_units import activations
from faceagent.tools.expression import part_cover
from faceagent.tools.facs import table
from faceagent.types import Face

Pixels = NDArray[np.uint8]

OTHER = "other"
MUXSPACE = {"happiness": "happy", "contempt": OTHER, "disgust": ""}
"""muxspace's label "disgust" is not read: its pictures hardly show it, and they are of other films than the rest."""
FRLL = {"neutral_front": "neutral", "smiling_front": "happy"}
SFHQ = {
    "smiling": "happy",
    "surprised": "surprise",
    "angry or enraged": "anger",
    "sad or depressed": "sadness",
    "tounge out": OTHER,
}
OPENPEOPLE = {
    "neutral": "neutral",
    "happy": "happy",
    "sad": "sadness",
    "angry": "anger",
    "surprised": "surprise",
    "shocked": "surprise",
    "disgusted": "disgust",
    "scared": "fear",
    **dict.fromkeys(("smug", "playful", "confused", "flirty"), OTHER),
}
WHOLE_COPY, SMALL_COPY = "whole", "small"
SIDES = (48, 48, 48, 64, 80)
"""Px of the small copies."""
SHARE_SMALL = 0.55
CHUNK = 20


class Copy(NamedTuple):
    """A labelled picture and how it is read."""

    path: Path
    origin: str
    label: str
    source: str
    kind: str


class ExpressionRows(NamedTuple):
    """One row per copy: features N×zones×W, deviations N×units in the order of the codes, labels and sources.

    Zones stand in the order of ``NAMES``; one that does not show is all zero.
    """

    features: NDArray[np.float16]
    deviations: NDArray[np.float32]
    label: NDArray[np.str_]
    origin: NDArray[np.str_]
    source: NDArray[np.str_]
    kind: NDArray[np.str_]


NAMES = (FACE, *ZONES)
CODES = tuple(sorted(unit.code for unit in table().units))


def copies(data: Path) -> list[Copy]:
    """One copy of every face, in the order in which they are read: a small one of more than half of them."""
    found = [
        Copy(
            path, origin, label, source_of(origin, path.name), SMALL_COPY if _chance(path) < SHARE_SMALL else WHOLE_COPY
        )
        for origin, path, label in _labelled(data)
    ]
    return [found[i] for i in np.random.default_rng(0).permutation(len(found))]


def _labelled(data: Path) -> Iterator[tuple[str, Path, str]]:
    """Set, file and label of every labelled picture of the sets that are there."""
    readers: Mapping[str, Callable[[Mapping[str, str]], str]] = {
        "muxspace_expressions": lambda row: MUXSPACE.get(row["emotion"], row["emotion"]),
        "frll_london": lambda row: FRLL.get(row["set"], "") if may_train(row) else "",
        "sfhq_t2i_tiles": lambda row: SFHQ.get(row["query_label"], "") if "Expression" in row["condition"] else "",
        "sfhq_tiles": lambda row: (
            SFHQ.get(row["clip_query_label"], "") if row["montage"] == "variability_expression" else ""
        ),
        "openpeople": lambda row: OPENPEOPLE.get(row["expression"], ""),
    }
    for origin, label_of in readers.items():
        if not (data / origin / "labels.csv").is_file():
            continue
        with (data / origin / "labels.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if label := label_of(row):
                    yield origin, data / origin / row["file"], label


def _chance(path: Path) -> float:
    """A number 0-1 that only the file's name determines."""
    return zlib.crc32(f"{path.parent.name}/{path.name}".encode()) / 2**32


def extract(wanted: Sequence[Copy], tower: Tower, block: int, settings: Settings, cache: Path) -> ExpressionRows:
    """The rows of these copies, computed in chunks that are kept in ``cache``: what was computed is read again."""
    cache.mkdir(parents=True, exist_ok=True)
    parts = []
    for start in range(0, len(wanted), CHUNK):
        kept = cache / f"{start:05d}.npz"
        if not kept.is_file():
            rows = [row for one in wanted[start : start + CHUNK] if (row := _row(one, tower, block, settings))]
            if not rows:
                continue
            columns = ExpressionRows(*map(np.array, zip(*rows, strict=True)))
            partial = kept.with_suffix(".partial.npz")
            np.savez(partial, **columns._asdict())
            partial.replace(kept)
            print(f"{start + CHUNK} of {len(wanted)} copies", flush=True)
        with np.load(kept) as stored:
            parts.append(ExpressionRows(*(stored[key] for key in ExpressionRows._fields)))
    return ExpressionRows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _row(one: Copy, tower: Tower, block: int, settings: Settings) -> tuple[object, ...] | None:
    """Features, deviations, label, set, source and kind of a copy; None where no face with landmarks is found."""
    view = whole(one.path, settings)
    if view is None:
        return None
    rng = np.random.default_rng(zlib.crc32(f"{one.path.parent.name}/{one.path.name}|{one.kind}".encode()))
    pixels = view.pixels()
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    face = _face(pixels, settings)
    if face is not None and one.kind == SMALL_COPY:
        pixels = small_copy(pixels, face, rng)
        face = _face(pixels, settings)
    if face is None:
        return None
    crop = crop_face(pixels, face, scale=SCALE)
    with computing(tower.threads):
        *_, (_, tokens) = tower.steps(tower.tensor([crop.pixels]), block)
    cover_of = part_cover(crop, np.asarray(face.landmarks), tower.grid)
    found = zone_features(tokens[0].float().cpu().numpy(), cover_of, frozenset())
    nothing = np.zeros(tower.width, np.float32)
    features = np.stack([found.get(zone, nothing) for zone in NAMES]).astype(np.float16)
    units = activations(face)
    deviations = np.array([units[code].deviation for code in CODES], np.float32)
    return features, deviations, one.label, one.origin, one.source, one.kind


def _face(pixels: Pixels, settings: Settings) -> Face | None:
    """The main face of a picture, where it has landmarks."""
    seen = drawn(pixels)
    face = main_face(find_faces(seen.picture, pixels, settings), seen.picture)
    return face if face is not None and face.landmarks else None


def small_copy(pixels: Pixels, face: Face, rng: np.random.Generator) -> Pixels:
    """A square around the face of one of ``SIDES`` px: mostly grey, sometimes blurred or compressed; RGB uint8."""
    x0, y0, x1, y1 = face.box
    side = max(x1 - x0, y1 - y0) * rng.uniform(0.95, 1.2)
    x, y = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + rng.normal(0, 0.03, 2) * side
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    square = face_crop(pixels, box, size=int(rng.choice(SIDES))).pixels
    if rng.random() < 0.8:
        square = np.repeat(np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8)[..., np.newaxis], 3, axis=2)
    if rng.random() < 0.3:
        square = np.asarray(cv2.GaussianBlur(square, (0, 0), rng.uniform(0.3, 0.8)), np.uint8)
    if rng.random() < 0.5:
        coded = cv2.imencode(".jpg", square[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))])[1]
        square = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    return np.ascontiguousarray(square)
