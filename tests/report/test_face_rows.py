"""Faces as rows for scripts: names and units of two other programs, and nothing where nothing was measured."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent import Analyst, InputError, Report, Settings
from faceagent.report.face_rows import COLUMNS, EXPRESSIONS, Columns, FaceTable, face_rows, header, parse_columns

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def reports(astronaut: Pixels) -> tuple[Report, Report]:
    """One with a face, one without."""
    with Analyst(Settings()) as analyst:
        questions = ["action_units", "expression"]
        return (
            analyst.analyze(astronaut, questions=questions, purpose="research"),
            analyst.analyze(np.ascontiguousarray(astronaut[300:, :120]), questions=questions, purpose="research"),
        )


def written(reports: tuple[Report, ...], columns: Columns) -> list[dict[str, str]]:
    text = io.StringIO(newline="")
    table = FaceTable(text, columns)
    for one in reports:
        table.add(one)
    return list(csv.DictReader(io.StringIO(text.getvalue())))


def test_openface_has_its_names_and_radians(reports: tuple[Report, Report]) -> None:
    (row, empty) = written(reports, "openface")
    face = reports[0].faces[0]
    assert face.pose is not None
    assert float(row["pose_Ry"]) == pytest.approx(math.radians(face.pose.yaw), abs=1e-3)
    assert (row["success"], row["AU12_c"], empty["success"]) == ("1", "1", "0")
    assert 0.5 < float(row["AU12_r"]) <= 5
    assert "AU28_r" not in row and row["AU45_c"] == ""
    assert float(row["x_36"]) < float(row["x_45"]) and float(row["y_8"]) > float(row["y_27"])
    assert all(value == "" for name, value in empty.items() if name not in ("input", "success"))


def test_py_feat_has_its_names_and_shares(reports: tuple[Report, Report]) -> None:
    (row, empty) = written(reports, "py-feat")
    x0, _, x1, _ = reports[0].faces[0].box
    assert float(row["FaceRectWidth"]) == pytest.approx(x1 - x0, abs=0.01)
    assert 0.1 < float(row["AU12"]) <= 1 and row["AU11"] == ""
    shares = {name: float(row[name]) for name in EXPRESSIONS}
    assert max(shares, key=lambda name: shares[name]) == "happiness"
    assert sum(shares.values()) <= 1 + 1e-3
    assert (row["frame"], empty["frame"], empty["FaceScore"]) == ("0", "1", "")


@pytest.mark.parametrize("columns", COLUMNS)
def test_no_row_has_a_column_that_the_header_lacks(reports: tuple[Report, Report], columns: Columns) -> None:
    assert all(row.keys() <= set(header(columns)) for one in reports for row in face_rows(one, columns))


def test_what_was_not_asked_for_stays_empty(reports: tuple[Report, Report]) -> None:
    bare = reports[0].model_copy(update={"evidence": ()})
    row = written((bare,), "py-feat")[0]
    assert row["AU12"] == row["happiness"] == "" and row["x_0"] != ""


def test_a_name_that_a_spreadsheet_would_run_is_quoted(reports: tuple[Report, Report]) -> None:
    evil = reports[1].model_copy(update={"source": "=cmd|' /C calc'!A0"})
    assert written((evil,), "openface")[0]["input"].startswith("'=")


def test_an_unknown_set_of_columns_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="py-feat"):
        parse_columns("excel")


def test_the_file_appears_whole_or_not_at_all(tmp_path: Path, reports: tuple[Report, Report]) -> None:
    from faceagent.cli.csv_file import CsvFile

    file = CsvFile(tmp_path / "faces.csv", "openface")
    file.add(reports[0])
    assert not (tmp_path / "faces.csv").exists()
    file.write()
    assert len((tmp_path / "faces.csv").read_text(encoding="utf-8").splitlines()) == 2
    for bad in (tmp_path, tmp_path / "none" / "faces.csv"):
        with pytest.raises(InputError, match="--csv"):
            CsvFile(bad, "openface")
