"""Print and replay attacks on celeba_spoof_600, beside a baseline that only looks at sharpness."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.acceptance import Row, labels
from evals.acceptance.identity import equal_error
from evals.metrics.ranking import two_sample_auc as auc
from evals.views import portraits
from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings
from faceagent.tools.base import Pixels
from faceagent.tools.spoof import Spoof
from faceagent.types import Score

Reals = NDArray[np.float64]
SET = "celeba_spoof_600"


def rows(data: Path, settings: Settings) -> Iterable[Row]:
    """AUC and EER of the detector, AUC of the baseline on the same pictures, errors where the shipped lines are."""
    tool = Spoof(settings)
    kinds = {row["file"]: row["label"] for row in labels(data, SET)}
    scores: list[Score] = []
    blur, attack, grey = [], [], 0
    for file, view in portraits(data / SET, kinds, settings):
        item = None if view is None else tool.run([view])[0][0]
        score = None if item is None else item.score
        grey += item is not None and item.reason == "no_colour"
        if view is not None and score is not None:
            scores.append(score)
            blur.append(-sharpness(view.pixels()))
            attack.append(kinds[file] != "live")
    values, truth, dull = np.array([score.value for score in scores]), np.array(attack), np.array(blur)
    missing = f"{len(kinds) - len(truth) - grey} without a face, {grey} without colour"
    value, (low, high) = auc(values[truth], values[~truth]), auc_interval(values[truth], values[~truth])
    yield Row(
        on=SET, figure="spoof: AUC", value=value, low=low, high=high, n=len(truth), bar=0.92, aim=0.95, note=missing
    )
    low, high = auc_interval(dull[truth], dull[~truth])
    yield Row(
        on=SET, figure="baseline: AUC of Laplacian variance", value=auc(dull[truth], dull[~truth]), low=low,
        high=high, n=len(truth),
    )  # fmt: skip
    yield Row(
        on=SET, figure="spoof: equal error rate", value=equal_error(values[truth], values[~truth]), n=len(truth),
        lower_is_better=True,
    )  # fmt: skip
    yield from _lines(scores, truth)


def _lines(scores: list[Score], truth: NDArray[np.bool_]) -> Iterable[Row]:
    """What the shipped calibrations, fitted on simulated attacks, do to real ones."""
    beyond, ratios = [], []
    for score in scores:
        fitted = calibration(score.calibration or "")
        if isinstance(fitted, Platt):
            beyond.append(score.value >= fitted.operating_points[0].threshold)
            ratios.append(fitted.ratio(score.value).value)
    called, llr = np.array(beyond), np.array(ratios)
    name = "the shipped line"
    yield Row(
        on=SET, figure=f"spoof: live called spoof at {name}", value=float(called[~truth].mean()), n=int((~truth).sum())
    )
    yield Row(
        on=SET, figure=f"spoof: attacks passed at {name}", value=float((~called[truth]).mean()), n=int(truth.sum())
    )
    cost = (np.log2(1 + 10.0 ** -llr[truth]).mean() + np.log2(1 + 10.0 ** llr[~truth]).mean()) / 2
    yield Row(
        on=SET, figure="spoof: Cllr of the shipped calibration", value=float(cost), n=len(truth), note="1 says nothing"
    )
    for label, wrong in (("live", llr[~truth] >= 1), ("attack", llr[truth] <= -1)):
        yield Row(
            on=SET, figure=f"spoof: {label} with LR 10 for the other side", value=float(wrong.mean()), n=len(wrong)
        )


def sharpness(pixels: Pixels) -> float:
    """Variance of the Laplacian of the whole picture: the trivial cue."""
    return float(cv2.Laplacian(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def auc_interval(positive: Reals, negative: Reals, rounds: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC, both classes drawn apart."""
    rng = np.random.default_rng(0)
    draws = [auc(rng.choice(positive, len(positive)), rng.choice(negative, len(negative))) for _ in range(rounds)]
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)
