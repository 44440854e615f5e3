import math

import pytest
from pydantic import ValidationError

from faceagent.judge.calibrate import RANKED, Platt, Temperature, _shipped


def platt(**changes: object) -> Platt:
    values = {
        "id": "x/1", "kind": "platt", "scale": "logit", "slope": 2.0, "intercept": -1.0, "positive": "a",
        "negative": "b", "fitted_on": "hand", "n_positive": 10, "n_negative": 10, "cap_log10": 2.0,
        "interval_log10": 0.25,
    }  # fmt: skip
    return Platt.model_validate(values | changes)


def test_platt_by_hand() -> None:
    value, low, high = platt().ratio(1.0)
    assert value == pytest.approx(1 / math.log(10))
    assert (low, high) == (pytest.approx(value - 0.25), pytest.approx(value + 0.25))
    assert platt().ratio(0.5).value == pytest.approx(0.0)


def test_platt_never_says_more_than_its_cap() -> None:
    assert platt().ratio(1e9) == (2.0, 2.0, 2.0)
    assert platt().ratio(-1e9) == (-2.0, -2.0, -2.0)


def test_below_the_clean_line_only_that_nothing_was_found_counts() -> None:
    stepped = platt(floor_log10=-0.3, clean_below=1.0)
    # By the slope alone these scores would have different ratios, one of them above 1.
    found = [stepped.ratio(score).value for score in (-9.0, 0.0, 0.9)]
    assert all(-0.3 - RANKED <= value < -0.3 for value in found)
    # Verdicts are ranked by it: of two faces on which nothing was found one is still less suspicious.
    assert found == sorted(set(found))
    assert stepped.ratio(1.0) == platt(floor_log10=-0.3).ratio(1.0)
    assert stepped.ratio(0.9, comparisons=4).value <= -0.3
    # The step passes 1:1, so that is where the ratio stops being below 1.
    assert stepped.score_at(0.0) == 1.0 and platt().score_at(0.0) == pytest.approx(0.5)
    assert stepped.score_at(0.6) == pytest.approx(platt().score_at(0.6))


def test_temperature_by_hand() -> None:
    fitted = Temperature.model_validate(
        {"id": "t", "kind": "temperature", "labels": ["a", "b"], "T": 2.0, "n": 100, "fitted_on": "hand"}
    )
    found = fitted.probabilities({"a": 2.0, "b": 0.0})
    assert found["a"] == pytest.approx(math.e / (math.e + 1))
    assert sum(found.values()) == pytest.approx(1.0)
    low, high = fitted.interval(found["a"])
    assert 0 < low < found["a"] < high < 1


def test_a_temperature_of_zero_is_refused() -> None:
    with pytest.raises(ValidationError):
        Temperature.model_validate({"id": "t", "kind": "temperature", "labels": [], "T": 0, "n": 1, "fitted_on": "x"})


def test_every_shipped_calibration_loads_and_is_honest_about_its_size() -> None:
    assert _shipped()
    for identifier, fitted in _shipped().items():
        assert fitted.id == identifier
        assert fitted.fitted_on
        if isinstance(fitted, Platt):
            # n samples of one side cannot support an error rate below about 1/n.
            assert fitted.cap_log10 <= math.log10(max(fitted.n_positive, fitted.n_negative)) + 0.01
