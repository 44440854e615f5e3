"""The conversation's own sentences: every language says everything."""

import re
from typing import Any, get_args

import pytest

from faceagent import policy
from faceagent.agent.chat import phrases
from faceagent.router.languages import CONVERSATION, available_languages, read_sentences
from faceagent.router.plan import Language
from faceagent.router.resolve_face import VISUAL_TRAITS
from faceagent.types import QUESTIONS, PolicyDecision, Problem, Reason, Refused

OTHERS: tuple[Language, ...] = ("zh", "es")
LATIN = re.compile(r"[A-Za-z]{3,}")


def sentences(language: Language) -> dict[str, Any]:
    found = read_sentences(language, CONVERSATION)
    return {name: text for name, text in found.items() if isinstance(text, str)}


@pytest.mark.parametrize("name", sentences("en"))
def test_a_sentence_has_the_same_places_in_every_language(name: str) -> None:
    places = {one: sorted(re.findall(r"\{(\w+)\}", sentences(one)[name])) for one in available_languages()}
    assert places["en"] == places["zh"] == places["es"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_and_trait_has_its_words(language: Language) -> None:
    for name in get_args(Reason):
        assert phrases.reason(language, name) != name.replace("_", " ")
    for name in VISUAL_TRAITS:
        assert phrases.label(language, name) != name.replace("_", " ")


@pytest.mark.parametrize("language", OTHERS)
def test_every_refusal_and_notice_is_translated_and_names_its_rule(language: Language) -> None:
    rows = [
        policy.decide(question, purpose, jurisdiction)
        for question in QUESTIONS
        for purpose in policy.PURPOSES
        for jurisdiction in policy.JURISDICTIONS
    ]
    said = {phrases.notice(language, one): one for one in rows if one.decision == "allow_with_notice"}
    refused = [(one.question, one.rule, one.notice) for one in rows if one.decision == "refuse"]
    refused += [(name, topic.rule, topic.notice) for name, topic in policy.TOPICS.items()]
    for topic, rule, notice in refused:
        words = phrases.refusal(language, Refused(topic=topic, rule=rule, notice=notice or ""))
        assert rule in words
        assert str(notice) not in words
        if language == "zh":
            assert not LATIN.search(words.replace(rule, ""))
    assert refused and said
    for words, one in said.items():
        assert isinstance(one, PolicyDecision) and one.rule in words
        assert str(one.notice) not in words


def test_a_lost_picture_is_told_in_the_turns_language() -> None:
    problem = Problem(reason="missing_file", message="a.jpg is not there.", remedy="Check the path.")
    assert phrases.gone("en", "a.jpg", problem).startswith("a.jpg can no longer be looked at: a.jpg is not there.")
    assert "不存在" in phrases.gone("zh", "a.jpg", problem) and "is not there" not in phrases.gone(
        "zh", "a.jpg", problem
    )
    assert "no está" in phrases.unreadable("es", "a.jpg", problem)


def test_what_has_no_translation_is_said_as_recorded() -> None:
    assert phrases.label("zh", "AU12") == "AU12"
    assert phrases.purpose("en", "workplace") == "workplace"


def test_a_yes_of_any_language_releases() -> None:
    for answer in ("Yes.", "是", "Sí", "de acuerdo"):
        assert phrases.means_yes(answer)
    assert not phrases.means_yes("yes, but") and not phrases.means_yes("")


def test_a_sentence_that_a_language_lacks_is_english() -> None:
    assert phrases.say("xx", "released") == phrases.say("en", "released")
