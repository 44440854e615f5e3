"""One answer over several faces and several questions."""

import re

from faceagent.explain import summarize
from faceagent.explain.summary.answers import ATTACKS
from faceagent.types import PolicyDecision
from tests.explain.recorded import LABELS, SPLICE, face, row, verdict


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
        "No clear sign of manipulation, of a blend of two people (a morph) or of a photographed print or screen was"
    )
    assert found.answer.endswith("This face looks happy.")
    alarmed = summarize([happy, quiet[0], quiet[1], verdict("spoof", "spoof")], [], [face()])
    assert alarmed.answer.startswith("This face looks like a picture of a print or a screen")


def test_only_the_chosen_questions_and_faces_are_answered() -> None:
    faces = [face("F1"), face("F2")]
    verdicts = [verdict(question, LABELS[question][0], one.id) for question in ATTACKS for one in faces]
    found = summarize(verdicts, [], faces, questions=["morph"], subjects=["F2"])
    assert [one.verdict for one in found.findings] == ["V:F2:morph"]


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
        "also measured, shown below: muscle movements and technical quality; cannot be told: origin of the file (like "
        "most files, it carries no tamper-proof record of who made or edited it)"
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


def test_a_line_holds_no_break() -> None:
    shut = [
        verdict(one, "inconclusive", status="uncertain", reason=why)
        for one, why in (("age", "open_set"), ("forgery", "face_unusable"))
    ]
    found = summarize(shut, [], [face(reasons={"forgery": ("too_dark",)})])
    assert "\n" in (found.reason or "") and "\n" not in found.line and "\n" not in found.text


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


def test_faces_are_named_from_the_left_whichever_is_largest() -> None:
    right, left = row(2)[::-1]
    told = summarize(
        [verdict("age", "20-30 years", right.id), verdict("age", "40-50 years", left.id)], [], [right, left]
    )
    assert told.answer == (
        "2 faces: the face on the left (F1) looks 40 to 50 years old; the face on the right (F2) looks 20 to 30 years "
        "old."
    )
    assert [one.subject for one in told.findings] == ["F1", "F2"]


def test_of_a_crowd_the_face_that_matches_comes_first() -> None:
    faces = row(30)
    others = {one.id: verdict("identity", "other_person", one.id) for one in faces}
    unseen = verdict("identity", "inconclusive", "F2", status="uncertain", reason="face_unusable")
    match = verdict("identity", "genuine", "F23")
    alike = verdict("identity", "genuine", "F4", status="leans")
    crowd = [*(others | {one.subject: one for one in (unseen, match, alike)}).values()]
    clean = [verdict("forgery", "bona_fide", one.id) for one in faces]
    clean[8] = verdict("forgery", "forged", "F9")
    lead = (
        "30 faces: the face number 23 from the left (F23) looks like the person of the reference picture; the face "
        "number 4 from the left (F4) may be the person of the reference picture; the faces on the far left (F1)"
    )
    alone, beside = summarize(crowd, [], faces), summarize([*clean, *crowd], [], faces)
    for found in (alone, beside):
        assert found.answer.startswith(lead)
    assert [one.subject for one in alone.findings[:2]] == ["F23", "F4"] and alone.findings[-1].subject == "F2"
    assert "(F9) looks manipulated" in beside.answer
    # Where nobody matches, an alarm stays first.
    nobody = summarize([*clean, *others.values()], [], faces).answer
    assert nobody.startswith("30 faces: the face number 9 from the left (F9) looks manipulated")
