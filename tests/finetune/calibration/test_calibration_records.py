"""A written calibration record is what the judge reads."""

import json
from pathlib import Path

import numpy as np
import pytest

from faceagent.judge.calibrate import Platt
from finetune.calibration import records


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
