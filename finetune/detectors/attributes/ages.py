"""The table of ages: from the predicted age to an age with an interval, fitted on age bands.

Ages are assumed to be uniform within a band.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

BANDS = {
    "0-2": (0, 3),
    "3-9": (3, 10),
    "10-19": (10, 20),
    "20-29": (20, 30),
    "30-39": (30, 40),
    "40-49": (40, 50),
    "50-59": (50, 60),
    "60-69": (60, 70),
    "more than 70": (70, 85),
}
"""First year, and the year after the last; the open band ends where the set has hardly any faces."""
LEVEL = 0.8
KNOTS = np.arange(0.0, 80.1, 2.5)
"""Predicted ages, in years, for which the table has a row."""
WIDTH = 2.0
"""Kernel width in years (standard deviation of a Gaussian) over predicted ages."""
EVENNESS = 0.75
"""0: ages are as frequent as in the set; 1: every year is equally likely. Chosen among 0, 0.5, 0.75 and 1 by the mean
error per band (held-out fifths of FairFace train: 10.5, 9.5, 9.4, 9.4 years), at an overall error near that of the
set's own distribution."""
FOLDS = 5


def band_centre(band: str) -> float:
    """The age of a band in error measures: the middle of its whole years; 75 for 70 and over."""
    first, end = BANDS[band]
    return 75.0 if band == "more than 70" else (first + end - 1) / 2


def age_table(predicted: Reals, bands: Sequence[str], identifier: str) -> dict[str, Any]:
    """The interval record ``identifier``: knots, and for each the median age and the ends of the interval, monotone."""
    names = np.asarray(bands)
    held = np.zeros((len(predicted), 3))
    fold = np.arange(len(predicted)) % FOLDS
    for number in range(FOLDS):
        rest, out = fold != number, fold == number
        held[out] = interpolate(quantile_columns(predicted[rest], names[rest]), predicted[out])
    final = quantile_columns(predicted, names)
    return {
        "id": identifier,
        "kind": "interval",
        "scale": "years",
        "level": LEVEL,
        "predicted": KNOTS.tolist(),
        **{key: np.round(final[:, index], 1).tolist() for index, key in enumerate(("low", "value", "high"))},
        "fitted_on": "FairFace train, age bands",
        "n": len(predicted),
        "held_out": age_errors(held, predicted, names),
        "note": "Held-out fifths. Ages are apparent; the bands were set by annotators. People over 70 and under 3 "
        "are few.",
    }


def age_errors(found: Reals, predicted: Reals, bands: NDArray[np.str_]) -> dict[str, float]:
    """Error and coverage of N×3 (low, value, high) against bands; errors are to the middle of the band."""
    truth = np.array([band_centre(band) for band in bands])
    inside = (spread_ages(bands) >= found[:, 0]) & (spread_ages(bands) <= found[:, 2])
    present = [band for band in BANDS if (bands == band).any()]
    errors, raw = np.abs(found[:, 1] - truth), np.abs(predicted - truth)
    return {
        "mae": round(float(errors.mean()), 2),
        "mae_uncorrected": round(float(raw.mean()), 2),
        "mae_mean_of_bands": round(float(np.mean([errors[bands == band].mean() for band in present])), 2),
        "mae_mean_of_bands_uncorrected": round(float(np.mean([raw[bands == band].mean() for band in present])), 2),
        "coverage": round(float(inside.mean()), 3),
        "coverage_mean_of_bands": round(float(np.mean([inside[bands == band].mean() for band in present])), 3),
        "mean_width": round(float((found[:, 2] - found[:, 0]).mean()), 1),
    }


def spread_ages(bands: NDArray[np.str_]) -> Reals:
    """One age per face, uniform within its band: a golden-ratio sequence instead of random numbers."""
    place = (np.arange(len(bands)) * 0.6180339887498949) % 1
    first, end = np.array([BANDS[band] for band in bands], dtype=np.float64).T
    return np.asarray(first + place * (end - first))


def quantile_columns(predicted: Reals, bands: NDArray[np.str_]) -> Reals:
    """Knots × (low, median, high): weighted quantiles of the ages of those with a similar prediction."""
    ages = spread_ages(bands)
    years = np.array([BANDS[band][1] - BANDS[band][0] for band in bands], dtype=np.float64)
    counts = {band: int((bands == band).sum()) for band in BANDS}
    even = (years / np.array([counts[band] for band in bands])) ** EVENNESS
    order = np.argsort(ages)
    rows = []
    for knot in KNOTS:
        weight = (even * np.exp(-0.5 * ((predicted - knot) / WIDTH) ** 2) + 1e-12)[order]
        share = np.cumsum(weight) - weight / 2
        rows.append(np.interp(np.array([(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]) * weight.sum(), share, ages[order]))
    return np.maximum.accumulate(np.array(rows), axis=0)


def interpolate(table_columns: Reals, predicted: Reals) -> Reals:
    """N×3 (low, value, high): the table between its knots."""
    return np.column_stack([np.interp(predicted, KNOTS, column) for column in table_columns.T])
