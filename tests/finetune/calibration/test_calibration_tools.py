import json
from pathlib import Path

import numpy as np
import pytest

from evals.metrics.calibration import cllr
from faceagent.judge.calibrate import Platt
from finetune.calibration import platt, records
from finetune.detectors.attributes import ages


def test_fit_finds_the_likelihood_ratio_of_two_normals() -> None:
    """For unit normals at ±1 the exact ln LR is 2x, whatever the class sizes."""
    rng = np.random.default_rng(0)
    slope, intercept = platt.fit(rng.normal(1, 1, 4000), rng.normal(-1, 1, 20000))
    assert slope == pytest.approx(2.0, rel=0.06)
    assert intercept == pytest.approx(0.0, abs=0.08)


def test_fit_of_separated_classes_stays_finite() -> None:
    slope, intercept = platt.fit(np.full(50, 1.0), np.full(50, -1.0))
    assert 0 < slope < 100
    assert abs(intercept) < 1


def test_fit_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="both classes"):
        platt.fit(np.array([1.0]), np.array([]))


def test_interval_narrows_with_more_sources() -> None:
    rng = np.random.default_rng(0)

    def width(n: int) -> float:
        scores = rng.normal(1, 1, n), rng.normal(-1, 1, n)
        return platt.half_width(*scores, (np.arange(n), np.arange(n)), cap=3.0)

    assert width(800) < width(40)


def test_cllr_of_nothing_is_one() -> None:
    ratios = platt.log10_ratios(platt.PlattFit(1.0, 0.0), np.zeros(20), cap=2.0)
    assert cllr(ratios, np.repeat([True, False], 10)) == pytest.approx(1.0)


def test_age_table_corrects_a_known_bias() -> None:
    """A network that halves every age: the table doubles it, and its interval holds eight of ten."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 80, 6000)
    bands = [next(name for name, (a, b) in ages.BANDS.items() if a <= age < b) for age in truth]
    record = ages.age_table(truth / 2, bands)
    found = np.interp(20.0, record["predicted"], record["value"])
    assert found == pytest.approx(40.0, abs=4)
    assert record["held_out"]["mae"] < record["held_out"]["mae_uncorrected"] / 2
    assert 0.7 < record["held_out"]["coverage"] <= 1.0


def test_written_record_is_what_the_judge_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    record = records.binary_record(
        "identity/test-1",
        "cosine",
        ("same_person", "different_person"),
        (rng.normal(0.8, 0.1, 60), rng.normal(0.1, 0.1, 600)),
        (np.arange(60), np.arange(600) % 60),
        [records.operating_point("FMR 1 %", 0.4, {"fmr": 0.01})],
        fitted_on="drawn",
        note="drawn",
    )
    path = records.write_record(record, tmp_path)
    read = Platt.model_validate(json.loads(path.read_text()))
    assert path.name == "identity-test-1.json"
    assert read.cap_log10 == pytest.approx(np.log10(60), abs=0.01)
    assert read.ratio(0.9).value > 1 > -1 > read.ratio(0.0).value
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
