"""How far an answer can be trusted: what its test misses, and what the record allows to say."""

import re

import pytest

from faceagent.explain import summarize
from faceagent.explain.summary.answers import ATTACKS
from faceagent.explain.summary.power import certainty
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.types import Evidence, Probability, Score
from tests.explain.recorded import SPLICE, face, item, verdict


def missing(share: float) -> Evidence:
    """Evidence of a test that misses this share of attacks, with a calibration of its own."""
    return item("test", "spoof", score=Score(value=-2.0, scale="logit", calibration=f"spoof/misses-{share}"))


def test_a_clean_result_leads_with_what_was_not_found_and_says_what_the_test_misses() -> None:
    clean = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3, strength="weak")
    found = summarize([clean], [SPLICE], [face()])
    fitted = calibration_of(SPLICE)
    assert isinstance(fitted, Platt)
    missed = round(10 * fitted.operating_points[0].errors["apcer"])
    assert found.answer == (
        "No clear sign of manipulation (a swapped or pasted face) was found: a weak no. "
        "This does not cover faces made entirely by a computer (AI)."
    )
    # The rate is told once, and a clean result never sounds like a clearance.
    assert found.trust == (
        f"Not very sure: the test misses about {missed} in 10 swapped or pasted faces, so it cannot clear a picture."
    )
    assert "Probably" not in found.text
    assert found.findings[0].answer == "leans_no"


def test_a_clean_result_is_no_surer_than_its_test_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = calibration_of(SPLICE)
    assert isinstance(shipped, Platt)

    def calibration(one: Evidence) -> Platt | None:
        if one.score is None or one.score.calibration is None:
            return None
        share = float(one.score.calibration.rpartition("-")[2])
        point = shipped.operating_points[0].model_copy(update={"errors": {"apcer": share, "bpcer": 0.01}})
        return shipped.model_copy(update={"operating_points": (point,), "attack_type": None})

    for module in ("power", "reasons"):
        monkeypatch.setattr(f"faceagent.explain.summary.{module}.calibration_of", calibration)
    strengths = ("weak", "moderate", "moderately_strong", "strong", "extremely_strong")
    clean = [verdict("spoof", "live", supports=("F1:test",), strength=one) for one in strengths]
    grades = [[certainty(one, [missing(share)]) for share in (0.01, 0.1, 0.3, 0.5, 0.9)] for one in clean]
    assert all(list(row) == sorted(row, reverse=True) for row in grades)
    assert all(list(column) == sorted(column) for column in zip(*grades, strict=True))
    assert grades[-1][0] == 3 and grades[-1][3] == 0 and grades[0][0] == 0
    firm = verdict("spoof", "live", supports=("F1:test",), strength="strong")
    assert summarize([firm], [missing(0.7)], [face()]).answer.startswith("No clear sign")
    sure = summarize([firm], [missing(0.04)], [face()])
    assert sure.answer.startswith("No: no clear sign")
    assert sure.trust is not None and "misses fewer than 1 in 10 photographed" in sure.trust


def test_two_tests_for_the_same_attack_are_told_as_one() -> None:
    tests = [
        item(name, "morph", score=Score(value=-2.0, scale="logit", calibration=f"morph/{name}-1"))
        for name in ("single", "differential")
    ]
    clean = verdict("morph", "bona_fide", supports=tuple(one.id for one in tests), llr=-1.0)
    told = summarize([clean], tests, [face()]).trust or ""
    fitted = [calibration_of(one) for one in tests]
    worst = max(one.operating_points[0].errors["apcer"] for one in fitted if isinstance(one, Platt))
    assert told.count(" in 10") == 1 and f"misses about {round(10 * worst)} in 10" in told, told


def test_a_surer_no_stands_apart_from_a_weak_one() -> None:
    weak = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3, strength="weak")
    found = summarize([weak, verdict("spoof", "live", strength="strong")], [SPLICE], [face()])
    assert found.answer.startswith("No clear sign of manipulation (a swapped or pasted face) was found: a weak no. ")
    assert found.answer.endswith(" No clear sign of a photographed print or screen was found.")
    assert found.trust is not None and "Manipulation: Not very sure" in found.trust


def test_a_rate_is_told_of_the_tests_whose_power_is_known() -> None:
    forgery = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3)
    told = summarize([forgery, verdict("spoof", "live", status="leans")], [SPLICE], [face()]).trust or ""
    rated, unrated = told.splitlines()
    assert rated.startswith("Manipulation: ") and "in 10 swapped or pasted faces" in rated
    assert unrated.startswith("Print or screen: ") and not re.search(r"\d", unrated)


def test_what_was_not_answered_has_no_rates() -> None:
    for reason in ("weak_evidence", "unstable", "contradictory", "below_operating_point", "open_set"):
        for question in (*ATTACKS, "identity"):
            shut = verdict(
                question, "inconclusive", status="uncertain", reason=reason, supports=(SPLICE.id,), strength="weak"
            )
            found = summarize([shut], [SPLICE], [face()])
            assert not re.search(r"\d", found.text), found.text


def test_expert_adds_numbers_and_plain_has_none() -> None:
    probability = Probability(value=0.9, low=0.8, high=0.95, calibration="forgery/splice-1")
    one = verdict("forgery", "forged", probability=probability, llr=1.5, supports=("F1:forgery",))
    plain, expert = (summarize([one], [SPLICE], [face()], style=style) for style in ("plain", "expert"))
    assert "likelihood ratio 32" in expert.text and "90 %" in expert.text
    assert "32" not in plain.text and "90 %" not in plain.text


def test_a_question_without_an_answer_is_told_apart_from_one_that_was_not_measured() -> None:
    even = verdict("expression", "inconclusive", status="uncertain", reason="weak_evidence")
    assert "no usable answer" in (summarize([even], [], [face()]).trust or "")
    shut = even.model_copy(update={"reason": "face_unusable"})
    assert "could not be measured" in (summarize([shut], [], [face()]).trust or "")


def test_a_surer_and_a_weaker_no_of_one_test_give_different_grounds() -> None:
    test = item("spoof", "spoof", score=Score(value=-2.0, scale="logit", calibration="spoof/joined-1"))
    said = {
        strength: summarize([verdict("spoof", "live", strength=strength, supports=(test.id,))], [test], [face()]).trust
        for strength in ("weak", "strong")
    }
    assert said["weak"] is not None and "only slightly on the side of genuine" in said["weak"]
    assert said["strong"] is not None and "clearly on the side of genuine" in said["strong"]


@pytest.mark.parametrize("language", ["en", "es", "zh"])
def test_no_print_or_screen_is_no_word_on_faces_shown_within_the_scene(language: str) -> None:
    clean, found = verdict("spoof", "live", strength="strong"), verdict("spoof", "spoof", strength="strong")
    told = [summarize([one], [], [face()], language=language).trust or "" for one in (clean, found)]
    within = {"en": "in the scene", "es": "de la escena", "zh": "画面中"}[language]
    assert [within in one for one in told] == [True, False]
