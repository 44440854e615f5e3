"""``python -m finetune.detectors.attributes.train --data DIR``: age bands and gender, a head on frozen features.

``--branch attributes`` (the default) reads CLIP, ``--branch attributes_fast`` DINOv2. Softmax regressions on FairFace
train (CC BY 4.0), mixed with dlib's networks on the same faces. The regularisation is
chosen out of fold; the table of ages and the likelihood ratio of gender are fitted on out-of-fold predictions.
FairFace's third label is not read.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.fingerprint import fingerprint
from faceagent.encoder.tower import CLIP, DINOV2, Tower, load_tower
from faceagent.settings import Settings
from faceagent.tools.attributes import (
    CENTRES,
    ESTIMATORS,
    FAST,
    FULL,
    MALE,
    Estimator,
    averaged,
    banded,
    chances,
    expected,
)
from finetune.calibration.records import CALIBRATIONS, write_record
from finetune.calibration.tools import FAIRFACE
from finetune.data.sources import faces_of
from finetune.detectors.attributes import ages
from finetune.detectors.attributes.calibrate import CHILDREN, gender_record
from finetune.detectors.attributes.data import AttributeRows, load_or_extract
from finetune.detectors.linear import LinearFit, Reals, fold_of, softmax_regression
from finetune.detectors.linear_head import ADAPTERS, write_linear_head

VERSION = "2.0.0"
SETS = (FAIRFACE, "fairface_train_more")
READS: dict[str, tuple[str, tuple[int, ...]]] = {FULL.branch: (CLIP, (10,)), FAST.branch: (DINOV2, (12,))}
"""Tower and blocks of every branch: DINOv2's last block alone is as good as any out of fold; CLIP's tenth has the least
error in age of 4, 6, 8, 10 and 12."""
STRENGTHS = (0.01, 0.03, 0.1)
SHARES = tuple(round(0.1 * step, 1) for step in range(11))


def out_of_fold_logits(rows: AttributeRows, classes: NDArray[np.int64], count: int, strength: float) -> Reals:
    """N×count logits; every row by a fit without its fold."""
    fold, found = np.array([fold_of(str(source)) for source in rows.source]), np.zeros((len(classes), count))
    for number in np.unique(fold):
        rest = fold != number
        found[~rest] = softmax_regression(rows.features[rest], classes[rest], count, strength)(rows.features[~rest])
    return found


def band_indices(rows: AttributeRows) -> NDArray[np.int64]:
    """Index of every face's band."""
    names = list(CENTRES)
    return np.array([names.index(str(band)) for band in rows.band], dtype=np.int64)


def choose_age_fit(rows: AttributeRows, estimator: Estimator) -> tuple[float, Reals]:
    """The strength of least error when mixed with dlib, and the mixed ages out of fold; prints the search."""
    truth = np.array([CENTRES[str(band)] for band in rows.band])
    dlib = expected(banded(rows.dlib_ages))
    best = (0.0, dlib, np.inf)
    for strength in STRENGTHS:
        own = expected(chances(out_of_fold_logits(rows, band_indices(rows), len(CENTRES), strength)))
        errors = [float(np.abs(share * own + (1 - share) * dlib - truth).mean()) for share in SHARES]
        top = int(np.argmin(errors))
        print(f"age {strength}: alone {errors[-1]:.3f}, dlib {errors[0]:.3f}, best {errors[top]:.3f} at {SHARES[top]}")
        mixture = averaged(own, dlib, estimator.age_share)
        error = float(np.abs(mixture - truth).mean())
        best = (strength, mixture, error) if error < best[2] else best
    return best[0], best[1]


def choose_gender_fit(rows: AttributeRows, estimator: Estimator) -> tuple[float, Reals]:
    """The strength of best accuracy on adults when mixed with dlib, and the mixed logits of "male" out of fold."""
    adult = ~np.isin(rows.band, CHILDREN)
    best = (0.0, rows.dlib_male, -1.0)
    for strength in STRENGTHS:
        two = out_of_fold_logits(rows, rows.man.astype(np.int64), 2, strength)
        own = two[:, 1] - two[:, 0]
        right = [float(np.mean(((s * own + (1 - s) * rows.dlib_male) > 0) == rows.man, where=adult)) for s in SHARES]
        top = int(np.argmax(right))
        print(f"gender {strength}: alone {right[-1]:.4f}, dlib {right[0]:.4f}, best {right[top]:.4f} at {SHARES[top]}")
        mixture = averaged(own, rows.dlib_male, estimator.gender_share)
        share = float(np.mean((mixture > 0) == rows.man, where=adult))
        # Of equals the one that is held back most: it is less sure of itself.
        best = (strength, mixture, share) if share >= best[2] else best
    return best[0], best[1]


def fit_head(rows: AttributeRows, age: float, gender: float) -> LinearFit:
    """Both fits on all rows, as one head: a logit per band, then that of "male"."""
    bands = softmax_regression(rows.features, band_indices(rows), len(CENTRES), age)
    two = softmax_regression(rows.features, rows.man.astype(np.int64), 2, gender)
    weight = np.vstack([bands.weight, two.weight[1] - two.weight[0]])
    return LinearFit(weight, np.append(bands.bias, two.bias[1] - two.bias[0]), bands.mean, bands.spread)


def main(arguments: list[str] | None = None) -> int:
    """Fit, calibrate and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.attributes.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where faces and features are remembered")
    parser.add_argument("--branch", choices=tuple(READS), default=FULL.branch)
    parser.add_argument("--most", type=int, help="pictures of every set, evenly spread; default: all")
    parser.add_argument("--adapter", type=Path, help="folder of the head; default: the shipped one's")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings, estimator = Settings(), ESTIMATORS[options.branch]
    folders = {name: Path(options.data) / name for name in SETS if (Path(options.data) / name).is_dir()}
    name, taps = READS[estimator.branch]
    tower = load_tower(settings, name)
    faces = [one for part in folders for one in faces_of(part, folders, options.runs / "faces", settings, options.most)]
    mark = fingerprint(taps, len(faces), tower.stamp.sha256)
    cached = options.runs / estimator.branch / "faces.npz"
    rows = load_or_extract(cached, mark, faces, tuple(folders.values()), tower, taps, settings)
    fit_and_write(rows, tower, estimator, options.adapter or ADAPTERS / estimator.branch, options.out)
    return 0


def fit_and_write(rows: AttributeRows, tower: Tower, estimator: Estimator, adapter: Path, out: Path) -> None:
    """Choose, fit, calibrate, and write the head and both records; prints the search."""
    (age, years), (gender, logits) = choose_age_fit(rows, estimator), choose_gender_fit(rows, estimator)
    fitted = fit_head(rows, age, gender)
    write_linear_head(
        adapter,
        tower,
        fitted,
        name=estimator.branch,
        version=VERSION,
        labels=(*CENTRES, MALE),
        taps=READS[estimator.branch][1],
    )
    table = ages.age_table(years, rows.band.tolist(), estimator.age_table)
    print(f"age held back by {age}, gender by {gender}; {table['held_out']}")
    for record in (table, gender_record(rows, logits, estimator.gender_calibration)):
        print(f"wrote {write_record(record, out)}")


if __name__ == "__main__":
    sys.exit(main())
