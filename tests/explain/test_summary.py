"""The direct answer: what it says of every answer, over several faces and questions, in every style and language."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from faceagent.explain import summarize
from faceagent.explain.summary.answers import ATTACKS, YES, answer_of
from faceagent.explain.summary.power import certainty
from faceagent.explain.summary.sentences import BASE, _read, languages
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.types import (
    LANGUAGES,
    QUESTIONS,
    STYLES,
    Evidence,
    Face,
    OperatingPoint,
    PolicyDecision,
    Probability,
    Problem,
    Quality,
    Question,
    Reason,
    Score,
    ToolStamp,
    Verdict,
)

LABELS: dict[str, tuple[str, ...]] = {
    "forgery": ("forged", "bona_fide"),
    "morph": ("morph", "bona_fide"),
    "spoof": ("spoof", "live"),
    "identity": ("genuine", "other_person", "forged"),
    "gender": ("male", "female"),
    "expression": ("neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust", "other"),
    "action_units": ("AU12C", "none"),
    "age": ("25-37 years",),
    "quality": ("usable", "limited", "unusable"),
    "provenance": ("invalid", "trusted", "well_formed_untrusted", "declares_synthetic"),
}
JARGON = re.compile(r"\bLLR?\b|\bLR\b|likelihood|BPCER|APCER|operating point|calibrat|logit", re.IGNORECASE)


def verdict(question: Question, label: str, subject: str = "F1", **changes: object) -> Verdict:
    values: dict[str, object] = {
        "id": f"V:{subject}:{question}",
        "question": question,
        "subject": subject,
        "label": label,
        "wording": "Recorded.",
        "status": "stable",
    }
    return Verdict.model_validate(values | changes)


def face(name: str = "F1", **changes: object) -> Face:
    quality = Quality(unified=80, sharpness=80, illumination=70, exposure=90, resolution=60, pose=95, visibility=100)
    values: dict[str, object] = {
        "id": name,
        "picture": "P1",
        "box": (0, 0, 50, 50),
        "confidence": 0.9,
        "points5": (),
        "quality": quality,
    }
    return Face.model_validate(values | changes)


def row(count: int) -> list[Face]:
    """Faces side by side, F1 on the left."""
    return [face(f"F{place + 1}", box=(100 * place, 0, 100 * place + 50, 50)) for place in range(count)]


def item(name: str, question: Question, **changes: object) -> Evidence:
    values: dict[str, object] = {
        "id": f"F1:{name}",
        "tool": ToolStamp(name=question, version="1"),
        "question": question,
        "subject": "F1",
        "statement": "Recorded.",
    }
    return Evidence.model_validate(values | changes)


SPLICE = item("forgery", "forgery", score=Score(value=4.0, scale="logit", calibration="forgery/splice-1"))
MOUTH = item("forgery_mouth", "forgery", region="mouth", score=Score(value=0.8, scale="probability"))


def every_verdict() -> list[Verdict]:
    """One per question and label, firm and leaning, and one per reason that leaves a question open."""
    said = [
        verdict(question, label, status=status)
        for question in QUESTIONS
        for label in LABELS[question]
        for status in ("stable", "leans")
        if status == "stable" or question in (*YES, "gender", "expression")
    ]
    unsure = [
        verdict(question, "inconclusive", status="uncertain", reason=reason)
        for question in QUESTIONS
        for reason in (
            "weak_evidence",
            "contradictory",
            "unstable",
            "open_set",
            "face_unusable",
            "absent",
            "no_reference",
        )
    ]
    return [*said, *unsure]


@pytest.mark.parametrize("language", ["en", "es", "zh"])
@pytest.mark.parametrize("style", STYLES)
def test_every_verdict_has_an_answer_in_every_style_and_language(language: str, style: Any) -> None:
    for one in every_verdict():
        found = summarize([one], [], [face()], style=style, language=language)
        assert found.language == language
        assert "{" not in found.text and found.answer[-1] in ".。"
        if style == "short":
            assert found.sentences == (found.answer,)
        else:
            assert found.next_step
        if style != "expert" and language == "en":
            assert not JARGON.search(found.text), found.text


@pytest.mark.parametrize("language", ["es", "zh"])
def test_a_language_has_every_sentence_of_english_and_no_other(language: str) -> None:
    def names(table: Mapping[str, Any], path: str = "") -> set[str]:
        return {
            name
            for key, value in table.items()
            for name in (names(value, f"{path}{key}.") if isinstance(value, Mapping) else {path + key})
        }

    # Topics, notices and questions are English in the record; only other languages translate them.
    translations = ("topics.", "notices.", "questions.")
    own = {name for name in names(_read(language)) if not name.startswith(translations)}
    assert own == names(_read(BASE))
    assert set(languages()) == set(LANGUAGES)


def test_the_places_of_a_sentence_are_the_same_in_every_language() -> None:
    def places(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: places(one) for key, one in value.items()}
        texts = value if isinstance(value, list) else [value]
        return set().union(*(re.findall(r"{(\w+)}", text) for text in texts))

    base = places(_read(BASE))
    for language in languages():
        own = places(_read(language))
        for table in own:
            if table in base:
                assert own[table] == base[table], f"{language}: {table}"


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


def missing(share: float) -> Evidence:
    """Evidence of a test that misses this share of attacks, with a calibration of its own."""
    return item("test", "spoof", score=Score(value=-2.0, scale="logit", calibration=f"spoof/misses-{share}"))


def test_a_clean_result_leads_with_what_was_not_found_and_what_the_test_misses() -> None:
    clean = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3, strength="weak")
    found = summarize([clean], [SPLICE], [face()])
    fitted = calibration_of(SPLICE)
    assert isinstance(fitted, Platt)
    missed = round(10 * fitted.operating_points[0].errors["apcer"])
    assert found.answer.startswith("No clear sign of a swapped or pasted face was found: a weak no. ")
    assert f"misses about {missed} in 10 of these and cannot spot faces made entirely by a computer" in found.answer
    # The rate is told once, and a clean result never sounds like a clearance.
    assert found.trust is not None and "in 10" not in found.trust and found.trust.startswith("Not very sure: ")
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
    assert sure.answer.startswith("No: no clear sign") and "fewer than 1 in 10 photographed" in sure.answer


def test_two_tests_for_the_same_attack_are_told_as_one() -> None:
    tests = [
        item(name, "morph", score=Score(value=-2.0, scale="logit", calibration=f"morph/{name}-1"))
        for name in ("single", "differential")
    ]
    clean = verdict("morph", "bona_fide", supports=tuple(one.id for one in tests), llr=-1.0)
    answer = summarize([clean], tests, [face()]).answer
    fitted = [calibration_of(one) for one in tests]
    worst = max(one.operating_points[0].errors["apcer"] for one in fitted if isinstance(one, Platt))
    assert answer.count(" in 10") == 1 and f"misses about {round(10 * worst)} in 10" in answer, answer


def test_a_surer_no_stands_apart_from_a_weak_one() -> None:
    weak = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3, strength="weak")
    found = summarize([weak, verdict("spoof", "live", strength="strong")], [SPLICE], [face()])
    assert found.answer.startswith("No: no clear sign of a photographed print or screen was found. No clear sign of a ")
    assert found.trust is not None and "Manipulation: Not very sure" in found.trust


def test_rates_name_their_attacks_where_the_power_of_a_test_is_not_known() -> None:
    forgery = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3)
    answer = summarize([forgery, verdict("spoof", "live", status="leans")], [SPLICE], [face()]).answer
    assert "in 10 swapped or pasted faces" in answer and "of these" not in answer


def test_what_was_not_answered_has_no_rates() -> None:
    for reason in ("weak_evidence", "unstable", "contradictory", "below_operating_point", "open_set"):
        for question in (*ATTACKS, "identity"):
            shut = verdict(
                question, "inconclusive", status="uncertain", reason=reason, supports=(SPLICE.id,), strength="weak"
            )
            found = summarize([shut], [SPLICE], [face()])
            assert not re.search(r"\d", found.text), found.text


def test_a_lean_is_no_yes() -> None:
    found = summarize([verdict("forgery", "forged", status="leans")], [], [face()])
    assert found.answer.startswith("Possibly")
    assert found.findings[0].answer == "leans_yes"


def test_expert_adds_numbers_and_plain_has_none() -> None:
    probability = Probability(value=0.9, low=0.8, high=0.95, calibration="forgery/splice-1")
    one = verdict("forgery", "forged", probability=probability, llr=1.5, supports=("F1:forgery",))
    plain, expert = (summarize([one], [SPLICE], [face()], style=style) for style in ("plain", "expert"))
    assert "likelihood ratio 32" in expert.text and "90 %" in expert.text
    assert "32" not in plain.text and "90 %" not in plain.text


def test_several_faces_are_one_answer_with_the_alarm_first() -> None:
    faces = row(3)
    clear = [verdict("forgery", "bona_fide", one.id, status="leans") for one in faces]
    quiet = summarize(clear, [], faces).answer
    assert quiet == "No clear sign of manipulation was found in any of the 3 faces: a weak no."
    mixed = [clear[0], verdict("forgery", "forged", "F2"), clear[2]]
    found = summarize(mixed, [], faces)
    assert found.answer == (
        "3 faces: the face in the middle (F2) looks manipulated; the faces on the left (F1) and on the right (F3) show "
        "no clear sign of manipulation."
    )
    assert found.findings[0].subject == "F2"


def test_several_questions_name_the_alarm_and_what_was_not_found() -> None:
    quiet = [verdict(question, LABELS[question][1]) for question in ATTACKS]
    happy = verdict("expression", "happy")
    found = summarize([*quiet, happy], [], [face()])
    assert found.answer.startswith(
        "No: no clear sign of manipulation, of a blend of two people (a morph) or of a photographed print or screen was"
    )
    assert found.answer.endswith("This face looks happy.")
    alarmed = summarize([happy, quiet[0], quiet[1], verdict("spoof", "spoof")], [], [face()])
    assert alarmed.answer.startswith("This face looks like a picture of a print or a screen")


def test_only_the_chosen_questions_and_faces_are_answered() -> None:
    faces = [face("F1"), face("F2")]
    verdicts = [verdict(question, LABELS[question][0], one.id) for question in ATTACKS for one in faces]
    found = summarize(verdicts, [], faces, questions=["morph"], subjects=["F2"])
    assert [one.verdict for one in found.findings] == ["V:F2:morph"]


def test_a_face_that_cannot_be_used_says_why_and_what_to_do() -> None:
    small = face(reasons={"forgery": ("occluded", "face_too_small")})
    one = verdict("forgery", "inconclusive", status="uncertain", reason="face_unusable")
    found = summarize([one], [], [small])
    assert found.answer == "Cannot tell whether this face is manipulated."
    assert found.reason == "Part of the face is covered and the face in this picture is too small."
    short = summarize([one], [], [small], style="short")
    assert "part of the face is covered and the face in this picture is too small" in short.answer
    assert found.next_step == "Use a picture in which the whole face can be seen."


def test_no_face_a_lost_picture_and_a_refusal_are_answers() -> None:
    lone = verdict("forgery", "inconclusive", "P1", status="uncertain", reason="no_face")
    assert summarize([lone]).answer == "No face was found in this picture, so nothing can be said about one."
    lost = summarize([], problem=Problem(reason="corrupt_picture", message="It is cut off.", remedy="Send it again."))
    assert "It is cut off." in lost.answer and lost.next_step == "Send it again."
    refusal = PolicyDecision(
        question="expression",
        purpose="workplace",
        jurisdiction="eu",
        decision="refuse",
        rule="EU AI Act Art. 5(1)(f)",
        notice="Inferring emotions of people at work or in education is prohibited.",
    )
    refused = summarize([verdict("quality", "usable")], [], [face()], refused=[refusal])
    assert refused.answer.startswith("Not answered (expression): Inferring emotions")
    assert summarize([], refused=[refusal]).answer.startswith("Not answered")


def test_every_reason_has_words() -> None:
    assert set(get_args(Reason)) <= set(_read(BASE)["because"])


def test_answers_follow_labels_and_status() -> None:
    assert answer_of(verdict("identity", "genuine")) == "yes"
    assert answer_of(verdict("identity", "other_person", status="leans")) == "leans_no"
    assert answer_of(verdict("identity", "inconclusive", status="uncertain")) == "cannot_tell"
    assert answer_of(verdict("age", "20-30 years")) == "described"


def test_what_stays_open_for_one_of_several_faces_is_said() -> None:
    faces = row(2)
    found = [verdict(question, LABELS[question][1], one.id) for question in ATTACKS for one in faces]
    open_one = verdict("spoof", "inconclusive", "F1", status="uncertain", reason="weak_evidence")
    told = summarize([open_one if one.id == open_one.id else one for one in found], [], faces)
    assert (
        "The face on the right (F2) shows no clear sign of a print or a screen; the face on the left (F1) "
        "cannot be judged for a print or a screen." in told.answer
    )


def test_a_covered_face_leads_with_what_cannot_be_told_and_why() -> None:
    covered = face(reasons={question: ("occluded",) for question in ATTACKS})
    shut = [verdict(one, "inconclusive", status="uncertain", reason="face_unusable") for one in ATTACKS]
    others = [
        verdict("action_units", "AU5A"),
        verdict("quality", "limited"),
        verdict("provenance", "inconclusive", "P1", status="uncertain", reason="absent"),
    ]
    told = summarize([*shut, *others], [], [covered])
    left_out = (
        "also measured, shown below: muscle movements and technical quality; cannot be told: origin of the file (it "
        "carries no tamper-proof record of who made or edited it)"
    )
    assert told.answer == (
        "Whether this face is manipulated, a blend of two people or a picture of a print or a screen cannot be told "
        f"from this picture.\n{left_out[0].upper()}{left_out[1:]}."
    )
    assert told.reason == "Part of the face is covered."
    assert told.next_step == "Use a picture in which the whole face can be seen."
    few = summarize([*shut, others[0]], [], [covered])
    assert few.answer.endswith("Visible muscle movements: AU5A.")
    assert "part of the face is covered" in summarize(shut, [], [covered], style="short").answer


@pytest.mark.parametrize(("language", "topic"), [("es", "expresión"), ("zh", "表情")])
def test_a_refusal_is_in_the_language_of_the_summary(language: str, topic: str) -> None:
    refusal = PolicyDecision(
        question="expression",
        purpose="workplace",
        jurisdiction="eu",
        decision="refuse",
        rule="EU AI Act Art. 5(1)(f)",
        notice="Inferring emotions is prohibited.",
    )
    told = summarize([], refused=[refusal], language=language)
    assert topic in told.answer and "Inferring" not in told.answer


def test_each_question_asked_by_name_has_its_reason_and_its_certainty() -> None:
    small = face(reasons={"morph": ("face_too_small",)})
    clean = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3)
    shut = verdict("morph", "inconclusive", status="uncertain", reason="face_unusable")
    found = summarize([clean, shut, verdict("age", "20-30 years")], [SPLICE], [small])
    assert found.reason is not None and found.trust is not None and found.next_step is not None
    for text in (found.reason, found.trust, found.next_step):
        assert [line.partition(":")[0] for line in text.splitlines()] == ["Manipulation", "Blend of two people", "Age"]
    assert "Blend of two people: The face in this picture is too small." in found.reason.splitlines()
    assert "cannot clear a picture" in found.trust


def test_faces_that_differ_are_named_and_what_they_share_is_said_once() -> None:
    faces = row(3)
    firm = verdict("spoof", "spoof", "F1", strength="strong")
    weak = [verdict("spoof", "live", name, status="leans", strength="weak") for name in ("F2", "F3")]
    found = summarize([firm, *weak], [], faces)
    assert found.trust is not None
    assert found.trust.startswith(
        "On the left (F1): Very sure. In the middle (F2) and on the right (F3): Not very sure"
    )
    alike = summarize(weak, [], faces)
    assert alike.trust is not None and alike.trust.startswith("Not very sure")
    assert "F2" not in (alike.reason or "")


def test_of_many_faces_that_differ_the_rest_is_counted() -> None:
    reasons = ("too_dark", "too_blurry", "occluded", "too_bright", "extreme_pose", "face_too_small", "low_resolution")
    faces = [
        one.model_copy(update={"reasons": {"age": (why,)}}) for one, why in zip(row(len(reasons)), reasons, strict=True)
    ]
    shut = [verdict("age", "inconclusive", one.id, status="uncertain", reason="face_unusable") for one in faces]
    found = summarize(shut, [], faces)
    assert found.reason is not None and found.reason.startswith("On the far left (F1): The face is too dark.")
    assert found.reason.endswith("1 more face is left out here.")


def test_a_question_without_an_answer_is_told_apart_from_one_that_was_not_measured() -> None:
    even = verdict("expression", "inconclusive", status="uncertain", reason="weak_evidence")
    assert "no usable answer" in (summarize([even], [], [face()]).trust or "")
    shut = even.model_copy(update={"reason": "face_unusable"})
    assert "could not be measured" in (summarize([shut], [], [face()]).trust or "")


def test_a_face_that_only_just_will_do_has_a_better_picture_advised() -> None:
    poor = face().model_copy(update={"quality": face().quality.model_copy(update={"unified": 31.0})})
    steps = [summarize([verdict("quality", "usable")], [], [one]).next_step for one in (face(), poor)]
    assert steps[0] == "The picture can be used as it is."
    assert steps[1] is not None and "firmer answers" in steps[1]


def test_a_line_holds_no_break() -> None:
    shut = [
        verdict(one, "inconclusive", status="uncertain", reason=why)
        for one, why in (("age", "open_set"), ("forgery", "face_unusable"))
    ]
    found = summarize(shut, [], [face(reasons={"forgery": ("too_dark",)})])
    assert "\n" in (found.reason or "") and "\n" not in found.line and "\n" not in found.text


def test_a_reason_never_repeats_the_answer() -> None:
    for language in languages():
        for one in every_verdict():
            for style in ("plain", "expert"):
                found = summarize([one], [], [face()], style=style, language=language)
                assert found.reason is None or found.reason.rstrip(".。").lower() not in found.answer.lower(), (
                    found.text
                )


def test_everything_ends_with_what_stands_below_what_is_open_and_what_was_not_checked() -> None:
    quiet = [verdict(question, LABELS[question][1]) for question in ATTACKS]
    silent = verdict("provenance", "inconclusive", "P1", status="uncertain", reason="absent")
    asked = [*quiet, verdict("action_units", "AU5A"), verdict("quality", "usable"), silent]
    ends = [
        summarize(asked, [], [face()], everything=everything).answer.splitlines()[-1] for everything in (True, False)
    ]
    assert ends[0].startswith(ends[1].rstrip("."))
    assert "muscle movements and technical quality" in ends[1] and "origin of the file" in ends[1]
    assert "identity" in ends[0] and "age and gender" in ends[0] and "age" not in ends[1]
    refusal = PolicyDecision(
        question="age", purpose="surveillance", jurisdiction="eu", decision="refuse", rule="a rule", notice="Not that."
    )
    told = summarize(asked, [], [face()], everything=True, refused=[refusal]).answer.splitlines()[-1]
    assert "age" not in re.split(r"[ ,.]", told)
    assert "not checked" not in summarize(asked, [], [face()], everything=True, style="short").answer


def test_quality_names_the_questions_that_cannot_use_the_face() -> None:
    limited = verdict("quality", "limited")
    few = face(reasons={"expression": ("outside_picture",)})
    assert summarize([limited], [], [few]).answer.endswith("usable, but not for expression.")
    most = face(reasons={one: ("outside_picture",) for one in QUESTIONS if one not in ("age", "quality", "provenance")})
    assert summarize([limited], [], [most]).answer.endswith("usable only for age.")
    every = face(reasons={one: ("outside_picture",) for one in QUESTIONS if one not in ("quality", "provenance")})
    told = summarize([limited], [], [every])
    assert told.answer.endswith("not usable.") and told.reason == "Part of the face lies outside the picture."
    assert told.next_step == "Use a picture in which the whole face can be seen."


@pytest.mark.parametrize(
    ("heat", "said"), [(0.1, "stands out;"), (0.4, "too little to count"), (0.8, "genuine pictures as")]
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


def test_the_head_on_one_question_is_short() -> None:
    for one in every_verdict():
        found = summarize([one], [SPLICE, MOUTH], [face()])
        assert len(found.text.split()) <= 90, found.text
