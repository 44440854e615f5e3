"""The linear fit of an added family, and what the fused score is worth for every family before and after.

All families are alternatives: a face is forged when one of them says so. The fused score is the mean of their
likelihood ratios, as the judge fuses them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.metrics.ranking import two_sample_auc
from faceagent.judge.calibrate import LN10, Platt
from finetune.calibration.records import CalibrationRecord, binary_record, operating_point
from finetune.detectors.added.data import PHOTOGRAPH, FamilyRows
from finetune.detectors.linear import LinearFit, fold_of, out_of_fold, ridge

Reals = NDArray[np.float64]

CHOICES: tuple[tuple[int, ...], ...] = ((4,), (6,), (8,), (4, 6, 8))
STRENGTHS = (0.1, 0.5, 2.0)
FALSE_ALARMS = (0.02, 0.01)
"""Rates of photographs flagged at the operating points; the first is the default."""
FLOOR = -0.3
"""Least log10 LR, one half: no sign of this family does not make a face bona fide."""


class FamilyFit(NamedTuple):
    """The blocks read, the linear map of all rows, and every row's score by a fit without its source."""

    taps: tuple[int, ...]
    linear: LinearFit
    scores: Reals


class Worth(NamedTuple):
    """AUC of the fused score for one family against photographs, without and with the family that is added."""

    before: float
    after: float


def fit_family(rows: FamilyRows, family: str) -> FamilyFit:
    """Blocks and strength with the best AUC on sources that the fit did not see."""
    used = np.isin(rows.kind, (family, PHOTOGRAPH))
    attack = rows.kind[used] == family
    target = np.where(attack, 1.0, -1.0)[:, np.newaxis]
    share = np.where(attack, 1 / attack.sum(), 1 / (~attack).sum())
    sources = rows.source[used].tolist()
    best: tuple[float, tuple[int, ...], float] = (-1.0, CHOICES[0], STRENGTHS[0])
    for taps in CHOICES:
        for strength in STRENGTHS:
            scores = out_of_fold(rows.beside(taps)[used], target, sources, strength, share)[:, 0]
            best = max(best, (two_sample_auc(scores[attack], scores[~attack]), taps, strength), key=lambda one: one[0])
    _, taps, strength = best
    features = rows.beside(taps)
    fold = np.array([fold_of(source) for source in rows.source])
    scores = np.full(len(fold), np.nan)
    for number in np.unique(fold):
        # What was made from a photograph is scored by the fit that did not see the photograph.
        rest = fold[used] != number
        fitted = ridge(features[used][rest], target[rest], strength, share[rest])
        scores[fold == number] = fitted(features[fold == number])[:, 0]
    return FamilyFit(taps, ridge(features[used], target, strength, share), scores)


def family_record(rows: FamilyRows, fitted: FamilyFit, family: str, branch: str) -> CalibrationRecord:
    """The calibration of the family's logit, from scores of sources that the fit did not see."""
    attack, photograph = rows.kind == family, rows.kind == PHOTOGRAPH
    plain = fitted.scores[photograph & ~rows.degraded]
    groups = np.unique(rows.source, return_inverse=True)[1].astype(np.int64)
    points = [
        operating_point(
            f"BPCER {rate:.0%}".replace("%", " %"),
            threshold,
            {"bpcer": rate, "apcer": float(np.mean(fitted.scores[attack] < threshold))},
        )
        for rate in FALSE_ALARMS
        for threshold in [float(np.quantile(plain, 1 - rate))]
    ]
    record = binary_record(
        f"forgery/{branch}-1",
        "logit",
        ("forged", "bona_fide"),
        (fitted.scores[attack], fitted.scores[photograph]),
        (groups[attack], groups[photograph]),
        points,
        fitted_on=f"{len(set(rows.source[attack]))} sources of the family {family} and "
        f"{len(set(rows.source[photograph]))} of photographs, each scored by a fit without it",
        note="Added after training, see finetune.add_family.",
    )
    return {**record, "floor_log10": FLOOR, "attack_type": family}


def worth(rows: FamilyRows, kind: str, before: Sequence[Reals], added: Reals) -> Worth:
    """What the fused score is worth for the rows of one kind against the photographs beside them.

    ``before``: log10 likelihood ratios of the rows by every earlier family; ``added``: by the new one.
    """
    attack, photograph = rows.kind == kind, rows.kind == PHOTOGRAPH
    return Worth(
        *(two_sample_auc(score[attack], score[photograph]) for score in (fused(list(before)), fused([*before, added])))
    )


def fused(ratios: Sequence[Reals]) -> Reals:
    """log10 of the mean of likelihood ratios given as log10."""
    return np.asarray(np.log10(np.mean(10.0 ** np.stack(ratios), axis=0)), np.float64)


def log_ratios(record: Platt, scores: Reals) -> Reals:
    """log10 likelihood ratios of raw scores, before floors and caps, which would tie them."""
    return np.asarray((record.slope * scores + record.intercept) / LN10, np.float64)


def forgetting(found: Mapping[str, Worth], family: str) -> float:
    """Mean loss of AUC over the families known before; 0 where there are none."""
    lost = [one.before - one.after for name, one in found.items() if name != family]
    return float(np.mean(lost)) if lost else 0.0
