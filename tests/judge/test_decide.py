from collections.abc import Callable

import pytest

from faceagent.judge import decide
from faceagent.judge.calibrate import Platt, calibration
from faceagent.judge.fuse import fuse
from faceagent.types import Evidence, Score

Make = Callable[..., Evidence]


def test_strong_evidence_decides_and_says_its_number(measured: Make) -> None:
    verdict = decide.binary("forgery", "F1", [measured("a", 2.0)])
    assert verdict.label == "forged"
    assert verdict.llr == pytest.approx(2.0, abs=1e-4)
    assert verdict.probability is not None
    assert verdict.probability.value == pytest.approx(100 / 101, abs=1e-4)
    assert verdict.probability.calibration == "test/plain"
    assert "LR 100" in verdict.wording
    assert "forged over bona fide" in verdict.wording
    assert (verdict.status, verdict.supports, verdict.contradicts) == ("stable", ("F1:a",), ())


def test_the_other_side_wins_by_the_mirror_image(measured: Make) -> None:
    verdict = decide.binary("forgery", "F1", [measured("a", -2.0)])
    assert verdict.label == "bona_fide"
    assert verdict.probability is not None
    assert verdict.probability.low <= verdict.probability.value <= verdict.probability.high
    assert verdict.probability.value == pytest.approx(100 / 101, abs=1e-4)
    assert "bona fide over forged" in verdict.wording


@pytest.mark.parametrize(("score", "label"), [(0.5, "forged"), (-0.5, "bona_fide")])
def test_weak_evidence_leans_with_its_number(measured: Make, score: float, label: str) -> None:
    verdict = decide.binary("forgery", "F1", [measured("a", score)])
    assert (verdict.label, verdict.reason, verdict.status, verdict.strength) == (label, None, "leans", "weak")
    assert (verdict.decided, verdict.firm_label) == (False, "inconclusive")
    assert verdict.wording.startswith("Leans towards") and "LR 3.2" in verdict.wording


@pytest.mark.parametrize("score", [0.2, -0.2, 0.0])
def test_evidence_that_fits_both_sides_stays_open(measured: Make, score: float) -> None:
    verdict = decide.binary("forgery", "F1", [measured("a", score)])
    assert (verdict.label, verdict.reason, verdict.strength) == ("inconclusive", "weak_evidence", "none")
    assert verdict.leaning is None and "about equally well" in verdict.wording


def test_an_unfamiliar_face_never_leans(measured: Make) -> None:
    far = measured(
        "far", 9.0, "forgery/familiar-1", score=Score(value=9.0, scale="ratio", calibration="forgery/familiar-1")
    )
    verdict = decide.binary("forgery", "F1", [measured("a", 0.8), far])
    assert (verdict.label, verdict.reason, verdict.leaning) == ("inconclusive", "open_set", None)


@pytest.mark.parametrize(
    ("low", "high", "label", "reason"),
    [
        (-0.5, 1.2, "inconclusive", "unstable"),  # one copy leans to each side
        (0.1, 1.2, "forged", None),  # a copy says nothing
        (-0.2, 0.2, "forged", None),
        (0.4, 1.6, "forged", None),
    ],
)
def test_a_score_whose_copies_lean_to_both_sides_gives_no_label(
    measured: Make, low: float, high: float, label: str, reason: str | None
) -> None:
    steady = decide.binary("forgery", "F1", [measured("a", 0.5)])
    score = Score(value=0.5, scale="logit", calibration="test/plain", low=low, high=high)
    found = decide.binary("forgery", "F1", [measured("a", 0.5, score=score)])
    assert (found.label, found.reason) == (label, reason)
    assert ("saved again" in found.wording) == (reason == "unstable")
    assert found.positive is not None and steady.positive is not None
    # The interval covers what the copies say, and what one score says of itself.
    assert found.positive.low <= min(steady.positive.low, 1 / (1 + 10**-low) + 1e-6)
    assert found.positive.high >= max(steady.positive.high, 1 / (1 + 10**-high) - 1e-6)


def test_the_probability_of_the_positive_side_ranks_whatever_the_label_is(measured: Make) -> None:
    found = [decide.binary("forgery", "F1", [measured("a", score)]).positive for score in (-2.0, -0.1, 0.1, 0.8, 2.0)]
    values = [one.value for one in found if one is not None]
    assert len(values) == 5 and values == sorted(values)
    assert values[0] == pytest.approx(1 / 101, abs=1e-5)


def test_specialists_that_contradict_each_other_make_it_contested(measured: Make) -> None:
    verdict = decide.binary("forgery", "F1", [measured("a", 2.5), measured("b", -1.0)])
    assert (verdict.label, verdict.reason, verdict.status) == ("inconclusive", "contradictory", "contested")
    assert (verdict.supports, verdict.contradicts) == (("F1:a",), ("F1:b",))


def test_agreement_adds_up_but_cannot_run_away(measured: Make) -> None:
    fused = fuse([measured(name, 2.0) for name in "abcdef"])
    assert fused is not None
    assert fused.ratio.value == pytest.approx(4.0)
    assert not fused.contested


def test_a_score_short_of_the_operating_point_does_not_decide(measured: Make) -> None:
    short = decide.binary("forgery", "F1", [measured("a", 1.4, "test/point")])
    assert (short.label, short.reason, short.leaning) == ("inconclusive", "below_operating_point", "forged")
    decided = decide.binary("forgery", "F1", [measured("a", 1.6, "test/point")])
    assert decided.label == "forged"
    assert decided.operating_point is not None
    assert decided.operating_point.errors == {"bpcer": 0.01}


def test_an_operating_point_without_likelihood_decides_but_stays_uncertain(measured: Make) -> None:
    verdict = decide.binary("forgery", "F1", [measured("a", 0.7, "test/line")])
    assert (verdict.label, verdict.status, verdict.llr) == ("forged", "uncertain", None)
    assert "0.700" in verdict.wording


def test_uncalibrated_evidence_abstains(measured: Make) -> None:
    verdict = decide.binary("forgery", "F1", [measured("a", 9.0, None)])
    assert (verdict.label, verdict.reason) == ("inconclusive", "uncalibrated")


def test_no_evidence_and_silent_evidence_abstain_with_their_reason(measured: Make) -> None:
    assert decide.binary("forgery", "F1", []).reason == "no_evidence"
    silent = measured("a", 0.0, score=None, status="unavailable", reason="weights_missing", statement="No weights.")
    verdict = decide.binary("forgery", "F1", [silent])
    assert verdict.reason == "weights_missing"
    assert "no weights" in verdict.wording


@pytest.mark.parametrize(
    ("logits", "label"),
    [
        ({"happy": 3.0, "sadness": 0.0, "neutral": 0.0}, "happy"),
        ({"happy": 1.0, "sadness": 0.9}, "inconclusive"),
        ({"happy": 0.1, "sadness": 0.0, "neutral": 0.0}, "inconclusive"),
    ],
)
def test_choice_needs_a_clear_winner(measured: Make, logits: dict[str, float], label: str) -> None:
    item = measured(
        "expression",
        1.0,
        question="expression",
        distribution=logits,
        score=Score(value=1.0, scale="logit", calibration="test/labels"),
    )
    verdict = decide.choice("expression", "F1", [item])
    assert verdict.label == label
    assert "apparent happy" in verdict.wording.lower()
    assert verdict.probability is not None
    assert verdict.probability.low < verdict.probability.value < verdict.probability.high


def test_facs_code_has_intensity_letters(measured: Make) -> None:
    def unit(name: str, value: float, label: str) -> Evidence:
        score = Score(value=value, scale="intensity")
        return measured(name, 0.0, question="action_units", label=label, score=score)

    verdict = decide.facs(
        "action_units",
        "F1",
        [
            unit("AU6", 2.4, "present"),
            unit("AU12", 5.0, "present"),
            unit("AU4", 0.2, "absent"),
        ],
    )
    assert verdict.label == "AU6C+AU12E"
    assert verdict.wording == "2 of 3 measurable action units are present: AU6C + AU12E."
    nothing = decide.facs("action_units", "F1", [unit("AU4", 0.2, "absent")])
    assert (nothing.label, nothing.supports) == ("none", ("F1:AU4",))


def test_a_range_without_calibrated_interval_abstains(measured: Make) -> None:
    bare = measured("age", 0, question="age", score=Score(value=33, scale="years"))
    assert decide.interval("age", "F1", [bare]).reason == "uncalibrated"
    full = measured(
        "age", 0, question="age", score=Score(value=33, low=28, high=39, scale="years", calibration="age/1")
    )
    assert decide.interval("age", "F1", [full]).label == "28-39 years"


def test_permutation_of_the_evidence_changes_nothing(measured: Make) -> None:
    items = [measured("a", 1.2), measured("b", 0.4), measured("c", -0.2)]
    one, other = decide.binary("forgery", "F1", items), decide.binary("forgery", "F1", items[::-1])
    assert (one.label, one.llr, set(one.supports)) == (other.label, other.llr, set(other.supports))


def test_a_lean_to_an_attack_begins_at_the_line_that_two_in_a_hundred_reach(measured: Make) -> None:
    fitted = calibration("forgery/splice-1")
    assert isinstance(fitted, Platt)
    line = fitted.line_at(decide.LEAN_FALSE_CALLS)
    (two, one) = fitted.operating_points
    assert line is not None and two.threshold <= line < one.threshold
    below, beyond = (
        decide.binary("forgery", "F1", [measured("a", line + step, "forgery/splice-1")]) for step in (-0.01, 0.01)
    )
    assert (below.label, below.reason, below.leaning) == ("inconclusive", "below_operating_point", "forged")
    assert (beyond.label, beyond.status) == ("forged", "leans")
