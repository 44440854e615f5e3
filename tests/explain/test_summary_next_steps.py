"""Why an answer is given, and what to do next."""

from collections.abc import Mapping

import pytest

from faceagent.explain import summarize
from faceagent.explain.summary.sentences import languages
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.types import QUESTIONS, OperatingPoint, Score
from tests.explain.recorded import MOUTH, SPLICE, every_verdict, face, item, verdict


def test_a_forgery_is_answered_with_place_power_and_next_step() -> None:
    point = OperatingPoint(name="BPCER 3 %", threshold=2.1, scale="logit", measured_on="a set")
    one = verdict("forgery", "forged", supports=("F1:forgery",), llr=1.5, operating_point=point)
    found = summarize([one], [SPLICE, MOUTH], [face()])
    assert found.answer.startswith("Yes: ")
    assert found.reason is not None and "around the mouth" in found.reason
    fitted = calibration_of(SPLICE)
    assert isinstance(fitted, Platt)
    caught = round(10 * (1 - fitted.operating_points[0].errors["apcer"]))
    assert found.trust is not None and f"finds about {caught} in 10 swapped or pasted faces" in found.trust
    assert "false alarm" in found.trust
    assert found.next_step is not None and "person decide" in found.next_step
    assert found.cites == ("V:F1:forgery", "F1:forgery", "F1:forgery_mouth")


def test_an_open_answer_cites_what_was_measured() -> None:
    unmeasured = item("forgery_again", "forgery")
    one = verdict(
        "forgery", "inconclusive", status="uncertain", reason="weak_evidence", supports=(SPLICE.id, unmeasured.id)
    )
    assert summarize([one], [SPLICE, unmeasured], [face()]).cites == ("V:F1:forgery", "F1:forgery")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"nose": 0.01, "mouth": 0.01}, "No part of the face stands out"),
        ({"nose": 0.01, "mouth": None}, "No part of the face that could be checked stands out"),
        ({"nose": None, "mouth": None}, "The face as a whole"),
    ],
)
def test_a_part_that_could_not_be_checked_is_not_said_to_be_inconspicuous(
    parts: Mapping[str, float | None], said: str
) -> None:
    clean = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3)
    seen = [
        item(name, "forgery", region=name, score=Score(value=heat, scale="probability"))
        if heat is not None
        else item(name, "forgery", region=name, status="not_applicable", reason="not_measurable")
        for name, heat in parts.items()
    ]
    reason = summarize([clean], [SPLICE, *seen], [face()]).reason
    assert reason is not None and reason.startswith(said)


def test_a_face_that_cannot_be_used_says_why_and_what_to_do() -> None:
    small = face(reasons={"forgery": ("occluded", "face_too_small")})
    one = verdict("forgery", "inconclusive", status="uncertain", reason="face_unusable")
    found = summarize([one], [], [small])
    assert found.answer == "Cannot tell whether this face is manipulated."
    assert found.reason == "Part of the face is covered and the face in this picture is too small."
    short = summarize([one], [], [small], style="short")
    assert "part of the face is covered and the face in this picture is too small" in short.answer
    assert found.next_step == "Use a picture in which the whole face can be seen."


def test_a_face_that_only_just_will_do_has_a_better_picture_advised() -> None:
    poor = face().model_copy(update={"quality": face().quality.model_copy(update={"unified": 31.0})})
    steps = [summarize([verdict("quality", "usable")], [], [one]).next_step for one in (face(), poor)]
    assert steps[0] == "The picture can be used as it is."
    assert steps[1] is not None and "firmer answers" in steps[1]


def test_a_reason_never_repeats_the_answer() -> None:
    for language in languages():
        for one in every_verdict():
            for style in ("plain", "expert"):
                found = summarize([one], [], [face()], style=style, language=language)
                assert found.reason is None or found.reason.rstrip(".。").lower() not in found.answer.lower(), (
                    found.text
                )


def test_quality_names_the_questions_that_cannot_use_the_face() -> None:
    limited = verdict("quality", "limited")
    few = face(reasons={"expression": ("outside_picture",)})
    assert summarize([limited], [], [few]).answer.endswith("good enough for these checks, but not for expression.")
    most = face(reasons={one: ("outside_picture",) for one in QUESTIONS if one not in ("age", "quality", "provenance")})
    assert summarize([limited], [], [most]).answer.endswith("good enough for age only.")
    every = face(reasons={one: ("outside_picture",) for one in QUESTIONS if one not in ("quality", "provenance")})
    told = summarize([limited], [], [every])
    assert (
        told.answer.endswith("not good enough for these checks.")
        and told.reason == "Part of the face lies outside the picture."
    )
    assert told.next_step == "Use a picture in which the whole face can be seen."


@pytest.mark.parametrize(
    ("heat", "said"), [(0.1, "stands out;"), (0.4, "too little to count"), (0.8, "many genuine pictures")]
)
def test_a_clean_result_tells_how_much_a_region_says(heat: float, said: str) -> None:
    region = item("forgery_nose", "forgery", region="nose", score=Score(value=heat, scale="probability"))
    clean = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3)
    told = summarize([clean], [SPLICE, region], [face()])
    assert told.reason is not None and said in told.reason
    assert ("nose" in told.reason) == (region.id in told.cites)


def test_codes_of_muscle_movements_are_for_those_who_ask_for_them() -> None:
    unit = item("AU12", "action_units", label="present", score=Score(value=3.0, scale="intensity"))
    happy = verdict("expression", "happy", supports=(unit.id,))
    plain, expert = (summarize([happy], [unit], [face()], style=style).reason or "" for style in ("plain", "expert"))
    assert "AU12" not in plain and "pulled-up lip corners" in plain and "AU12" in expert
    units = verdict("action_units", "AU12C", supports=(unit.id,))
    assert "AU12" in summarize([units], [unit], [face()]).answer


def test_what_could_not_be_measured_says_what_was_in_the_way() -> None:
    cut = item(
        "expression", "expression", status="not_applicable", reason="not_measurable", facts={"cause": "occluded"}
    )
    shut = verdict("expression", "inconclusive", status="uncertain", reason="not_measurable")
    told = summarize([shut], [cut], [face()])
    assert told.reason == "Part of the face is covered."
    assert told.next_step == "Use a picture in which the whole face can be seen."
