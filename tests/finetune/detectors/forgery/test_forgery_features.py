"""Batches of the feature cache."""

import numpy as np

from finetune.detectors.forgery.features import pair_batches


def test_batches_keep_pairs_together() -> None:
    rows = next(pair_batches(np.arange(0, 40, 2), 4, np.random.default_rng(0)))
    assert len(rows) == 8
    np.testing.assert_array_equal(rows[1::2], rows[0::2] + 1)
