"""Validation scores of the forgery branch."""

import numpy as np
import pytest

from evals.metrics.ranking import two_sample_auc
from finetune.detectors.forgery.scores import pointing_rate, spectrum_auc


def test_auc_counts_ties_half() -> None:
    assert two_sample_auc(np.array([1.0, 2.0]), np.array([0.0, 1.0])) == pytest.approx(0.875)
    assert np.isnan(two_sample_auc(np.array([]), np.array([1.0])))


def test_pointing_looks_at_the_strongest_patch() -> None:
    patches = np.array([[0.0, 5.0], [3.0, 1.0]])
    assert pointing_rate(patches, np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float16)) == 0.5


def test_the_trivial_baseline_finds_a_spectral_cue_and_nothing_in_noise() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(600) < 0.5
    held_out = np.arange(600) % 3 == 0
    noise = rng.normal(size=(600, 32)).astype(np.float32)
    assert abs(spectrum_auc(noise, positive, held_out) - 0.5) < 0.12
    noise[:, 20] += 3 * positive
    assert spectrum_auc(noise, positive, held_out) > 0.95
