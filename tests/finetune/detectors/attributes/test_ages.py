"""The table of ages corrects a known bias."""

import numpy as np
import pytest

from faceagent.tools.attributes import FULL
from finetune.detectors.attributes import ages


def test_age_table_corrects_a_known_bias() -> None:
    """A network that halves every age: the table doubles it, and its interval holds eight of ten."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 80, 6000)
    bands = [next(name for name, (a, b) in ages.BANDS.items() if a <= age < b) for age in truth]
    record = ages.age_table(truth / 2, bands, FULL.age_table)
    found = np.interp(20.0, record["predicted"], record["value"])
    assert found == pytest.approx(40.0, abs=4)
    assert record["held_out"]["mae"] < record["held_out"]["mae_uncorrected"] / 2
    assert 0.7 < record["held_out"]["coverage"] <= 1.0
