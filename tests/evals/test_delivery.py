"""The task that compares verdicts before and after a picture is saved again."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data import Case
from evals.data.synthesis.degradation_sweep import DELIVERIES, NamedDegradation
from evals.task import CaseTable
from evals.tasks import delivery


@pytest.mark.parametrize("one", DELIVERIES, ids=lambda one: one.name)
def test_a_copy_is_a_file_that_shows_the_picture(
    one: NamedDegradation, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    read = np.asarray(cv2.imread(str(one.write(astronaut, tmp_path))), np.uint8)[..., ::-1]
    assert min(read.shape[:2]) >= 0.49 * len(astronaut)
    assert np.allclose(read.mean(axis=(0, 1)), astronaut.mean(axis=(0, 1)), atol=12)


def test_an_answer_that_opens_counts_as_changed_and_attacks_count_apart() -> None:
    names = [one.name for one in DELIVERIES]
    cases = [
        Case(name, f"{name}.jpg", {"class": kind, "type": "", "video": "", "validation": 0.0}, name)
        for name, kind in (("a", "attack"), ("b", "bona_fide"), ("c", "bona_fide"))
    ]
    rows = [
        {"plain": "forged", **dict.fromkeys(names, "forged")},
        {"plain": "bona_fide", **dict.fromkeys(names, "bona_fide"), names[0]: "inconclusive"},
        {"plain": "inconclusive", **dict.fromkeys(names, "inconclusive")},
    ]
    table = CaseTable.of(zip(cases, rows, strict=True))
    found = {name: float(value[0]) for name, value in delivery.measurement(table)(np.ones((1, 3))).items()}
    assert found["equal.attacks"] == found["answered.attacks"] == 1.0
    assert found["equal.others"] == pytest.approx(1 - 1 / 10)
    assert (found["equal_all.others"], found["answered.others"]) == (0.5, 0.5)
    assert found[f"equal_{names[0]}"] == pytest.approx(2 / 3)
