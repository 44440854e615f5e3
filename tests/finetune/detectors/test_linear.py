"""Ridge regression: what a pen would find, the same both ways round, and never scored on what it saw."""

import numpy as np
import pytest

from finetune.detectors.linear import FOLDS, fold_of, out_of_fold, ridge


@pytest.mark.parametrize("shape", [(200, 5), (20, 60)])
def test_both_forms_solve_the_normal_equations(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(2, 3, shape), rng.normal(size=(shape[0], 2))
    fitted = ridge(x, y, 0.1)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    gradient = z.T @ (z @ fitted.weight.T + fitted.bias - y) + 0.1 * shape[1] * fitted.weight.T
    np.testing.assert_allclose(gradient, 0, atol=1e-8)


def test_a_line_is_found_again_and_constant_features_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=300), np.full(300, 7.0)])
    fitted = ridge(x, 3 * x[:, :1] + 1, 1e-9)
    np.testing.assert_allclose(fitted(np.array([[2.0, 7.0]])), [[7.0]], atol=1e-6)


def test_shares_move_the_fit_to_the_heavier_rows() -> None:
    x, y = np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [5.0], [9.0]])
    heavy = ridge(x, y, 1e-9, np.array([1.0, 1.0, 1e-6, 1e-6]))
    np.testing.assert_allclose(heavy(x[:2]), y[:2], atol=1e-3)


def test_out_of_fold_knows_nothing_that_only_the_own_source_teaches() -> None:
    rng = np.random.default_rng(0)
    sources = [f"person {index // 2}" for index in range(80)]
    x = np.repeat(rng.normal(size=(40, 200)), 2, axis=0)
    y = np.repeat(rng.choice([-1.0, 1.0], size=(40, 1)), 2, axis=0)
    seen = ridge(x, y, 1e-6)(x)
    unseen = out_of_fold(x, y, sources, 1e-6)
    assert float((seen * y).mean()) > 0.95
    assert abs(float((np.sign(unseen) * y).mean())) < 0.35


def test_a_source_has_one_fold_for_ever() -> None:
    assert {fold_of(f"set/{index}") for index in range(100)} == set(range(FOLDS))
    assert fold_of("frll_london/001") == fold_of("frll_london/001")
