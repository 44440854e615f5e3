"""SFace vectors of labelled pictures under several camera conditions, kept in a cache.

A picture is measured as it is, in grey, and with its face reduced to 90 and 48 px and saved as JPEG, in colour and in
grey: what a stranger's cosine is worth has to hold for all of them. In one studio, everybody has the same backdrop and
the same light. Knows no calibration.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceagent.faces import align, detect
from faceagent.faces.detect import Detection
from faceagent.settings import Settings
from faceagent.tools.base import Pixels
from faceagent.weights.sessions import open_session

Reals = NDArray[np.float64]
Points = tuple[tuple[float, float], ...]

CONDITIONS = ("full", "grey", "s90", "s90grey", "s48", "s48grey")
"""Conditions that the calibrations are fitted on."""
STUDIO = ("studio", "studiogrey")
"""Conditions that are measured only."""
SIDES = (90, 48)
LONG_SIDE = 640
"""px to which pictures are reduced first: SFace sees 112."""
FACE_AT, FACE_RADII = (56.0, 62.0), (34.0, 46.0)
"""Middle and radii (px) of the ellipse that a face fills on the template of 112 px."""
STUDIO_LIGHT = 135.0
"""Median grey level of every face under one light."""
COLOURED = 1.0
"""Mean distance of the channels from their mean, in levels, above which a picture has colour."""
PER_GROUP: Mapping[str, int] = {"fairface_train_4k": 110, "fairface_val_1400": 100, "utkface_1k": 60}
"""Pictures of each race and gender that are taken of a set; all of them where the set is not named."""


@dataclass(frozen=True)
class Vectors:
    """The labels of the pictures that show a face, and per condition their places and unit vectors (N×128)."""

    rows: tuple[Mapping[str, str], ...]
    by: Mapping[str, tuple[NDArray[np.int64], Reals]]


def vectors(data: Path, name: str, cache: Path, settings: Settings) -> Vectors:
    """The vectors of one set below ``data``, from ``cache`` or measured and kept there."""
    path = cache / f"{name}.npz"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        _measure(data / name, name, path, settings)
    with np.load(path) as kept:
        keys = kept["keys"].tolist()
        rows = tuple(dict(zip(keys, row, strict=True)) for row in kept["meta"].tolist())
        by = {one[2:]: (kept[f"i_{one[2:]}"], kept[one].astype(float)) for one in kept.files if one.startswith("v_")}
    return Vectors(rows, by)


def _measure(folder: Path, name: str, path: Path, settings: Settings) -> None:
    found: dict[str, dict[int, Reals]] = {}
    rows: list[dict[str, str]] = []
    for row in _rows(folder, name):
        with Image.open(folder / row["file"]) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.BOX)
        pixels = np.asarray(picture)
        faces = detect.detect(pixels, settings)
        if not faces:
            continue
        face = max(faces, key=lambda one: one.side * one.score)
        for condition, vector in _conditions(pixels, face, settings).items():
            found.setdefault(condition, {})[len(rows)] = vector
        rows.append(row)
    keys = sorted({key for row in rows for key in row})
    arrays = {f"i_{name}": np.array(sorted(kept)) for name, kept in found.items()}
    arrays |= {f"v_{name}": np.array([kept[i] for i in sorted(kept)], np.float32) for name, kept in found.items()}
    meta = np.array([[row.get(key, "") for key in keys] for row in rows])
    np.savez_compressed(path, allow_pickle=False, keys=np.array(keys), meta=meta, **arrays)


def _conditions(pixels: Pixels, face: Detection, settings: Settings) -> dict[str, Reals]:
    """The vector of one face under every condition that its size and colour allow."""
    mean = pixels.mean(axis=2, keepdims=True)
    coloured = float(np.abs(pixels - mean).mean()) > COLOURED
    found = {"full": _vector(pixels, face.points, settings)}
    if coloured:
        found["grey"] = _vector(_grey(pixels), face.points, settings)
    found["studio"] = _embedded(_in_studio(align.aligned(pixels, face.points)), settings)
    if coloured:
        found["studiogrey"] = _embedded(_in_studio(align.aligned(_grey(pixels), face.points)), settings)
    for side in SIDES:
        small = _reduced(pixels, face, side)
        if small is None:
            continue
        points = _found_again(*small, settings)
        found[f"s{side}"] = _vector(small[0], points, settings)
        if coloured:
            found[f"s{side}grey"] = _vector(_grey(small[0]), points, settings)
    return found


def _vector(pixels: Pixels, points: Points, settings: Settings) -> Reals:
    return _embedded(align.aligned(pixels, points), settings)


def _in_studio(chip: Pixels) -> Pixels:
    """A chip of 112 px before one backdrop (a grey that darkens downwards), its face under one light."""
    y, x = np.mgrid[: chip.shape[0], : chip.shape[1]]
    inside = ((x - FACE_AT[0]) / FACE_RADII[0]) ** 2 + ((y - FACE_AT[1]) / FACE_RADII[1]) ** 2 < 1
    share = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 2.0)[..., np.newaxis]
    backdrop = np.repeat((190 - 0.4 * y)[..., np.newaxis], 3, axis=2)
    lit = np.clip(chip * (STUDIO_LIGHT / max(1.0, float(np.median(chip[inside])))), 0, 255)
    return np.asarray(np.clip(lit * share + backdrop * (1 - share) + 0.5, 0, 255), np.uint8)


def _embedded(chip: Pixels, settings: Settings) -> Reals:
    blob = chip.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
    vector = open_session("sface", settings).run(["fc1"], {"data": blob})[0][0].astype(np.float64)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


def _grey(pixels: Pixels) -> Pixels:
    return np.repeat(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)[..., np.newaxis], 3, axis=2)


def _reduced(pixels: Pixels, face: Detection, side: int) -> tuple[Pixels, Points] | None:
    """The face and its surroundings with ``side`` px, saved as JPEG, and the five points; None where it is smaller."""
    x0, y0, x1, y1 = face.box
    scale = side / min(x1 - x0, y1 - y0)
    if scale >= 1:
        return None
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = max(0, int(x - face.side)), max(0, int(y - face.side))
    crop = pixels[top : int(y + face.side), left : int(x + face.side)]
    size = (max(8, round(crop.shape[1] * scale)), max(8, round(crop.shape[0] * scale)))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    saved = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    seen = np.ascontiguousarray(np.asarray(cv2.imdecode(saved, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
    factors = size[0] / crop.shape[1], size[1] / crop.shape[0]
    return seen, tuple(((px - left) * factors[0], (py - top) * factors[1]) for px, py in face.points)


def _found_again(pixels: Pixels, points: Points, settings: Settings) -> Points:
    """The points as the face finder sees them in the reduced picture; the given ones where it finds no face there."""
    middle, eyes = np.mean(points, axis=0), float(np.hypot(*np.subtract(points[0], points[1])))
    found = [one.points for one in detect.detect(pixels, settings)]
    near = [one for one in found if float(np.hypot(*(np.mean(one, axis=0) - middle))) < 0.4 * eyes + 2]
    return near[0] if near else points


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    taken: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in {row["file"]: row for row in rows}.values():
        news = re.match(r"(.+)_\d{4}\.jpg$", Path(row["file"]).name)
        if name == "muxspace_expressions":
            if news is None:
                continue
            row["person"] = news[1]
        group = (row.get("race", row.get("person", "")), row.get("gender", ""))
        taken[group] += 1
        if taken[group] <= (6 if name == "muxspace_expressions" else PER_GROUP.get(name, len(rows))):
            kept.append(row)
    return kept
