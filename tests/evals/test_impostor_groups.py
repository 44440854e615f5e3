"""Strangers who pass as genuine are counted by the judge's verdict, per group and condition, on unseen people."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from evals.data.identity_vectors import Vectors
from evals.stats import impostor_groups as stats
from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings
from faceagent.tools.identity_evidence import CALIBRATION, SMALL_CALIBRATION


@pytest.mark.parametrize("name", [CALIBRATION, SMALL_CALIBRATION])
def test_genuine_begins_where_the_judge_says_so(name: str) -> None:
    line, fitted = stats.genuine_from(name), calibration(name)
    assert isinstance(fitted, Platt)
    point = fitted.operating_point()
    assert point is not None
    assert line >= point.threshold - 1e-3
    assert stats.verdict_label(line, name) == "genuine"
    assert stats.verdict_label(line - 0.001, name) != "genuine"
    assert stats.verdict_label(0.0, name) == "other_person"


def test_small_conditions_have_the_line_of_small_faces() -> None:
    assert stats.line_of("s48grey") == stats.genuine_from(SMALL_CALIBRATION)
    assert stats.line_of("studio") == stats.line_of("full") == stats.genuine_from(CALIBRATION)


def _found(rows: list[dict[str, str]], seed: int = 0) -> Vectors:
    table = np.random.default_rng(seed).normal(0, 1, (len(rows), 128))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return Vectors(tuple(rows), {"full": (np.arange(len(rows)), table)})


def test_a_person_is_no_stranger_to_himself() -> None:
    rows = [{"file": f"{n}.jpg", "person": str(n // 2), "gender": "x"} for n in range(40)]
    ((group, condition, adjusted, bare),) = stats.tables("us_portraits", _found(rows), ("gender",))
    assert (group, condition) == ("x", "full")
    assert len(adjusted) == len(bare) == 40 * 39 // 2 - 20


def test_people_of_two_groups_are_not_compared_and_small_groups_are_left_out() -> None:
    rows = [{"file": f"{n}.jpg", "race": "few" if n < 20 else "many"} for n in range(60)]
    found = list(stats.tables("fairface_val_1400", _found(rows), ("race",)))
    assert [(group, len(adjusted)) for group, _, adjusted, _ in found] == [("many", 40 * 39 // 2)]


def test_people_whose_pictures_were_fitted_on_are_left_out() -> None:
    rows = [{"file": f"neutral_front/{n:03}_03.jpg", "set": "neutral_front"} for n in range(1, 136)]
    rows += [{"file": f"composite/f_{n}.jpg", "set": "composite"} for n in range(30)]
    ((_, _, adjusted, _),) = stats.tables("frll_london", _found(rows), ("set",))
    assert len(adjusted) == 45 * 44 // 2, "only the people divisible by three"


def test_the_command_measures_a_folder(
    tmp_path: Path, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "twfy_years"
    folder.mkdir()
    small = np.ascontiguousarray(cv2.resize(astronaut[:280, 83:363], (160, 160))[..., ::-1])
    for name in ("a", "b"):
        cv2.imwrite(str(folder / f"{name}.jpg"), small if name == "a" else small[:, ::-1])
    (folder / "labels.csv").write_text("file,person\na.jpg,she\nb.jpg,she\n")
    monkeypatch.setattr(stats, "SETS", {"twfy_years": (), "utkface_1k": ("race",)})
    assert stats.main(["--data", str(tmp_path), "--cache", str(tmp_path / "cache")]) == 0
    told = capsys.readouterr().out
    assert "utkface_1k: not there" in told
    for condition in ("full", "grey", "studio", "studiogrey", "s48"):
        assert f"one person years apart, {condition}: 1 pairs, 100.0%" in told


def test_in_one_studio_only_the_face_is_left(astronaut: np.ndarray, settings: Settings) -> None:
    from evals.data.identity_vectors import _in_studio

    rng = np.random.default_rng(0)
    first, second = (np.asarray(chip, np.uint8) for chip in rng.integers(0, 256, (2, 112, 112, 3)))
    one, two = _in_studio(first), _in_studio(second)
    assert np.array_equal(one[:8], two[:8])
    assert not np.array_equal(one[50:70, 50:70], two[50:70, 50:70])
