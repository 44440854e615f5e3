"""``python -m finetune.quality.train --data DIR``: the weights of the overall quality score.

What is missing to 100 of every component, on a logarithmic scale, against the logarithm of what two tools get wrong on
copies of held-out faces (``data``): least squares with weights of at least 0, so that a better component never lowers
the score. First what can be seen of the picture is weighed, then against all of it the detector's certainty, which says
most and explains least. The floor of the scale is chosen with whole sets left out; all figures are of scores by fits
without the set. The forgery detector, which changes more often, is measured beside them and not fitted. Goes on where
it was interrupted.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from evals.metrics.quality import discard_gain
from evals.metrics.ranking import curve, threshold_at_equal_error
from faceagent.atomic_write import atomic_write
from faceagent.faces.quality import COMPONENTS
from faceagent.faces.quality_score import Weighing, unified
from faceagent.settings import Settings
from finetune.quality.data import QualityRows, extract

Reals = NDArray[np.float64]

FLOORS = (1.0, 5.0, 10.0, 20.0)
GIVEN_UP = 0.01
"""Mean gain that may be given up for a lower floor, with which one very bad component takes more away."""
FITTED = ("landmarks", "identity")
CERTAINTY = COMPONENTS.index("detection")
LEAST = 0.01
"""Added to an error before its logarithm is taken: below it, errors are of no account."""
FMR = 0.01
ROUNDS = 500
FIGURES: Mapping[str, str] = {
    "landmarks": "mean error of 68 points",
    "identity": "1 - cosine of copy and face",
    "non_match": "faces not matched at FMR 1 %",
    "forgery": "wrong at the threshold of equal errors",
}
"""What the gains are of."""


def errors_of(rows: QualityRows) -> dict[str, Reals]:
    """N errors for each of ``FIGURES``; nan where a tool was not asked."""
    cosine = (rows.embedding * rows.reference).sum(axis=1)
    compared = np.isfinite(cosine)
    every = rows.embedding[compared] @ rows.reference[compared].T
    strangers = rows.source[compared][:, np.newaxis] != rows.source[compared]
    non_match, forgery = np.full(len(cosine), np.nan), np.full(len(cosine), np.nan)
    if strangers.any():
        non_match[compared] = cosine[compared] < np.quantile(every[strangers], 1 - FMR)
    asked = np.isfinite(rows.score)
    if rows.forged[asked].any() and not rows.forged[asked].all():
        line = threshold_at_equal_error(curve(rows.score[asked], rows.forged[asked]))
        forgery[asked] = (rows.score[asked] >= line) != rows.forged[asked]
    return {"landmarks": rows.landmarks, "identity": 1 - cosine, "non_match": non_match, "forgery": forgery}


def fit(rows: QualityRows, errors: Mapping[str, Reals], floor: float, seen: NDArray[np.bool_]) -> Weighing:
    """The weights on the rows ``seen``; sets weigh by the root of the root of their number of rows each."""
    target = np.zeros(len(rows.origin))
    for name in FITTED:
        scale = np.log(errors[name] + LEAST)
        target += (scale - np.nanmean(scale[seen])) / np.nanstd(scale[seen])
    known = seen & np.isfinite(target)
    counts = dict(zip(*np.unique(rows.origin[known], return_counts=True), strict=True))
    share = np.array([counts[name] ** -0.25 for name in rows.origin[known]])[:, np.newaxis]
    lacking = -np.log(np.maximum(rows.components[known], floor) / 100)
    seen_of_it = np.delete(lacking, CERTAINTY, axis=1)
    weights = _least_squares(seen_of_it, target[known], share)
    both, certain = _least_squares(
        np.column_stack([seen_of_it @ weights, lacking[:, CERTAINTY]]), target[known], share
    ).tolist()
    found = np.insert(both * weights, CERTAINTY, certain)
    return Weighing(dict(zip(COMPONENTS, found.tolist(), strict=True)), floor)


def _least_squares(columns: Reals, target: Reals, share: Reals) -> Reals:
    """Weights of at least 0 for N×K columns; ``share`` (N×1) weighs the rows. A constant may have either sign."""
    ones = np.ones((len(columns), 1))
    found, _ = nnls(share * np.column_stack([columns, ones, -ones]), share[:, 0] * target)
    return np.asarray(found[: columns.shape[1]])


def scores(rows: QualityRows, weighing: Weighing) -> Reals:
    """N overall scores."""
    return np.array([unified(dict(zip(COMPONENTS, row, strict=True)), weighing) for row in rows.components])


def left_out(rows: QualityRows, errors: Mapping[str, Reals], floor: float) -> Reals:
    """N scores; those of every set by a fit without it."""
    found = np.zeros(len(rows.origin))
    for name in np.unique(rows.origin):
        own = rows.origin == name
        found[own] = scores(rows, fit(rows, errors, floor, ~own))[own]
    return found


def rule(rows: QualityRows) -> Reals:
    """N scores without a fit: root of the geometric mean times the smallest of all components but ``detection``."""
    values = np.maximum(np.delete(rows.components, CERTAINTY, axis=1), 1.0)
    return np.asarray(np.sqrt(np.exp(np.log(values).mean(axis=1)) * values.min(axis=1)), dtype=np.float64)


def gains(quality: Reals, errors: Mapping[str, Reals]) -> dict[str, float]:
    """Error-versus-discard gain for every kind of error."""
    known = {name: np.isfinite(error) for name, error in errors.items()}
    return {name: round(float(discard_gain(quality[known[name]], errors[name][known[name]])), 3) for name in errors}


def interval(quality: Reals, error: Reals, source: NDArray[np.str_]) -> tuple[float, float]:
    """95 % interval of a gain; copies of one source are drawn together."""
    known, rng = np.isfinite(error), np.random.default_rng(0)
    names, place = np.unique(source[known], return_inverse=True)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=ROUNDS)[:, place]
    low, high = np.nanquantile(discard_gain(quality[known], error[known], times.astype(float)), (0.025, 0.975))
    return round(float(low), 3), round(float(high), 3)


def on_the_scale_of(before: Reals, rows: QualityRows, weighing: Weighing) -> Weighing:
    """The same order of faces, on a scale on which these copies have the median that they had ``before``."""
    lacking = -np.log(np.median(before) / 100)
    factor = lacking / max(float(-np.log(np.median(scores(rows, weighing)) / 100)), 1e-9)
    return Weighing({name: round(weight * factor, 4) for name, weight in weighing.weights.items()}, weighing.floor)


def card(rows: QualityRows) -> dict[str, object]:
    """Choose, fit and measure; prints what is found."""
    errors = errors_of(rows)
    by = {floor: left_out(rows, errors, floor) for floor in FLOORS}
    found = {floor: gains(score, errors) for floor, score in by.items()}
    for floor, values in found.items():
        print(f"floor {floor:.0f}, sets left out: {values}")
    mean = {floor: float(np.mean([found[floor][name] for name in FITTED])) for floor in FLOORS}
    best = min(floor for floor in FLOORS if mean[floor] >= max(mean.values()) - GIVEN_UP)
    score, before = by[best], rule(rows)
    weighing = on_the_scale_of(before, rows, fit(rows, errors, best, np.ones(len(before), dtype=np.bool_)))
    ranges = {name: interval(score, error, rows.source) for name, error in errors.items()}
    parts = {name: gains(rows.components[:, place], errors) for place, name in enumerate(COMPONENTS)}
    for name, values in {"fitted": found[best], "rule": gains(before, errors), **parts}.items():
        print(f"{name}: {values}")
    for name in np.unique(rows.origin):
        own = rows.origin == name
        per = {key: error[own] for key, error in errors.items() if key != "forgery"}
        print(f"  {name}, {own.sum()} copies: fitted {gains(score[own], per)}, rule {gains(before[own], per)}")
    return {
        "weights": dict(weighing.weights),
        "floor": weighing.floor,
        "fitted_on": f"{len(np.unique(rows.source))} sources that no training saw, {len(rows.origin)} copies: "
        + ", ".join(np.unique(rows.origin)),
        "note": "gains in error-versus-discard of landmarks and identity, each set by weights fitted without it; "
        "forgery took no part in the fit; the rule is what was shipped before",
        "measured_by": dict(FIGURES),
        "gain": {name: [found[best][name], *ranges[name]] for name in errors},
        "gain_of_rule": gains(before, errors),
    }


def main(arguments: list[str] | None = None) -> int:
    """Extract, fit and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.quality.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where copies are remembered")
    shipped = Path(str(resources.files("faceagent.faces").joinpath("quality_score.json")))
    parser.add_argument("--out", type=Path, default=shipped)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    rows = extract(Path(options.data), Settings(), options.runs / "quality")
    with atomic_write(options.out) as temporary:
        temporary.write_text(json.dumps(card(rows), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
