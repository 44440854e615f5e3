"""Age error and gender accuracy on pictures no shipped table has seen."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evals.acceptance import Row, bootstrap, labels, wilson
from evals.views import portraits
from faceagent.settings import Settings
from faceagent.tools.attributes import Attributes

BANDS = {
    "0-2": (0, 2),
    "3-9": (3, 9),
    "10-19": (10, 19),
    "20-29": (20, 29),
    "30-39": (30, 39),
    "40-49": (40, 49),
    "50-59": (50, 59),
    "60-69": (60, 69),
    "more than 70": (70, 80),
}
"""FairFace's bands, first and last year; errors are measured to the middle."""
ADULT = (18, 80)
BARS = {"utkface_1k": 0.95, "fairface_val_1400": 0.87}
"""Gender accuracy of adults. FairFace's bands below 20 count as not adult."""
AGE_BARS = {"utkface_1k": 6.5, "fairface_val_1400": 8.8}
"""Years; UTKFace was never trained on, FairFace's other part was."""


def rows(data: Path, settings: Settings) -> Iterable[Row]:
    """Mean absolute error of the corrected age, coverage of its interval, gender accuracy of adults."""
    tool = Attributes(settings)
    for name, bar in BARS.items():
        truth = {row["file"]: row for row in labels(data, name)}
        errors, raw, inside, right = [], [], [], []
        for file, view in portraits(data / name, truth, settings):
            if view is None:
                continue
            age, gender = tool.run([view])[0]
            first, last = _years(truth[file]["age"])
            middle = (first + last) / 2
            if age.score is not None and age.score.low is not None and age.score.high is not None:
                errors.append(abs(age.score.value - middle))
                raw.append(abs(float(age.facts["network_years"]) - middle))
                # A band counts by the share of its years that the interval covers.
                years = np.arange(first, last + 1)
                inside.append(float(np.mean((years >= age.score.low - 0.5) & (years <= age.score.high + 0.5))))
            if first >= ADULT[0] and last <= ADULT[1]:
                right.append(gender.label == truth[file]["gender"].lower())
        low, high = bootstrap(errors)
        yield Row(
            on=name, figure="age: mean absolute error, years", value=float(np.mean(errors)), low=low, high=high,
            n=len(errors), bar=AGE_BARS[name], lower_is_better=True, note=f"uncorrected {np.mean(raw):.2f}",
        )  # fmt: skip
        low, high = bootstrap(inside)
        yield Row(
            on=name, figure="age: share inside the 80 % interval", value=float(np.mean(inside)), low=low, high=high,
            n=len(inside),
        )  # fmt: skip
        low, high = wilson(sum(right), len(right))
        yield Row(
            on=name, figure="gender: accuracy of adults", value=float(np.mean(right)), low=low, high=high,
            n=len(right), bar=bar,
        )  # fmt: skip


def _years(label: str) -> tuple[int, int]:
    """First and last year that a label stands for."""
    return BANDS[label] if label in BANDS else (int(label), int(label))
