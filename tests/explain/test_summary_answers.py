"""The direct answer: what it says of every answer, in every style and language."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from faceagent.explain import summarize
from faceagent.explain.summary.answers import answer_of
from faceagent.explain.summary.sentences import BASE, _read, languages
from faceagent.types import LANGUAGES, STYLES, PolicyDecision, Problem, Reason, Score
from tests.explain.recorded import JARGON, MOUTH, SPLICE, every_verdict, face, item, verdict


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


def test_a_lean_is_no_yes() -> None:
    found = summarize([verdict("forgery", "forged", status="leans")], [], [face()])
    assert found.answer.startswith("Possibly")
    assert found.findings[0].answer == "leans_yes"


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


def test_the_head_on_one_question_is_short() -> None:
    for one in every_verdict():
        found = summarize([one], [SPLICE, MOUTH], [face()])
        assert len(found.text.split()) <= 90, found.text


@pytest.mark.parametrize(
    ("unified", "said"),
    [
        (27.0, "low, 27 of 100; answers are less firm than with a better picture."),
        (60.0, "fair, 60 of 100."),
        (85.0, "good, 85 of 100."),
    ],
)
def test_a_number_of_technical_quality_stands_beside_a_word(unified: float, said: str) -> None:
    shown = face().model_copy(update={"quality": face().quality.model_copy(update={"unified": unified})})
    told = summarize([verdict("quality", "usable")], [], [shown]).answer
    assert told.endswith(f": {said}")


@pytest.mark.parametrize(("language", "resting"), [("en", "at rest"), ("es", "en reposo"), ("zh", "放松")])
def test_a_face_is_at_rest_only_where_all_of_it_was_seen(language: str, resting: str) -> None:
    seen = item("AU4", "action_units", label="absent", score=Score(value=0.0, scale="intensity"))
    hidden = item("AU12", "action_units", status="not_applicable", reason="occluded")
    none = [verdict("action_units", "none", supports=(seen.id,))]
    assert resting in summarize(none, [seen], [face()], language=language).answer
    assert resting not in summarize(none, [seen, hidden], [face()], language=language).answer
    both = [*none, verdict("action_units", "none", subject="F2", id="V:F2:action_units")]
    assert resting in summarize(both, [seen, hidden], [face(), face("F2")], language=language).answer
