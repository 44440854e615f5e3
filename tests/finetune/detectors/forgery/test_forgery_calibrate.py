"""Calibration of the forgery branch: ratios point the right way, and the default point keeps bona fide faces clean."""

import numpy as np
import pytest

from faceagent.judge.calibrate import RANKED, Platt
from finetune.detectors.forgery.calibrate import FALSE_ALARMS, FLOOR, Scores, calibrate, clean_line


def test_the_ratio_points_the_right_way_and_the_default_point_is_quiet() -> None:
    rng = np.random.default_rng(0)
    sources = [f"set/{index}" for index in range(100)]
    untouched, forged = (Scores(rng.normal(middle, 1, 100), sources) for middle in (0, 2))
    faces = Scores(rng.normal(0, 1, 300), [f"face/{index}" for index in range(300)])
    record = calibrate(forged, untouched, faces)
    assert record["slope"] > 0 and record["intercept"] < 0
    assert record["n_positive"] == 100
    assert record["n_negative"] == 100 + 300
    assert record["cap_log10"] <= np.log10(100)
    flagged = np.mean(faces.values > record["operating_points"][0]["threshold"])
    assert abs(flagged - FALSE_ALARMS[0]) < 0.01
    fitted = Platt.model_validate(record)
    assert fitted.ratio(-50.0).value == pytest.approx(FLOOR - RANKED)
    assert fitted.ratio(50.0).value == fitted.cap_log10


def test_the_clean_line_is_the_highest_below_which_few_forgeries_lie() -> None:
    rng = np.random.default_rng(0)
    forged, bona_fide = rng.normal(2, 1, 4000), rng.normal(0, 1, 4000)
    line = clean_line(forged, bona_fide)
    assert line is not None

    def ratio(at: float) -> float:
        return float(np.mean(forged < at) / np.mean(bona_fide < at))

    assert ratio(line) <= 10**FLOOR < ratio(line + 0.1)
    # Where both score alike, no result below any line speaks for a bona fide face.
    assert clean_line(np.arange(50.0), np.arange(50.0)) is None
