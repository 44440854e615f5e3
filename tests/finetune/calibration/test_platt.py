"""Platt scaling: the exact ratio of two normals, finite for separated classes, intervals by source."""

import numpy as np
import pytest

from evals.metrics.calibration import cllr
from finetune.calibration import platt


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
