"""Same person or not, on FRLL's neutral and smiling pictures: a sanity check, for one sitting is saturated."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.acceptance import Row, labels
from evals.data.held_out import is_test_person
from evals.views import portraits
from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings
from faceagent.tools.identity import CALIBRATION, Identity

Reals = NDArray[np.float64]
PUBLISHED = 0.363
"""OpenCV's threshold for SFace."""


def rows(data: Path, settings: Settings) -> Iterable[Row]:
    """Equal error rate, the threshold for a false match rate of 0.1 %, and what shipped thresholds do to strangers."""
    tool = Identity(settings)
    files = [row["file"] for row in labels(data, "frll_london")]
    files = [file for file in files if file.startswith(("neutral_front", "smiling_front"))]
    views = portraits(data / "frll_london", files, settings)
    found = [(file, tool.embed([view])[0]) for file, view in views if view is not None]
    table = np.array([vector for _, vector in found])
    people = np.array([Path(file).name[:3] for file, _ in found])
    test = np.array([is_test_person(int(person)) for person in people])
    i, j = np.triu_indices(len(found), k=1)
    cosines, same = (table @ table.T)[i, j], people[i] == people[j]
    genuine, strangers = cosines[same], cosines[~same]
    on = f"frll_london, {len(set(people))} people"
    yield Row(
        on=on, figure="identity: equal error rate", value=equal_error(genuine, strangers), n=len(cosines), bar=0.01,
        aim=0.0, lower_is_better=True, note="one sitting: saturated",
    )  # fmt: skip
    yield Row(
        on=on, figure="identity: threshold for FMR 0.1 %", value=float(np.quantile(strangers, 0.999)),
        n=len(strangers), note=f"the published {PUBLISHED} lets {np.mean(strangers >= PUBLISHED):.2%} pass",
    )  # fmt: skip
    fitted = calibration(CALIBRATION)
    unseen = (~same) & test[i] & test[j]
    for point in fitted.operating_points if isinstance(fitted, Platt) else ():
        yield Row(
            on="frll_london, test people", figure=f"identity: strangers who pass at {point.name}",
            value=float(np.mean(cosines[unseen] >= point.threshold)), n=int(unseen.sum()),
            note=f"threshold {point.threshold:.3f}; missed of {int((same & test[i]).sum())} genuine pairs: "
            f"{np.mean(cosines[same & test[i]] < point.threshold):.2%}",
        )  # fmt: skip


def equal_error(positive: Reals, negative: Reals) -> float:
    """The error rate where both kinds of error are equal, scores high for positives."""
    thresholds = np.unique(np.concatenate([positive, negative]))
    missed = np.searchsorted(np.sort(positive), thresholds, side="left") / len(positive)
    passed = 1 - np.searchsorted(np.sort(negative), thresholds, side="left") / len(negative)
    at = int(np.argmin(np.abs(missed - passed)))
    return float((missed[at] + passed[at]) / 2)
