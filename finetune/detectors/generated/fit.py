"""The linear fits of the generated-face head: the detector, the generator families, and whitened axes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.detectors.generated.data import FAMILIES, GeneratedRows
from finetune.detectors.linear import LinearFit, Reals, ridge

AXES = 64


def row_weights(rows: GeneratedRows) -> Reals:
    """Weight per row: photographs and generated faces balance; within each, sets count by the root of their size."""
    share, synthetic = np.zeros(len(rows.made_by)), rows.synthetic
    for side in (False, True):
        sizes = {name: np.sum(rows.made_by == name) for name in np.unique(rows.made_by[synthetic == side])}
        for name, size in sizes.items():
            share[rows.made_by == name] = size**-0.5 / sum(one**0.5 for one in sizes.values())
    return share


def select_rows(rows: GeneratedRows, which: NDArray[np.bool_]) -> GeneratedRows:
    """The rows flagged in ``which``."""
    return GeneratedRows(rows.features[which], rows.made_by[which], rows.source[which], rows.moved[which])


def fit_detector(rows: GeneratedRows, taps: Sequence[int], strength: float) -> LinearFit:
    """Ridge regression: generated (+1) against photograph (-1)."""
    truth = np.where(rows.synthetic, 1.0, -1.0)[:, np.newaxis]
    return ridge(rows.beside(taps), truth, strength, row_weights(rows))


def fit_families(rows: GeneratedRows, taps: Sequence[int], strength: float) -> LinearFit:
    """One output per family: +1 for its faces, -1 for all others and for photographs."""
    truth = np.stack([np.where(np.isin(rows.made_by, names), 1.0, -1.0) for names in FAMILIES.values()], axis=1)
    return ridge(rows.beside(taps), truth, strength, row_weights(rows))


def fit_whitening(rows: GeneratedRows, taps: Sequence[int]) -> LinearFit:
    """The main axes of all training features, each with standard deviation 1, for distances."""
    x = rows.beside(taps).astype(np.float64)
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-4)
    values, vectors = np.linalg.eigh(np.cov((x - mean) / spread, rowvar=False))
    weight = (vectors[:, ::-1][:, :AXES] / np.sqrt(values[::-1][:AXES])).T
    return LinearFit(weight, np.zeros(AXES), mean, spread)


def stack_fits(parts: Sequence[LinearFit]) -> LinearFit:
    """Several fits on the same features as one, with the standardisation of the first."""
    first = parts[0]
    weight = np.concatenate([part.weight / part.spread * first.spread for part in parts])
    bias = np.concatenate([part.bias + part.weight @ ((first.mean - part.mean) / part.spread) for part in parts])
    return LinearFit(weight, bias, first.mean, first.spread)
