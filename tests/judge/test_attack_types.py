"""Alternatives are averaged, unfamiliar faces stay open, and a family is named only when its score reaches the line."""

from collections.abc import Callable

import pytest

from faceagent.judge import calibrate, decide
from faceagent.judge.calibrate import _ADAPTER, RANKED
from faceagent.judge.fuse import WIDENED, fuse
from faceagent.types import INCONCLUSIVE, Evidence
from tests.judge.conftest import BINARY

Make = Callable[..., Evidence]


@pytest.fixture(autouse=True)
def _ways(_calibrations: None, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"kind": "platt", "slope": 2.302585, "intercept": 0.0, "cap_log10": 3.0, "floor_log10": -0.3, **BINARY}
    line = {"name": "named", "threshold": 0.5}
    records = [
        {"id": "test/spliced", "attack_type": "spliced", **plain},
        {"id": "test/generated", "attack_type": "generated as a whole", **plain},
        {"id": "test/near", "kind": "familiarity", "scale": "ratio", "usual": 1.5, "far": 3.0, "fitted_on": "x"},
        {"id": "test/family", "kind": "threshold", "operating_points": [line], **BINARY, "negative": "unknown_family"},
    ]
    known = calibrate._shipped()
    made = {str(record["id"]): _ADAPTER.validate_python(record) for record in records}
    monkeypatch.setattr(calibrate, "_shipped", lambda: {**known, **made})


def _pair(measured: Make, spliced: float, generated: float) -> list[Evidence]:
    return [measured("splice", spliced, "test/spliced"), measured("generated", generated, "test/generated")]


def test_one_way_is_enough(measured: Make) -> None:
    fused = fuse(_pair(measured, 2.0, -5.0))
    assert fused is not None
    # The mean of 100 and the floor of one half.
    assert 10**fused.ratio.value == pytest.approx((100 + 10 ** (-0.3 - RANKED)) / 2, rel=1e-3)
    assert not fused.contested
    verdict = decide.binary("forgery", "F1", _pair(measured, 2.0, -5.0))
    assert verdict.label == "forged"
    assert verdict.contradicts == ()
    assert "spliced" in verdict.wording


def test_no_sign_of_either_leans_and_clears_nobody(measured: Make) -> None:
    verdict = decide.binary("forgery", "F1", _pair(measured, -4.0, -4.0))
    assert (verdict.label, verdict.status) == ("bona_fide", "leans")
    assert verdict.llr == pytest.approx(-0.3 - RANKED, abs=1e-3)
    assert (verdict.firm_label, verdict.strength) == (INCONCLUSIVE, "weak")
    assert verdict.capped is not None and "misses many attacks" in verdict.capped
    assert "fitting set" not in verdict.wording and "neither" not in verdict.wording


def test_an_even_total_is_where_it_is_said_to_be(measured: Make) -> None:
    items = _pair(measured, 2.0, 0.1)
    fused = fuse(items)
    assert fused is not None and fused.even_ratio("F1:splice") is not None
    needed = fused.even_ratio("F1:splice")
    again = fuse([measured("splice", needed, "test/spliced"), items[1]])
    assert again is not None and again.ratio.value == pytest.approx(0, abs=1e-4)
    beyond = fuse(_pair(measured, 0.0, 2.0))
    assert beyond is not None and beyond.even_ratio("F1:splice") is None


def test_an_unusual_face_widens_the_interval_and_a_far_one_stays_open(measured: Make) -> None:
    items = _pair(measured, 2.5, 0.0)
    plain = fuse(items)
    unusual = fuse([*items, measured("distance", 2.0, "test/near")])
    assert plain is not None and unusual is not None
    assert unusual.ratio.low == pytest.approx(plain.ratio.low - WIDENED)
    assert unusual.ratio.value == plain.ratio.value
    assert decide.binary("forgery", "F1", [*items, measured("distance", 1.0, "test/near")]).label == "forged"
    far = decide.binary("forgery", "F1", [*items, measured("distance", 4.0, "test/near")])
    assert (far.label, far.reason) == (INCONCLUSIVE, "open_set")
    assert far.llr == pytest.approx(plain.ratio.value, abs=1e-6)


@pytest.mark.parametrize(("value", "said"), [(0.6, "stylegan2"), (0.4, "unknown family")])
def test_a_family_is_named_from_its_line_on(measured: Make, value: float, said: str) -> None:
    items = _pair(measured, 0.0, 2.0)
    family = measured("family", value, "test/family", label="stylegan2", cites=("F1:generated",))
    verdict = decide.binary("forgery", "F1", [*items, family])
    assert f"Family: {said}." in verdict.wording
    assert "F1:family" in verdict.supports
    # Beside a splice it is told with an "if", and supports nothing.
    beside = decide.binary("forgery", "F1", [*_pair(measured, 2.0, 0.0), family])
    assert f"if it was generated instead: {said}." in beside.wording
    assert "F1:family" not in beside.supports
    # A face that is not called forged has no generator.
    assert "Family" not in decide.binary("forgery", "F1", [*_pair(measured, 0.0, 0.0), family]).wording
