"""Calibration records: the JSON form of a fit, as ``faceagent.judge.calibrate`` reads it."""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.metrics.calibration import cllr
from faceagent.atomic_write import atomic_write
from finetune.calibration import platt

CalibrationRecord = dict[str, Any]
Reals = NDArray[np.float64]
Groups = NDArray[np.int64]
"""Per score, the number of the person or source picture it belongs to."""

CALIBRATIONS = Path(str(resources.files("faceagent.judge").joinpath("calibration")))
"""Folder of the shipped records."""


def operating_point(name: str, threshold: float, errors: Mapping[str, float]) -> CalibrationRecord:
    """One operating point of a record: its threshold and error rates, rounded."""
    return {
        "name": name,
        "threshold": round(threshold, 4),
        "errors": {key: round(rate, 6) for key, rate in errors.items()},
    }


def binary_record(
    name: str,
    scale: str,
    sides: tuple[str, str],
    scores: tuple[Reals, Reals],
    groups: tuple[Groups, Groups],
    points: list[CalibrationRecord],
    *,
    fitted_on: str,
    note: str,
) -> CalibrationRecord:
    """The record of one Platt calibration. log10 of the number of sources of the smaller class is the cap."""
    fewest = min(len(np.unique(group)) for group in groups)
    cap = float(np.log10(fewest))
    fitted = platt.fit(*scores)
    ratios = platt.log10_ratios(fitted, np.concatenate(scores), cap)
    truth = np.repeat([True, False], [len(side) for side in scores])
    record: CalibrationRecord = {
        "id": name,
        "kind": "platt",
        "scale": scale,
        "slope": round(fitted.slope, 5),
        "intercept": round(fitted.intercept, 5),
        "positive": sides[0],
        "negative": sides[1],
        "fitted_on": fitted_on,
        "n_positive": len(scores[0]),
        "n_negative": len(scores[1]),
        "cap_log10": round(cap, 2),
        "interval_log10": round(platt.half_width(*scores, groups, cap), 2),
        "operating_points": points,
        "cllr": round(float(cllr(ratios, truth)), 4),
        "note": note,
    }
    return record


def write_record(record: CalibrationRecord, folder: Path) -> Path:
    """Write the record under its id, atomically; returns the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['id'].replace('/', '-')}.json"
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path
