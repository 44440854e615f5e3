"""Validation scores of the forgery branch: pointing, and the AUC of the trivial baseline."""

import numpy as np
from numpy.typing import NDArray

from evals.metrics.localisation import pointing
from evals.metrics.ranking import two_sample_auc

Reals = NDArray[np.float64]

FOREIGN = 0.2
"""Share of foreign pixels from which a patch counts as forged."""


def pointing_rate(patches: Reals, mask: NDArray[np.float16]) -> float:
    """Share of pictures whose highest patch lies on foreign pixels; both N×P. No forged patch counts as a miss."""
    return float(np.nan_to_num(pointing(patches, mask > FOREIGN)).mean())


def spectrum_auc(profiles: NDArray[np.float32], positive: NDArray[np.bool_], held_out: NDArray[np.bool_]) -> float:
    """AUC on the held-out side of a logistic regression on radial spectra: a detector must exceed it."""
    mean, spread = profiles[~held_out].mean(axis=0), profiles[~held_out].std(axis=0) + 1e-6
    design = np.column_stack([(profiles - mean) / spread, np.ones(len(profiles))]).astype(np.float64)
    beta = np.zeros(design.shape[1])
    x, y = design[~held_out], positive[~held_out].astype(np.float64)
    for _ in range(30):
        probability = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        weight = probability * (1 - probability) + 1e-6
        beta += np.linalg.solve((x * weight[:, None]).T @ x + np.eye(len(beta)), x.T @ (y - probability) - beta)
    scores = design[held_out] @ beta
    return two_sample_auc(scores[positive[held_out]], scores[~positive[held_out]])
