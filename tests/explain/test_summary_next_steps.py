"""Why an answer is given, and what to do next."""

import re
from collections.abc import Mapping

import pytest

from faceagent.explain import summarize
from faceagent.explain.summary.sentences import languages
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.types import QUESTIONS, OperatingPoint, Probability, Score
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
    assert steps[0] == "No better picture is needed."
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
    assert summarize([limited], [], [few]).answer.endswith("; not usable for expression.")
    most = face(reasons={one: ("outside_picture",) for one in QUESTIONS if one not in ("age", "quality", "provenance")})
    assert summarize([limited], [], [most]).answer.endswith("; usable for age only.")
    every = face(reasons={one: ("outside_picture",) for one in QUESTIONS if one not in ("quality", "provenance")})
    told = summarize([limited], [], [every])
    assert told.answer == (
        "Technical quality of this face (size, sharpness, light): good, 80 of 100. It is not usable for these checks."
    )
    assert told.reason == "Part of the face lies outside the picture."
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


LOOK = "Compared as a whole with many faces, it is closest to those that look like this"


def against(label: str) -> str:
    told = f"Its muscle movements by themselves point elsewhere (by them it looks {label});"
    return f"{told} the whole face counts for more."


@pytest.mark.parametrize(
    ("label", "by_units", "present", "said"),
    [
        ("neutral", "neutral", True, "The muscle movements form no other expression; seen: pulled-up lip corners."),
        ("neutral", "neutral", False, "The muscles of the face are close to rest."),
        ("happy", "happy", True, "This shows in pulled-up lip corners."),
        ("happy", "happy", False, "The movements that point to it are faint."),
        ("happy", "sadness", True, f"{LOOK}, with pulled-up lip corners. {against('sad')}"),
        ("happy", "sadness", False, f"{LOOK}. {against('sad')}"),
        ("neutral", "happy", True, f"{LOOK}. {against('happy')}"),
    ],
)
def test_movements_are_no_ground_for_a_neutral_face_and_the_look_is_told_where_it_decides(
    label: str, by_units: str, present: bool, said: str
) -> None:
    unit = item("AU12", "action_units", label="present" if present else "absent")
    read = item("expression", "expression", label=label, facts={"by_units": by_units, "by_look": label})
    one = verdict("expression", label, supports=(read.id, unit.id))
    assert summarize([one], [read, unit], [face()]).reason == said


def test_an_expression_that_comes_first_and_is_not_likely_is_not_stated_firmly() -> None:
    likely, unlikely = (
        verdict(
            "expression",
            "neutral",
            status=status,
            probability=Probability(value=value, low=low, high=0.99, calibration="x"),
        )
        for status, value, low in (("stable", 0.9, 0.8), ("uncertain", 0.53, 0.43))
    )
    assert summarize([likely], [], [face()]).answer == "This face looks neutral."
    assert summarize([unlikely], [], [face()]).answer == "Best guess: this face looks neutral, but that is uncertain."


def test_an_answer_about_two_pictures_names_the_error_that_it_may_be() -> None:
    compared = item("identity", "identity", score=Score(value=0.2, scale="cosine", calibration="identity/sface-2"))
    same, other = (
        summarize([verdict("identity", label, supports=(compared.id,), strength="strong")], [compared], [face()])
        for label in ("genuine", "different_person")
    )
    assert other.reason is not None and re.search(r"\(60 of 100; the same person needs \d\d or more\)", other.reason)
    assert (
        other.trust is not None and "pairs of pictures of one person" in other.trust and "strangers" not in other.trust
    )
    assert same.trust is not None and "pairs of strangers" in same.trust and "one person" not in same.trust
    alike = verdict("identity", "inconclusive", status="uncertain", reason="same_file")
    assert (summarize([alike], [], [face()]).trust or "").startswith("Nothing was compared")


def test_what_could_not_be_measured_says_what_was_in_the_way() -> None:
    cut = item(
        "expression", "expression", status="not_applicable", reason="not_measurable", facts={"cause": "occluded"}
    )
    shut = verdict("expression", "inconclusive", status="uncertain", reason="not_measurable")
    told = summarize([shut], [cut], [face()])
    assert told.reason == "Part of the face is covered."
    assert told.next_step == "Use a picture in which the whole face can be seen."
