"""``python -m finetune.detectors.attributes.train --data DIR``: age bands and gender, a head on frozen features.

Softmax regressions on FairFace train (CC BY 4.0), beside dlib's networks on the same faces. How strongly the fits are
held back and how much each side weighs is chosen out of fold, and the table of ages and the likelihood ratio of gender
are fitted on what comes out of fold. FairFace's third label is not read.
"""

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.fingerprint import fingerprint
from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.views import drawn
from faceagent.encoder.crop import face_crop
from faceagent.encoder.taps import tap_features
from faceagent.encoder.tower import Tower, load_tower
from faceagent.settings import Settings
from faceagent.tools.attributes import (
    BRANCH_SHARE,
    CENTRES,
    GENDER_CALIBRATION,
    MALE,
    Attributes,
    banded,
    chances,
    expected,
    mixed_logit,
)  # fmt: skip
from faceagent.tools.base import View
from faceagent.types import Face, Quality
from finetune.calibration import platt
from finetune.calibration.records import CALIBRATIONS, CalibrationRecord, binary_record, operating_point, write_record
from finetune.calibration.tools import FAIRFACE
from finetune.data.precision import autocast
from finetune.data.sources import faces_of
from finetune.detectors.attributes import ages
from finetune.detectors.linear import Linear, Reals, fold_of, softmax
from finetune.detectors.linear_head import ADAPTERS, write_tapped

VERSION = "1.0.0"
TAPS = (12,)
"""Tried out of fold: blocks 8, 10, 12 and pairs of them; the last alone is as good as any."""
STRENGTHS = (0.01, 0.03, 0.1)
CHILDREN = ("0-2", "3-9", "10-19")
BATCH = 16
FIVE = (33, 263, 1, 61, 291)
"""Mesh points in place of the face finder's five: right eye, left eye, tip of the nose, corners of the mouth."""
SHARES = tuple(round(0.1 * step, 1) for step in range(11))


class Known(NamedTuple):
    """One row per face: features of the taps, dlib's 81 ages and its logit of "male", labels, source."""

    features: NDArray[np.float32]
    dlib_ages: Reals
    dlib_male: Reals
    band: NDArray[np.str_]
    man: NDArray[np.bool_]
    source: NDArray[np.str_]


def known(faces: Sequence[LocatedFace], labels: dict[str, dict[str, str]], tower: Tower, settings: Settings) -> Known:
    """What both models see in every face."""
    tool, features, years, male = Attributes(settings), [], [], []
    for start in track(range(0, len(faces), BATCH), description="faces"):
        some = faces[start : start + BATCH]
        views = [_view(one) for one in some]
        crops = [face_crop(view.pixels(), one.box).pixels for view, one in zip(views, some, strict=True)]
        with autocast(tower.device):
            features.append(tap_features(tower, crops, TAPS))
        found = tool.dlib(views)
        years.append(found[0])
        male.append(found[1])
    rows = [labels[Path(one.path).name] for one in faces]
    return Known(
        np.concatenate(features), np.concatenate(years), np.concatenate(male),
        np.array([row["age"] for row in rows]), np.array([row["gender"] == "Male" for row in rows]),
        np.array([one.source for one in faces]),
    )  # fmt: skip


def remembered(
    path: Path, mark: str, faces: Sequence[LocatedFace], labels: Path, tower: Tower, settings: Settings
) -> Known:
    """What is at ``path`` if it carries the mark, else ``known``, kept there."""
    if path.is_file():
        stored = np.load(path)
        if str(stored["mark"]) == mark:
            return Known(*(stored[key] for key in Known._fields))
    with labels.open(newline="", encoding="utf-8") as file:
        made = known(faces, {row["file"]: row for row in csv.DictReader(file)}, tower, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, mark=np.array(mark), **made._asdict())
    return made


def held_out(rows: Known, classes: NDArray[np.int64], count: int, strength: float) -> Reals:
    """N×count logits, every row by a fit that never saw its fold."""
    fold, found = np.array([fold_of(str(source)) for source in rows.source]), np.zeros((len(classes), count))
    for number in np.unique(fold):
        rest = fold != number
        found[~rest] = softmax(rows.features[rest], classes[rest], count, strength)(rows.features[~rest])
    return found


def bands_of(rows: Known) -> NDArray[np.int64]:
    """The number of every face's band."""
    names = list(CENTRES)
    return np.array([names.index(str(band)) for band in rows.band], dtype=np.int64)


def age_choice(rows: Known) -> tuple[float, Reals]:
    """The strength of least error beside dlib, and the mixed ages out of fold; prints the search."""
    truth = np.array([CENTRES[str(band)] for band in rows.band])
    dlib = expected(banded(rows.dlib_ages))
    best = (0.0, dlib, np.inf)
    for strength in STRENGTHS:
        own = expected(chances(held_out(rows, bands_of(rows), len(CENTRES), strength)))
        errors = [float(np.abs(share * own + (1 - share) * dlib - truth).mean()) for share in SHARES]
        top = int(np.argmin(errors))
        print(f"age {strength}: alone {errors[-1]:.3f}, dlib {errors[0]:.3f}, best {errors[top]:.3f} at {SHARES[top]}")
        mixture = BRANCH_SHARE * own + (1 - BRANCH_SHARE) * dlib
        error = float(np.abs(mixture - truth).mean())
        best = (strength, mixture, error) if error < best[2] else best
    return best[0], best[1]


def gender_choice(rows: Known) -> tuple[float, Reals]:
    """The strength of highest accuracy on adults beside dlib, and the mixed logits of "male" out of fold."""
    adult = ~np.isin(rows.band, CHILDREN)
    best = (0.0, rows.dlib_male, -1.0)
    for strength in STRENGTHS:
        two = held_out(rows, rows.man.astype(np.int64), 2, strength)
        own = two[:, 1] - two[:, 0]
        right = [float(np.mean(((s * own + (1 - s) * rows.dlib_male) > 0) == rows.man, where=adult)) for s in SHARES]
        top = int(np.argmax(right))
        print(f"gender {strength}: alone {right[-1]:.4f}, dlib {right[0]:.4f}, best {right[top]:.4f} at {SHARES[top]}")
        mixture = mixed_logit(own, rows.dlib_male)
        share = float(np.mean((mixture > 0) == rows.man, where=adult))
        # Of equals the one that is held back most: it is less sure of itself.
        best = (strength, mixture, share) if share >= best[2] else best
    return best[0], best[1]


def gender_record(rows: Known, logits: Reals) -> CalibrationRecord:
    """Platt's fit of the mixed logit on adults, with its even point."""
    adult = ~np.isin(rows.band, CHILDREN)
    male, female = logits[adult & rows.man], logits[adult & ~rows.man]
    fitted = platt.fit(male, female)
    even = -fitted.intercept / fitted.slope
    errors = {"men_called_female": float(np.mean(male < even)), "women_called_male": float(np.mean(female >= even))}
    return binary_record(
        GENDER_CALIBRATION, "logit", ("male", "female"), (male, female),
        (np.arange(len(male)), np.arange(len(female))), [operating_point("even", even, errors)],
        fitted_on="FairFace train, aged 20 and over, out of fold",
        note="Apparent gender in the two classes that the annotators were given. Not fitted for children.",
    )  # fmt: skip


def finished(rows: Known, age: float, gender: float) -> Linear:
    """Both fits on everybody, as one head: a logit per band, then that of "male"."""
    bands = softmax(rows.features, bands_of(rows), len(CENTRES), age)
    two = softmax(rows.features, rows.man.astype(np.int64), 2, gender)
    weight = np.vstack([bands.weight, two.weight[1] - two.weight[0]])
    return Linear(weight, np.append(bands.bias, two.bias[1] - two.bias[0]), bands.mean, bands.spread)


def main(arguments: list[str] | None = None) -> int:
    """Fit, calibrate and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.attributes.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where faces and features are remembered")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / "attributes")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings, folder = Settings(), Path(options.data) / FAIRFACE
    tower = load_tower(settings)
    faces = faces_of(FAIRFACE, {FAIRFACE: folder}, options.runs / "faces", settings)
    mark = fingerprint(TAPS, len(faces), tower.stamp.sha256)
    cached = options.runs / "attributes" / "faces.npz"
    rows = remembered(cached, mark, faces, folder / "labels.csv", tower, settings)
    (age, years), (gender, logits) = age_choice(rows), gender_choice(rows)
    fitted = finished(rows, age, gender)
    write_tapped(
        options.adapter, tower, name="attributes", version=VERSION, labels=(*CENTRES, MALE), taps=TAPS,
        weight=fitted.weight, bias=fitted.bias, mean=fitted.mean, spread=fitted.spread,
    )  # fmt: skip
    table = ages.table(years, rows.band.tolist())
    print(f"age held back by {age}, gender by {gender}; {table['held_out']}")
    for record in (table, gender_record(rows, logits)):
        print(f"wrote {write_record(record, options.out)}")
    return 0


def _view(found: LocatedFace) -> View:
    """The picture with its remembered face, as the tool gets it."""
    seen = drawn(read_pixels(found))
    level = {name: 100.0 for name in Quality.model_fields}
    face = Face(
        id="F1", picture=seen.picture.id, box=found.box, confidence=1.0,
        points5=tuple(found.points[index] for index in FIVE), landmarks=found.points, quality=Quality(**level),
    )  # fmt: skip
    return View(seen.picture, seen.pixels, seen.original, face)


if __name__ == "__main__":
    sys.exit(main())
