"""Localisation of forgeries: does the detector point at the part that was altered?

Truth is one flag per part of the face. "Left" and "right" are the subject's own; where a set means the viewer's,
``pointing_either_eye`` still holds, because there both eyes count as one part.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.bench import Bench, mute
from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import number
from evals.metrics import localisation
from evals.metrics.arrays import Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.task import EvalTask, Table, Values
from faceagent.errors import InputError
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.tools.base import View
from faceagent.types import Evidence

PARTS = ("left_eye", "right_eye", "nose", "mouth")


def read(dataset: Dataset, tool: str) -> Cases:
    """Forged pictures with at least one altered part."""
    del tool
    missing = [part for part in PARTS if part not in dataset.columns]
    if missing:
        raise InputError(
            f"{dataset.name} does not say which parts were altered: {', '.join(missing)} missing.",
            remedy=f"Call the columns {', '.join(PARTS)}, 1 for altered.",
        )
    cases, skips = [], []
    for item in dataset.items:
        if not any(item.labels.get(part) for part in PARTS):
            continue  # an unaltered picture has no place to point at, and that is no fault of the set
        flags = {part: number(item, part) for part in PARTS}
        broken = next((flag for flag in flags.values() if isinstance(flag, Skip)), None)
        if broken is not None:
            skips.append(broken)
        elif any(flags.values()):
            truth = {part: flag for part, flag in flags.items() if not isinstance(flag, Skip)}
            cases.append(Case(item.id, item.file, truth, item.id))
    return Cases(tuple(cases), tuple(skips))


def observe(bench: Bench, cases: Sequence[Case]) -> list[Values | Skip]:
    """The detector's score of every part."""
    return bench.faces(cases, reading)


def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
    """Score and, where calibrated, probability per part."""
    del view
    values: dict[str, float] = {}
    for item in evidence:
        if item.question == "forgery" and item.status == "ok" and item.region in PARTS and item.score is not None:
            values[str(item.region)] = item.score.value
            fitted = calibration_of(item)
            if isinstance(fitted, Platt):
                values[f"{item.region}_llr"] = fitted.ratio(item.score.value).value
    return values if any(part in values for part in PARTS) else mute(evidence)


def measurement(table: Table) -> Measurement:
    """Pointing game over four parts, over three with the eyes as one, and IoU of the parts called altered."""
    truth = np.column_stack([table.truth(part) for part in PARTS]) > 0
    scores = np.column_stack([np.nan_to_num(table.numbers(part), nan=-np.inf) for part in PARTS])
    merged_truth = np.column_stack([truth[:, :2].any(axis=1), truth[:, 2:]])
    merged = np.column_stack([scores[:, :2].max(axis=1), scores[:, 2:]])
    points, eyes = localisation.pointing(scores, truth), localisation.pointing(merged, merged_truth)
    ratios = np.column_stack([table.numbers(f"{part}_llr") for part in PARTS])
    # Without a calibration a part is called altered when it scores above the mean of the face's parts.
    called = ratios > 0 if not np.isnan(ratios).any() else scores > scores.mean(axis=1, keepdims=True)
    overlap = np.nan_to_num(localisation.iou(called, truth))

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {
            "pointing": mean(points, weights),
            "pointing_either_eye": mean(eyes, weights),
            "iou": mean(overlap, weights),
        }

    return measure


def chance(table: Table) -> Measurement:
    """Pointing anywhere, and calling everything altered."""
    truth = np.column_stack([table.truth(part) for part in PARTS]) > 0
    share = truth.mean(axis=1)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {"random_pointing": mean(share, weights), "everything_iou": mean(share, weights)}

    return measure


TASK = EvalTask(
    name="localisation",
    title="Where a face was altered",
    protocol="Pointing game on parts (left eye, right eye, nose, mouth; tied parts share the point) and IoU of the set "
    "of parts called altered, on altered pictures only.",
    tools=("forgery",),
    needs="left_eye, right_eye, nose, mouth: 1 for altered",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=chance,
    names=("pointing", "iou"),
)
