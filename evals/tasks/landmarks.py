"""Facial landmarks: the 68 iBUG points against labelled ones, normalised by the outer corners of the eyes.

A face without landmarks, or not found at all, counts as if all its points lay in the middle of its box or of the
picture: leaving hard faces out would make any tool look good.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering, number
from evals.metrics import landmarks as points
from evals.metrics.arrays import Reals, mean, median
from evals.metrics.bootstrap import Measurement
from evals.plots import Figure, Plot, line
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.errors import InputError
from faceagent.faces.ibug68 import ibug68
from faceagent.tools.base import View

COUNT = 68


def _oval(x: float, y: float, width: float, height: float, count: int) -> list[list[float]]:
    """Points around an oval as iBUG counts them: from the corner on the picture's left over the top."""
    angles = np.pi - 2 * np.pi * np.arange(count) / count
    return [[x + width * float(np.cos(angle)), y - height * float(np.sin(angle))] for angle in angles]


FLAT = np.array(
    [[0.5 - 0.46 * np.cos(angle), 0.38 + 0.58 * np.sin(angle)] for angle in np.linspace(0, np.pi, 17)]
    + [[0.14 + 0.075 * step + (0.045 if step > 4 else 0), 0.28] for step in range(10)]
    + [[0.5, 0.38 + 0.075 * step] for step in range(4)]
    + [[0.4 + 0.05 * step, 0.65] for step in range(5)]
    + _oval(0.3, 0.38, 0.08, 0.025, 6)
    + _oval(0.7, 0.38, 0.08, 0.025, 6)
    + _oval(0.5, 0.78, 0.17, 0.06, 12)
    + _oval(0.5, 0.78, 0.13, 0.02, 8)
)
"""A face drawn by hand in a unit box: the trivial answer, the same for everybody."""


def read(dataset: Dataset, tool: str) -> Cases:
    """One case per picture whose 68 points are all known."""
    del tool
    columns = _columns(dataset)
    grouped, note = clustering(dataset, SUBJECT)
    cases, skips = [], []
    for item in dataset.items:
        truth: dict[str, str | float] = {}
        missing: Skip | None = None
        for key, name in columns.items():
            value = number(item, name)
            if isinstance(value, Skip):
                missing = value
                break
            truth[key] = value
        if missing is None:
            cases.append(Case(item.id, item.file, truth, cluster_of(item, grouped)))
        else:
            skips.append(missing)
    return Cases(tuple(cases), tuple(skips), () if note is None else (note,))


def _columns(dataset: Dataset) -> dict[str, str]:
    pattern = re.compile(r"^(?:lm|landmark|point)?_?([xy])_?(\d{1,2})$|^(?:lm|landmark|point)_?(\d{1,2})_?([xy])$")
    found = {}
    for name in dataset.columns:
        if match := pattern.match(name.lower()):
            found[f"{match[1] or match[4]}{int(match[2] or match[3])}"] = name
    first = 0 if "x0" in found else 1
    wanted = [f"{axis}{index}" for index in range(first, first + COUNT) for axis in "xy"]
    if any(name not in found for name in wanted):
        raise InputError(
            f"{dataset.name} does not label 68 points: {len(found) // 2} were found among its columns.",
            remedy="Call the columns x0, y0 ... x67, y67: the iBUG points in pixels.",
        )
    return {f"{name[0]}{int(name[1:]) - first}": found[name] for name in wanted}


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Error of every picture that can be read, and of the trivial face in the box that was found."""
    return [_observe(runner, case) for case in cases]


def _observe(runner: Runner, case: Case) -> Values | Skip:
    path = runner.root / case.file
    view = runner.face(path)
    if isinstance(view, Skip):
        whole = runner.look(path)
        if isinstance(whole, Skip):
            return whole._replace(id=case.id)
        view = whole
    truth = np.array([[float(case.truth[f"{axis}{index}"]) for axis in "xy"] for index in range(COUNT)])
    found, error = located(view), points.normalised_error
    value, trivial = float(error(truth, found)), float(error(truth, placed(view)))
    if np.isnan(value):
        return Skip(case.id, "unknown_label", f"{case.id}: the labelled corners of the eyes coincide.")
    return {"nme": value, "nme_drawn": trivial, "found": float(bool(view.face and view.face.landmarks))}


def located(view: View) -> NDArray[np.float64]:
    """68×2 px: the product's landmarks, or the middle of what is known."""
    if view.face is not None and view.face.landmarks:
        return ibug68(np.asarray(view.face.landmarks))
    x0, y0, x1, y1 = _box(view)
    return np.full((COUNT, 2), ((x0 + x1) / 2, (y0 + y1) / 2))


def placed(view: View) -> NDArray[np.float64]:
    """68×2 px: the drawn face in the box."""
    x0, y0, x1, y1 = _box(view)
    return np.asarray(FLAT * [x1 - x0, y1 - y0] + [x0, y0])


def _box(view: View) -> tuple[float, float, float, float]:
    return (0.0, 0.0, float(view.picture.width), float(view.picture.height)) if view.face is None else view.face.box


def measurement(table: CaseTable) -> Measurement:
    """NME mean and median, failure rates, area under the error distribution, share of faces given landmarks."""
    errors, found = table.numbers("nme"), table.numbers("found")

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {
            "nme": mean(errors, weights),
            "nme_median": median(errors, weights),
            "fr_10": points.failure_rate(errors, 0.10, weights),
            "fr_8": points.failure_rate(errors, 0.08, weights),
            "auc_10": points.error_area(errors, 0.10, weights),
            "landmarks_found": mean(found, weights),
        }

    return measure


def drawn(table: CaseTable) -> Measurement:
    """The same hand-drawn face for everybody, in the detector's box."""
    errors = table.numbers("nme_drawn")
    return lambda weights: {"drawn_face_nme": mean(errors, weights)}


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Cumulative error distribution."""
    steps = np.linspace(0, 0.2, 101)
    series = tuple(
        line(name, steps, [(table.numbers(key) <= step).mean() for step in steps])
        for name, key in (("landmarks", "nme"), ("drawn face", "nme_drawn"))
    )
    return (Plot("Cumulative error", "NME", "share of faces", series, unit=False),)


def failures(table: CaseTable) -> Reals:
    """Errors above .08."""
    errors = table.numbers("nme")
    return np.where(errors > 0.08, errors, np.nan)


TASK = EvalTask(
    name="landmarks",
    title="Facial landmarks",
    protocol="68 iBUG points, distance over the labelled distance of the outer eye corners; faces without landmarks "
    "count with all points in the middle.",
    tools=("faces",),
    needs="x0, y0 ... x67, y67 in pixels; person",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=drawn,
    figures=figures,
    failures=failures,
    names=("nme", "fr_10", "auc_10"),
)
