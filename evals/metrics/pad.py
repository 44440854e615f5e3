"""Presentation and morphing attack detection: the error names of ISO/IEC 30107-3 and ISO/IEC 20059.

APCER is the share of attacks taken for bona fide, per attack type; the standard reports the worst type. BPCER is the
share of bona fide presentations taken for attacks; NIST calls the same rate BSCER where the attack is a morph.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.metrics.arrays import Reals, flags, nanmean, reals, share
from evals.metrics.ranking import Curve, equal_error, fpr_at_fnr

POINTS = (0.10, 0.05, 0.01)
"""APCERs at which BPCER is stated: BPCER10, BPCER20 and BPCER100."""


class Errors(NamedTuple):
    """Error rates at one threshold."""

    apcer: Mapping[str, Reals]
    apcer_max: Reals
    apcer_mean: Reals
    bpcer: Reals
    acer: Reals
    hter: Reals


def errors_at(
    threshold: float,
    scores: ArrayLike,
    attack: ArrayLike,
    types: Sequence[str],
    weights: ArrayLike | None = None,
) -> Errors:
    """Errors when a score of at least ``threshold`` is called an attack; ``types`` names each sample's attack type.

    ACER is the mean of the worst APCER and BPCER; HTER the mean of the APCER over all attacks together and BPCER.
    """
    called, attacks, names = reals(scores) >= threshold, flags(attack), np.asarray(types, dtype=str)
    apcer = {name: share(~called, attacks & (names == name), weights) for name in sorted(set(names[attacks].tolist()))}
    bpcer = share(called, ~attacks, weights)
    overall = share(~called, attacks, weights)
    stack = np.stack(list(apcer.values())) if apcer else overall[np.newaxis]
    # A bootstrap round may miss a rare type; the worst of the others stands in for it.
    gone = np.isnan(stack)
    worst = np.where(gone.all(axis=0), np.nan, np.where(gone, -np.inf, stack).max(axis=0))
    return Errors(apcer, worst, nanmean(stack), bpcer, (worst + bpcer) / 2, (overall + bpcer) / 2)


def bpcer_at_apcer(points: Curve, apcer: float) -> Reals:
    """The lowest BPCER among thresholds with no more than ``apcer``."""
    return fpr_at_fnr(points, apcer)


def detection_eer(points: Curve) -> Reals:
    """D-EER: where APCER and BPCER are equal."""
    return equal_error(points)
