"""How far predicted points lie from labelled ones: NME, failure rate, area under the cumulative error curve."""

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, mean, reals

OUTER_EYES = (36, 45)
"""iBUG 68: the outer corners of both eyes, whose distance normalises errors."""


def normalised_error(truth: ArrayLike, guess: ArrayLike, eyes: tuple[int, int] = OUTER_EYES) -> Reals:
    """…×P×2 and …×P×2 → …: mean point distance over the labelled distance of two points. NaN when they coincide."""
    actual, found = reals(truth), reals(guess)
    between = np.linalg.norm(actual[..., eyes[0], :] - actual[..., eyes[1], :], axis=-1)
    distances = np.linalg.norm(actual - found, axis=-1).mean(axis=-1)
    return np.asarray(np.divide(distances, between, out=np.full(distances.shape, np.nan), where=between > 0))


def failure_rate(errors: ArrayLike, beyond: float = 0.10, weights: ArrayLike | None = None) -> Reals:
    """Share of faces with an error above ``beyond``."""
    return mean(reals(errors) > beyond, weights)


def error_area(errors: ArrayLike, up_to: float = 0.10, weights: ArrayLike | None = None) -> Reals:
    """Area under the cumulative error distribution from 0 to ``up_to``, divided by ``up_to``: 1 is perfect."""
    return mean(np.clip(1.0 - reals(errors) / up_to, 0.0, 1.0), weights)
