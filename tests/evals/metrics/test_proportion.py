"""The interval of a proportion, against published values."""

import pytest

from evals.metrics.proportion import wilson


def test_wilson_agrees_with_newcombes_examples():
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    for hits, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(hits, n) == pytest.approx((low, high), abs=6e-5)


def test_a_certain_share_keeps_an_open_side():
    low, high = wilson(20, 20)
    assert high == 1.0 and low == pytest.approx(1 - 0.1611, abs=6e-5)


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_what_is_no_proportion_is_refused(hits, n):
    with pytest.raises(ValueError, match="no proportion"):
        wilson(hits, n)
