"""Trivial cues: what a detector could have learnt instead of what it is for.

File size, resolution, sharpness and the radial spectrum are taken from every picture beside the detector's score.
A set on which they do as well as the detector says little about the detector.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Flags, Reals, flags, reals
from faceagent.tools.base import View

SIDE = 512
"""px: the spectrum is that of the picture's middle, not resampled, because resampling is what it would show."""
RINGS = 32
FOLDS = 5
RIDGE = 1.0
STEPS = 12


def shortcut_features_of(view: View) -> dict[str, Any]:
    """The cues of a picture, ready for a record; keys start with ``cue_``."""
    grey = cv2.cvtColor(np.ascontiguousarray(view.pixels()), cv2.COLOR_RGB2GRAY)
    return {
        "cue_file_size": view.picture.bytes,
        "cue_resolution": view.picture.width * view.picture.height,
        "cue_sharpness": round(float(cv2.Laplacian(grey, cv2.CV_64F).var()), 4),
        "cue_spectrum": [round(float(value), 4) for value in radial_spectrum(grey)],
    }


def radial_spectrum(grey: ArrayLike) -> Reals:
    """32 numbers: mean log power in rings of equal width from zero to the highest frequency of the shorter side."""
    pixels = reals(grey)
    height, width = (min(side, SIDE) for side in pixels.shape)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    crop = pixels[top : top + height, left : left + width]
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(np.fft.fftshift(np.fft.fft2((crop - crop.mean()) * window))) ** 2
    rows, columns = (np.fft.fftshift(np.fft.fftfreq(side)) for side in (height, width))
    radius = np.hypot(rows[:, np.newaxis], columns[np.newaxis, :])
    ring = np.minimum((radius / 0.5 * RINGS).astype(np.int64), RINGS)
    total = np.bincount(ring.ravel(), weights=np.log1p(power).ravel(), minlength=RINGS + 1)
    count = np.bincount(ring.ravel(), minlength=RINGS + 1)
    return np.asarray((total / np.maximum(count, 1))[:RINGS])


def oriented(cue: ArrayLike, positive: ArrayLike) -> Reals:
    """The cue, turned so that positives tend to have more of it: a cheat would know which way to look."""
    values, truth = reals(cue), flags(positive)
    if truth.all() or not truth.any():
        return values
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return values if order[truth].mean() >= order[~truth].mean() else -values


def cross_validated(features: ArrayLike, positive: ArrayLike, clusters: list[str]) -> Reals:
    """Logit of a ridge logistic regression, each sample from a fit that saw neither it nor its cluster.

    NaN for all when a class is missing from a training part.
    """
    table, truth = reals(features), flags(positive)
    names = sorted(set(clusters))
    if len(names) < FOLDS or table.ndim != 2:
        return np.full(len(truth), np.nan)
    # Dealt out by class, so that every fold has both; the names decide, not the order of the samples.
    kinds = dict(zip(reversed(clusters), reversed(truth.tolist()), strict=True))
    dealt = {
        name: place % FOLDS
        for kind in (True, False)
        for place, name in enumerate(name for name in names if kinds[name] == kind)
    }
    fold = np.array([dealt[name] for name in clusters])
    logits = np.full(len(truth), np.nan)
    for index in range(FOLDS):
        train = fold != index
        if truth[train].all() or not truth[train].any():
            return np.full(len(truth), np.nan)
        logits[~train] = _predict(table[~train], *_fit(table[train], truth[train]))
    return logits


def _fit(table: Reals, truth: Flags) -> tuple[Reals, Reals, Reals]:
    """Mean, scale and weights (the last is the intercept), by Newton's method."""
    middle, scale = table.mean(axis=0), table.std(axis=0) + 1e-9
    x = np.column_stack([(table - middle) / scale, np.ones(len(table))])
    penalty = np.diag([RIDGE] * table.shape[1] + [1e-6])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        share = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (share - truth) + penalty @ weights
        curvature = (x * (share * (1 - share))[:, np.newaxis]).T @ x + penalty
        weights = weights - np.linalg.solve(curvature, gradient)
    return middle, scale, weights


def _predict(table: Reals, middle: Reals, scale: Reals, weights: Reals) -> Reals:
    return np.asarray(((table - middle) / scale) @ weights[:-1] + weights[-1])
