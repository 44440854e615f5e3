"""``python -m finetune.detectors.attributes.train --data DIR``: age bands and gender, a head on frozen features.

Softmax regressions on FairFace train (CC BY 4.0), mixed with dlib's networks on the same faces. The regularisation is
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
from faceagent.encoder.tower import load_tower
from faceagent.settings import Settings
from faceagent.tools.attributes import (
    BRANCH_SHARE,
    CENTRES,
    MALE,
    banded,
    chances,
    expected,
    mixed_logit,
)
from finetune.calibration.records import CALIBRATIONS, write_record
from finetune.calibration.tools import FAIRFACE
from finetune.data.sources import faces_of
from finetune.detectors.attributes import ages
from finetune.detectors.attributes.calibrate import CHILDREN, gender_record
from finetune.detectors.attributes.data import TAPS, AttributeRows, load_or_extract
from finetune.detectors.linear import LinearFit, Reals, fold_of, softmax_regression
from finetune.detectors.linear_head import ADAPTERS, write_linear_head

VERSION = "1.0.0"
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


def choose_age_fit(rows: AttributeRows) -> tuple[float, Reals]:
    """The strength of least error when mixed with dlib, and the mixed ages out of fold; prints the search."""
    truth = np.array([CENTRES[str(band)] for band in rows.band])
    dlib = expected(banded(rows.dlib_ages))
    best = (0.0, dlib, np.inf)
    for strength in STRENGTHS:
        own = expected(chances(out_of_fold_logits(rows, band_indices(rows), len(CENTRES), strength)))
        errors = [float(np.abs(share * own + (1 - share) * dlib - truth).mean()) for share in SHARES]
        top = int(np.argmin(errors))
        print(f"age {strength}: alone {errors[-1]:.3f}, dlib {errors[0]:.3f}, best {errors[top]:.3f} at {SHARES[top]}")
        mixture = BRANCH_SHARE * own + (1 - BRANCH_SHARE) * dlib
        error = float(np.abs(mixture - truth).mean())
        best = (strength, mixture, error) if error < best[2] else best
    return best[0], best[1]


def choose_gender_fit(rows: AttributeRows) -> tuple[float, Reals]:
    """The strength of best accuracy on adults when mixed with dlib, and the mixed logits of "male" out of fold."""
    adult = ~np.isin(rows.band, CHILDREN)
    best = (0.0, rows.dlib_male, -1.0)
    for strength in STRENGTHS:
        two = out_of_fold_logits(rows, rows.man.astype(np.int64), 2, strength)
        own = two[:, 1] - two[:, 0]
        right = [float(np.mean(((s * own + (1 - s) * rows.dlib_male) > 0) == rows.man, where=adult)) for s in SHARES]
        top = int(np.argmax(right))
        print(f"gender {strength}: alone {right[-1]:.4f}, dlib {right[0]:.4f}, best {right[top]:.4f} at {SHARES[top]}")
        mixture = mixed_logit(own, rows.dlib_male)
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
    rows = load_or_extract(cached, mark, faces, folder / "labels.csv", tower, settings)
    (age, years), (gender, logits) = choose_age_fit(rows), choose_gender_fit(rows)
    fitted = fit_head(rows, age, gender)
    write_linear_head(
        options.adapter,
        tower,
        name="attributes",
        version=VERSION,
        labels=(*CENTRES, MALE),
        taps=TAPS,
        weight=fitted.weight,
        bias=fitted.bias,
        mean=fitted.mean,
        spread=fitted.spread,
    )
    table = ages.age_table(years, rows.band.tolist())
    print(f"age held back by {age}, gender by {gender}; {table['held_out']}")
    for record in (table, gender_record(rows, logits)):
        print(f"wrote {write_record(record, options.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
