"""Head pose: mean absolute error per axis where angles are labelled, and what mirroring a picture must do anywhere.

A mirrored head has the opposite yaw and roll and the same pitch. That needs no labels, so every set can be used.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering, find, number
from evals.metrics import regression
from evals.metrics.arrays import Reals, mean, median, share
from evals.metrics.bootstrap import Measurement
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.tools.base import View
from faceagent.types import Pose

AXES = ("yaw", "pitch", "roll")
TURNED = 8.0
"""Degrees of yaw from which its sign counts."""


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture; angles where they are labelled, in degrees with the signs of ``faceagent.types``."""
    del tool
    columns = {axis: found for axis in AXES if (found := find(dataset, (axis, f"{axis}_deg", f"{axis}_degrees")))}
    grouped, note = clustering(dataset, SUBJECT)
    cases = []
    for item in dataset.items:
        known = {axis: number(item, column) for axis, column in columns.items()}
        truth = {axis: value for axis, value in known.items() if not isinstance(value, Skip)}
        cases.append(Case(item.id, item.file, truth, cluster_of(item, grouped)))
    notes = [] if note is None else [note]
    if not columns:
        notes.append("No angles are labelled (yaw, pitch, roll): only the mirror test is made.")
    return Cases(tuple(cases), (), tuple(notes))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Angles of every picture and of its mirror image."""
    return [_observe(runner, case) for case in cases]


def _observe(runner: Runner, case: Case) -> Values | Skip:
    view = runner.face(runner.root / case.file)
    if isinstance(view, Skip):
        return view._replace(id=case.id)
    pose = view.face.pose if view.face else None
    if pose is None:
        return Skip(case.id, "no_landmarks", f"{case.id}: the face has no pose.")
    values = {axis: float(getattr(pose, axis)) for axis in AXES}
    mirrored = _mirrored(runner, view)
    if mirrored is not None:
        values |= {f"mirrored_{axis}": float(getattr(mirrored, axis)) for axis in AXES}
    return values


def _mirrored(runner: Runner, view: View) -> Pose | None:
    """Pose in the mirror image, which goes through the product as a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mirrored.png"
        cv2.imwrite(str(path), np.ascontiguousarray(view.pixels()[:, ::-1, ::-1]))
        found = runner.face(path)
    return None if isinstance(found, Skip) or found.face is None else found.face.pose


def measurement(table: CaseTable) -> Measurement:
    """``mae`` over the labelled axes and per axis; signs and sums under mirroring."""
    angles = {axis: (table.truth(axis), table.numbers(axis)) for axis in AXES}
    yaw, other = table.numbers("yaw"), table.numbers("mirrored_yaw")
    seen = ~np.isnan(other)
    sums, turned = np.abs(yaw + other)[seen], seen & (np.abs(yaw) > TURNED)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found: dict[str, Reals] = {}
        for axis, (truth, answer) in angles.items():
            rows = ~np.isnan(truth)
            if rows.any():
                found[f"mae_{axis}"] = regression.mae(truth[rows], answer[rows], weights[..., rows])
        if found:
            found["mae"] = np.mean(np.stack(list(found.values())), axis=0)
        found["mirror_sign_flips"] = share(yaw * other < 0, turned, weights)
        found["mirror_yaw_error"] = mean(sums, weights[..., seen])
        found["mirror_yaw_error_median"] = median(sums, weights[..., seen])
        return found

    return measure


def frontal(table: CaseTable) -> Measurement:
    """Everybody looks straight into the camera."""
    truth = {axis: table.truth(axis) for axis in AXES}

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {
            f"frontal_mae_{axis}": mean(np.abs(values[~np.isnan(values)]), weights[..., ~np.isnan(values)])
            for axis, values in truth.items()
            if not np.isnan(values).all()
        }

    return measure


def failures(table: CaseTable) -> Reals:
    """The largest disagreements with the label, else with the mirror image."""
    gaps = [np.abs(table.truth(axis) - table.numbers(axis)) for axis in AXES]
    labelled = np.nanmax(np.nan_to_num(np.stack(gaps), nan=-1.0), axis=0)
    mirror = np.abs(table.numbers("yaw") + table.numbers("mirrored_yaw"))
    worst = np.where(labelled >= 0, labelled, mirror)
    return np.where(worst > 5, worst, np.nan)


TASK = EvalTask(
    name="pose",
    title="Head pose",
    protocol="Mean absolute error per axis in degrees (yaw positive to the picture's right, pitch positive down, roll "
    "positive clockwise); without labels the mirror test alone.",
    tools=("faces",),
    needs="yaw, pitch, roll in degrees, or nothing: any pictures serve for the mirror test",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=frontal,
    failures=failures,
    names=("mirror_sign_flips", "mirror_yaw_error_median"),
)
