"""The best of several comparisons supports less than a single one."""

import math

from hypothesis import given
from hypothesis import strategies as st

from faceagent.judge.calibrate import Platt, calibration
from faceagent.judge.fuse import comparisons_of
from faceagent.types import Evidence, Score, ToolStamp

FITTED = calibration("identity/sface-2")
assert isinstance(FITTED, Platt)


@given(score=st.floats(-1, 1), few=st.integers(1, 50), more=st.integers(0, 500))
def test_more_comparisons_never_support_more(score: float, few: int, more: int) -> None:
    assert isinstance(FITTED, Platt)
    single, several = FITTED.ratio(score, few).value, FITTED.ratio(score, few + more).value
    assert several <= single
    assert (several < 0) == (FITTED.ratio(score).value < 0)
    assert FITTED.corrected(score, few + more) <= FITTED.corrected(score, few) <= score


@given(score=st.floats(-1, 1))
def test_one_comparison_changes_nothing(score: float) -> None:
    assert isinstance(FITTED, Platt)
    assert FITTED.ratio(score, 1) == FITTED.ratio(score)
    assert math.isclose(FITTED.corrected(score, 1), score)


def test_the_number_of_comparisons_is_read_from_the_facts() -> None:
    item = Evidence(
        id="F1:identity",
        tool=ToolStamp(name="t", version="1"),
        question="identity",
        subject="F1",
        statement="Said.",
        score=Score(value=0.5, scale="cosine", calibration="identity/sface-2"),
        facts={"comparisons": 3},
    )
    assert comparisons_of(item) == 3
    assert comparisons_of(item.model_copy(update={"facts": {}})) == 1
