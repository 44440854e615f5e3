"""The attributes branch: one head of two fits, chosen on what came out of fold, and calibrated on it."""

import numpy as np
import pytest

from faceagent.tools.attributes import CENTRES, FULL, YEARS, chances
from finetune.detectors.attributes.calibrate import gender_record
from finetune.detectors.attributes.data import AttributeRows
from finetune.detectors.attributes.train import band_indices, choose_age_fit, choose_gender_fit, fit_head
from finetune.detectors.linear import softmax_regression

N = 240


@pytest.fixture(scope="module")
def rows() -> AttributeRows:
    """Faces whose features tell age and gender plainly, beside a dlib that knows neither."""
    rng = np.random.default_rng(0)
    band, man = rng.integers(len(CENTRES), size=N), rng.random(N) < 0.5
    features = np.column_stack([np.eye(len(CENTRES))[band], man, rng.normal(size=(N, 5))])
    return AttributeRows(
        (features + rng.normal(0, 0.1, features.shape)).astype(np.float32),
        np.full((N, len(YEARS)), 1 / len(YEARS)),
        rng.normal(0, 0.1, N),
        np.array(list(CENTRES))[band],
        man,
        np.array([f"set/{index}.jpg" for index in range(N)]),
    )


def test_one_head_holds_both_fits(rows: AttributeRows) -> None:
    head = fit_head(rows, 0.03, 0.1)
    bands = softmax_regression(rows.features, band_indices(rows), len(CENTRES), 0.03)
    two = softmax_regression(rows.features, rows.man.astype(np.int64), 2, 0.1)(rows.features)
    found = head(rows.features)
    np.testing.assert_allclose(found[:, :-1], bands(rows.features), atol=1e-9)
    np.testing.assert_allclose(found[:, -1], two[:, 1] - two[:, 0], atol=1e-9)


def test_what_is_plain_is_learned_and_weighed_down_by_dlib(rows: AttributeRows) -> None:
    truth = np.array([CENTRES[str(band)] for band in rows.band])
    _, years = choose_age_fit(rows, FULL)
    assert np.corrcoef(years, truth)[0, 1] > 0.95
    _, logits = choose_gender_fit(rows, FULL)
    assert np.mean((logits > 0) == rows.man) > 0.95


def test_gender_is_calibrated_on_adults_alone(rows: AttributeRows) -> None:
    record = gender_record(rows, np.where(rows.man, 1.0, -1.0) + np.linspace(-2, 2, N), FULL.gender_calibration)
    adults = ~np.isin(rows.band, ("0-2", "3-9", "10-19"))
    assert record["id"] == FULL.gender_calibration
    assert record["n_positive"] + record["n_negative"] == adults.sum() < N
    assert record["slope"] > 0 and record["youngest"] == 20


def test_a_softmax_learns_probabilities() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 1))
    y = (rng.random(4000) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(np.int64)
    shares = chances(softmax_regression(x, y, 2, 1e-6)(np.array([[0.0], [1.0]])))[:, 1]
    np.testing.assert_allclose(shares, [0.5, 1 / (1 + np.exp(-2))], atol=0.04)
