"""Figures of merit in plain numpy: area under the curve, pointing, and the trivial baseline's own AUC."""

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def auc(positive: Reals, negative: Reals) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann-Whitney)."""
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left") + np.searchsorted(ordered, positive, side="right")
    return float(below.mean() / 2 / len(negative))


def pointing(patches: Reals, mask: NDArray[np.float16]) -> float:
    """Share of pictures whose strongest patch lies on foreign pixels; both N×P."""
    strongest = patches.argmax(axis=1)
    return float((mask[np.arange(len(mask)), strongest] > 0.2).mean())


def trivial_auc(profiles: NDArray[np.float32], positive: NDArray[np.bool_], held_out: NDArray[np.bool_]) -> float:
    """AUC on the held-out side of a logistic regression on radial spectra: what a detector must beat."""
    mean, spread = profiles[~held_out].mean(axis=0), profiles[~held_out].std(axis=0) + 1e-6
    design = np.column_stack([(profiles - mean) / spread, np.ones(len(profiles))]).astype(np.float64)
    beta = np.zeros(design.shape[1])
    x, y = design[~held_out], positive[~held_out].astype(np.float64)
    for _ in range(30):
        probability = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        weight = probability * (1 - probability) + 1e-6
        beta += np.linalg.solve((x * weight[:, None]).T @ x + np.eye(len(beta)), x.T @ (y - probability) - beta)
    scores = design[held_out] @ beta
    return auc(scores[positive[held_out]], scores[~positive[held_out]])
