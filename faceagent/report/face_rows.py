"""Faces as rows of a CSV file, with the columns of OpenFace 2.0 or of py-feat, so that scripts for those read them.

Names, order and units follow those programs; values are faceagent's own and are not comparable with theirs number by
number: intensities of action units have FACS's ends and no coder confirmed their middle, angles are not calibrated
degrees. What was not asked for, not measured or could not be seen is an empty cell, and columns of what is never
measured (gaze, place in millimetres) are left out. A picture without a face has one row without values.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TextIO

import numpy as np

from faceagent.errors import InputError
from faceagent.faces.ibug68 import ibug68
from faceagent.judge.calibrate import Temperature, calibration_of
from faceagent.types import Evidence, Face, Report

Columns = Literal["openface", "py-feat"]
Cell = str | int | float
Row = Mapping[str, Cell]

COLUMNS: tuple[Columns, ...] = ("openface", "py-feat")
POINTS = tuple(f"{axis}_{index}" for axis in "xy" for index in range(68))
"""Columns of the 68 points of iBUG 300-W, px."""
OPENFACE_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
WITHOUT_INTENSITY = (28,)
"""Units of which OpenFace states presence only."""
PY_FEAT_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)
EXPRESSIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}
"""py-feat's columns, and the labels that they stand for here."""
STRONGEST = 5.0
"""Intensity that py-feat's 1 stands for."""
_HEADERS: Mapping[Columns, tuple[str, ...]] = {
    "openface": (
        *("input", "face", "confidence", "success", "pose_Rx", "pose_Ry", "pose_Rz"),
        *POINTS,
        *(f"AU{unit:02}_r" for unit in OPENFACE_UNITS if unit not in WITHOUT_INTENSITY),
        *(f"AU{unit:02}_c" for unit in OPENFACE_UNITS),
    ),
    "py-feat": (
        *("input", "frame", "FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
        *POINTS,
        *("Pitch", "Roll", "Yaw"),
        *(f"AU{unit:02}" for unit in PY_FEAT_UNITS),
        *EXPRESSIONS,
    ),
}


def header(columns: Columns) -> tuple[str, ...]:
    """The names of the columns, in order."""
    return _HEADERS[columns]


def face_rows(report: Report, columns: Columns, frame: int = 0) -> list[Row]:
    """One row per face of a report's picture, or one without values; ``frame`` is the picture's number in the run."""
    make = _openface if columns == "openface" else _py_feat
    named: dict[str, Cell] = {"input": report.source}
    if columns == "py-feat":
        named["frame"] = frame
    if not report.faces:
        return [{**named, "success": 0} if columns == "openface" else named]
    known = {item.id: item for item in report.evidence if item.status == "ok"}
    return [{**named, **_points(face), **make(index, face, known)} for index, face in enumerate(report.faces)]


class FaceTable:
    """A CSV file that is written row by row, in UTF-8; a cell that a spreadsheet would run as a formula is quoted."""

    def __init__(self, file: TextIO, columns: Columns) -> None:
        self._columns, self._pictures = columns, 0
        self._writer = csv.DictWriter(file, header(columns), restval="", lineterminator="\n")
        self._writer.writeheader()

    def add(self, report: Report) -> None:
        """Write the rows of one picture."""
        for row in face_rows(report, self._columns, self._pictures):
            self._writer.writerow({name: _cell(value) for name, value in row.items()})
        self._pictures += 1


def parse_columns(word: str) -> Columns:
    """The named set of columns. Raises InputError for another word."""
    found = next((one for one in COLUMNS if one == word), None)
    if found is None:
        raise InputError(f"There are no columns called {word!r}.", remedy=f"Use one of: {', '.join(COLUMNS)}.")
    return found


def _openface(index: int, face: Face, known: Mapping[str, Evidence]) -> Row:
    pose = face.pose
    turned = {} if pose is None else {"pose_Rx": pose.pitch, "pose_Ry": pose.yaw, "pose_Rz": pose.roll}
    units = dict(_units(face, OPENFACE_UNITS, known))
    return {
        "face": index,
        "confidence": round(face.confidence, 4),
        "success": 1,
        **{name: round(math.radians(value), 4) for name, value in turned.items()},
        **{f"AU{unit:02}_r": round(one[0], 2) for unit, one in units.items() if unit not in WITHOUT_INTENSITY},
        **{f"AU{unit:02}_c": int(one[1]) for unit, one in units.items()},
    }


def _py_feat(index: int, face: Face, known: Mapping[str, Evidence]) -> Row:
    del index
    x0, y0, x1, y1 = face.box
    pose = face.pose
    turned = {} if pose is None else {"Pitch": pose.pitch, "Roll": pose.roll, "Yaw": pose.yaw}
    return {
        "FaceRectX": round(x0, 2),
        "FaceRectY": round(y0, 2),
        "FaceRectWidth": round(x1 - x0, 2),
        "FaceRectHeight": round(y1 - y0, 2),
        "FaceScore": round(face.confidence, 4),
        **{name: round(value, 3) for name, value in turned.items()},
        **{f"AU{unit:02}": round(one[0] / STRONGEST, 4) for unit, one in _units(face, PY_FEAT_UNITS, known)},
        **_expressions(known.get(f"{face.id}:expression")),
    }


def _units(face: Face, units: Sequence[int], known: Mapping[str, Evidence]) -> Iterator[tuple[int, tuple[float, bool]]]:
    """Intensity 0-5 and presence of the units that were measured."""
    for unit in units:
        item = known.get(f"{face.id}:AU{unit}")
        if item is not None and item.score is not None:
            yield unit, (item.score.value, item.label == "present")


def _expressions(item: Evidence | None) -> Row:
    """Calibrated probabilities; nothing where the reading has none."""
    if item is None or not item.distribution:
        return {}
    fitted = calibration_of(item)
    if not isinstance(fitted, Temperature):
        return {}
    chances = fitted.probabilities(item.distribution)
    return {name: round(chances[label], 4) for name, label in EXPRESSIONS.items() if label in chances}


def _points(face: Face) -> Row:
    if not face.landmarks:
        return {}
    points = ibug68(np.asarray(face.landmarks, dtype=np.float64))
    return {name: round(float(value), 2) for name, value in zip(POINTS, points.T.ravel(), strict=True)}


def _cell(value: Cell) -> Cell:
    """A name of a file may begin with what spreadsheets take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
