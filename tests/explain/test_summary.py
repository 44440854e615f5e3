"""The direct answer: what it says of every answer, over several faces and questions, in every style and language."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from faceagent.explain import summarize
from faceagent.explain.summary.answers import ATTACKS, YES, answer_of
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
    assert found.trust is not None and f"about {caught} in 10 swapped or pasted faces" in found.trust
    assert "false alarm" in found.trust
    assert found.next_step is not None and "person decide" in found.next_step
    assert found.cites == ("V:F1:forgery", "F1:forgery", "F1:forgery_mouth")


def test_an_open_answer_cites_what_was_measured() -> None:
    unmeasured = item("forgery_again", "forgery")
    one = verdict(
        "forgery", "inconclusive", status="uncertain", reason="weak_evidence", supports=(SPLICE.id, unmeasured.id)
    )
    assert summarize([one], [SPLICE, unmeasured], [face()]).cites == ("V:F1:forgery", "F1:forgery")


def test_a_clean_result_does_not_speak_of_generated_faces() -> None:
    clean = verdict("forgery", "bona_fide", status="leans", supports=("F1:forgery",), llr=-0.3)
    found = summarize([clean], [SPLICE], [face()])
    assert found.trust is not None and "cannot tell whether the whole face was made by a computer" in found.trust
    forged = verdict("forgery", "forged", status="leans", supports=("F1:forgery",), llr=1.5)
    assert "generator" not in (summarize([forged], [SPLICE], [face()]).trust or "")


def test_two_tests_for_the_same_attack_are_told_as_one() -> None:
    tests = [
        item(name, "morph", score=Score(value=-2.0, scale="logit", calibration=f"morph/{name}-1"))
        for name in ("single", "differential")
    ]
    clean = verdict("morph", "bona_fide", supports=tuple(one.id for one in tests), llr=-1.0)
    trust = summarize([clean], tests, [face()]).trust or ""
    assert trust.count("in 10 blends of two people") == 1, trust


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
    faces = [face("F1"), face("F2"), face("F3")]
    clear = [verdict("forgery", "bona_fide", one.id, status="leans") for one in faces]
    assert summarize(clear, [], faces).answer == "3 faces: none looks manipulated."
    mixed = [clear[0], verdict("forgery", "forged", "F2"), clear[2]]
    found = summarize(mixed, [], faces)
    assert found.answer == "3 faces: F2 looks manipulated; F1 and F3 show no clear sign of manipulation."
    assert found.findings[0].subject == "F2"


def test_several_questions_name_the_alarm_and_what_was_not_found() -> None:
    quiet = [verdict(question, LABELS[question][1]) for question in ATTACKS]
    happy = verdict("expression", "happy")
    found = summarize([*quiet, happy], [], [face()])
    assert "Probably no manipulation, blend of two people or photographed print or screen" in found.answer
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
    assert found.reason == "Part of the face is covered and the face is too small."
    short = summarize([one], [], [small], style="short")
    assert "part of the face is covered and the face is too small" in short.answer
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
    faces = [face("F1"), face("F2")]
    found = [verdict(question, LABELS[question][1], one.id) for question in ATTACKS for one in faces]
    open_one = verdict("spoof", "inconclusive", "F1", status="uncertain", reason="weak_evidence")
    told = summarize([open_one if one.id == open_one.id else one for one in found], [], faces)
    assert "2 faces: F2 looks live; F1 cannot be judged for a print or a screen." in told.answer


def test_a_covered_face_leads_with_what_cannot_be_told_and_why() -> None:
    covered = face(reasons={question: ("occluded",) for question in ATTACKS})
    shut = [verdict(one, "inconclusive", status="uncertain", reason="face_unusable") for one in ATTACKS]
    others = [
        verdict("action_units", "AU5A"),
        verdict("quality", "limited"),
        verdict("provenance", "inconclusive", "P1", status="uncertain", reason="absent"),
    ]
    told = summarize([*shut, *others], [], [covered])
    assert told.answer == (
        "Whether this face is manipulated, a blend of two people or a picture of a print or a screen cannot be told: "
        "part of the face is covered."
    )
    assert told.next_step == "Use a picture in which the whole face can be seen."
    few = summarize([*shut, others[0]], [], [covered])
    assert few.answer.endswith("part of the face is covered. Visible muscle movements: AU5A.")


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
    assert "Blend of two people: The face is too small." in found.reason.splitlines()
    assert "a clean result is no proof" in found.trust


def test_faces_that_differ_are_named_and_what_they_share_is_said_once() -> None:
    faces = [face(name) for name in ("F1", "F2", "F3")]
    firm = verdict("spoof", "spoof", "F1", strength="strong")
    weak = [verdict("spoof", "live", name, status="leans", strength="weak") for name in ("F2", "F3")]
    found = summarize([firm, *weak], [], faces)
    assert found.trust == "F1: The evidence for this answer is strong. F2 and F3: The evidence for this answer is weak."
    alike = summarize(weak, [], faces)
    assert alike.trust == "The evidence for this answer is weak."
    assert "F2" not in (alike.reason or "")


def test_of_many_faces_that_differ_the_rest_is_counted() -> None:
    reasons = ("too_dark", "too_blurry", "occluded", "too_bright", "extreme_pose", "face_too_small", "low_resolution")
    faces = [face(f"F{number}", reasons={"age": (why,)}) for number, why in enumerate(reasons, start=1)]
    shut = [verdict("age", "inconclusive", one.id, status="uncertain", reason="face_unusable") for one in faces]
    found = summarize(shut, [], faces)
    assert found.reason is not None and found.reason.startswith("F1: The face is too dark.")
    assert found.reason.endswith("1 more face is left out here.")


def test_a_question_without_an_answer_is_told_apart_from_one_that_was_not_measured() -> None:
    even = verdict("expression", "inconclusive", status="uncertain", reason="weak_evidence")
    assert "much likelier" in (summarize([even], [], [face()]).trust or "")
    shut = even.model_copy(update={"reason": "face_unusable"})
    assert "could not be measured" in (summarize([shut], [], [face()]).trust or "")


def test_a_face_that_only_just_will_do_has_a_better_picture_advised() -> None:
    poor = face().model_copy(update={"quality": face().quality.model_copy(update={"unified": 31.0})})
    steps = [summarize([verdict("quality", "usable")], [], [one]).next_step for one in (face(), poor)]
    assert steps[0] == "Nothing needs to be done."
    assert steps[1] is not None and "firmer answers" in steps[1]


def test_a_line_holds_no_break() -> None:
    shut = [
        verdict(one, "inconclusive", status="uncertain", reason=why)
        for one, why in (("age", "open_set"), ("forgery", "face_unusable"))
    ]
    found = summarize(shut, [], [face(reasons={"forgery": ("too_dark",)})])
    assert "\n" in (found.reason or "") and "\n" not in found.line and "\n" not in found.text
