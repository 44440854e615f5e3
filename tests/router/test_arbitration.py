"""How rules and reading are combined, with readings made by hand."""

import pytest

from faceagent import policy
from faceagent.policy import PURPOSES
from faceagent.router.arbitration import arbitrate
from faceagent.router.foreign import foreign_language
from faceagent.router.plan import FILE_FACTS, KINDS, DialogueContext
from faceagent.router.reader import Reading
from faceagent.types import QUESTIONS


def reading(kind: str, share: float = 0.9, language: str = "en", **chances: float) -> Reading:
    """A reading with one likely kind; other names are questions, topics or purposes."""
    known = {name: 0.0 for name in (*KINDS, "follow", "everything")}
    return Reading(
        kind={**known, "out_of_scope": (1 - share) / 2, kind: share},
        questions={name: chances.get(name, 0.01) for name in QUESTIONS},
        topics={name: chances.get(name, 0.001) for name in policy.TOPICS},
        facts={name: chances.get(name, 0.0) for name in FILE_FACTS},
        purpose={name: chances.get(name, 0.0) for name in PURPOSES},
        details={name: chances.get(name, 0.5) for name in ("word:woman", "word:old", "side:left")},
        language={**dict.fromkeys(("de", "fr", "es"), 0.0), language: 0.95},
    )


NONE = DialogueContext()
OPEN = "Does the countenance betray an inner storm?"


def test_the_reader_decides_where_the_rules_find_nothing() -> None:
    plan = arbitrate(OPEN, NONE, reading("analyse", expression=0.8))
    assert (plan.kind, plan.questions, plan.clarification) == ("analyse", ("expression",), None)


def test_an_unsure_reader_leaves_the_question_back() -> None:
    plan = arbitrate(OPEN, NONE, reading("analyse", 0.35, expression=0.8))
    assert plan.kind == "unclear" and plan.clarification is not None
    assert arbitrate(OPEN, NONE, reading("analyse", expression=0.3)).kind == "unclear"


def test_what_is_read_is_subject_to_policy() -> None:
    plan = arbitrate(OPEN, DialogueContext(purpose="workplace"), reading("analyse", expression=0.8, quality=0.9))
    assert plan.questions == ("quality",)
    assert [one.topic for one in plan.refused] == ["expression"]


def test_a_remark_starts_nothing_though_a_word_matches() -> None:
    plan = arbitrate("My aunt bought a fake handbag.", NONE, reading("out_of_scope", forgery=0.4))
    assert (plan.kind, plan.questions) == ("out_of_scope", ())
    # Where the reader is sure of the question as well, it is answered.
    assert arbitrate("Is it fake?", NONE, reading("out_of_scope", 0.7, forgery=0.9)).questions == ("forgery",)


def test_a_refusal_needs_more_than_a_describing_word() -> None:
    text = "Is the gay couple's photo fake?"
    assert arbitrate(text, NONE, reading("analyse", forgery=0.95)).refused == ()
    kept = arbitrate(text, NONE, reading("refused", 0.6, forgery=0.95))
    assert [one.topic for one in kept.refused] == ["orientation"]


def test_a_topic_that_the_rules_do_not_know_is_refused() -> None:
    plan = arbitrate("Would she make a loyal companion?", NONE, reading("refused", character=0.7))
    assert (plan.kind, [one.topic for one in plan.refused]) == ("refused", ["character"])


def test_facts_of_the_file_are_read_beside_their_question() -> None:
    text = "Wanna know the make of the thing that shot it"
    assert arbitrate(text, NONE, reading("analyse", provenance=0.9, camera=0.8)).file_facts == ("camera",)
    assert arbitrate("Is it fake?", NONE, reading("analyse", forgery=0.9, camera=0.8)).file_facts == ()


def test_a_follow_up_keeps_no_question_that_only_a_word_resembles() -> None:
    before = DialogueContext(questions=("age",))
    assert arbitrate("Give me a report to print", before, reading("report")).questions == ()


def test_words_about_bystanders_describe_nobody_in_the_picture() -> None:
    text = "Forgive an old woman for asking, is it fake?"
    assert arbitrate(text, NONE, reading("analyse", forgery=0.95)).faces != ()
    away = arbitrate(text, NONE, reading("analyse", forgery=0.95, **{"word:woman": 0.001, "word:old": 0.001}))
    assert away.faces == ()


def test_somebody_whom_only_the_reader_finds_is_meant() -> None:
    plan = arbitrate(
        "The lefthand lassie, is she cross?", NONE, reading("analyse", expression=0.9, **{"side:left": 0.97})
    )
    assert [(one.side, one.words) for one in plan.faces] == [("left", ())]


def test_a_complaint_about_a_refusal_is_no_request_to_refuse() -> None:
    plan = arbitrate("Tell me why her religion is out of bounds", NONE, reading("why_refused", religion=0.9))
    assert (plan.kind, plan.refused) == ("why_refused", ())


def test_questions_are_dropped_and_added_only_beside_a_certain_one() -> None:
    text = "Is it sharp enough to print"
    assert arbitrate(text, NONE, reading("analyse", quality=0.95)).questions == ("quality",)
    both = arbitrate("Is it real and how old is she", NONE, reading("analyse", forgery=0.95, age=0.2))
    assert both.questions == ("forgery", "age")


def test_follow_ups_need_a_turn_before() -> None:
    before = DialogueContext(questions=("age",))
    assert arbitrate("how about the sister", before, reading("follow")).questions == ("age",)
    assert arbitrate("go on", NONE, reading("follow")).kind == "unclear"


def test_another_language_is_understood_where_the_reader_is_sure() -> None:
    sure = arbitrate("Ist das echt?", NONE, reading("analyse", language="de", forgery=0.9))
    assert (sure.kind, sure.questions, sure.language) == ("analyse", ("forgery",), "en")
    refused = arbitrate("Ist er schwul?", NONE, reading("refused", language="de", orientation=0.9))
    assert [one.topic for one in refused.refused] == ["orientation"]
    unsure = arbitrate("Das ist mir neu.", NONE, reading("analyse", 0.5, language="fr", forgery=0.5))
    assert unsure.kind == "unclear" and "anglais" in str(unsure.clarification)


@pytest.mark.parametrize(
    ("text", "code"), [("本物ですか", "ja"), ("진짜예요?", "ko"), ("是真的吗", None), ("OK", None)]
)
def test_scripts_tell_languages(text: str, code: str | None) -> None:
    assert foreign_language(text, reading("analyse")) == code


@pytest.mark.parametrize("kind", ["report", "thanks", "where", "analyse"])
def test_a_turn_that_only_leaves_questions_out_may_be_read_as_any_kind(kind: str) -> None:
    plan = arbitrate("everything but the age", NONE, reading(kind))
    assert plan.kind in ("analyse", kind)


def test_where_before_any_answer_is_about_what_was_changed() -> None:
    assert arbitrate("Whereabouts?", NONE, reading("where")).questions == ("forgery",)
    asked = arbitrate("Whereabouts?", DialogueContext(questions=("morph",)), reading("where"))
    assert (asked.kind, asked.questions) == ("where", ("morph",))


def test_of_several_refused_topics_the_one_that_is_meant_is_named() -> None:
    text = "Is this gay man a Muslim?"
    plan = arbitrate(text, NONE, reading("refused", religion=0.9, orientation=0.05))
    assert [one.topic for one in plan.refused] == ["religion"]
    both = arbitrate(text, NONE, reading("refused", religion=0.9, orientation=0.5))
    assert {one.topic for one in both.refused} == {"religion", "orientation"}


def test_what_the_reader_is_sure_of_completes_a_description() -> None:
    sure = reading("analyse", age=0.9, **{"side:left": 0.9, "word:woman": 0.9, "word:old": 0.01})
    (face,) = arbitrate("How old is the woman?", NONE, sure).faces
    assert (face.side, face.words) == ("left", ("woman",))
    denied = arbitrate("How old is the woman on the right?", NONE, sure).faces
    assert denied[0].side == "right"
    everybody = sure.model_copy(update={"details": {"every": 0.8}})
    assert arbitrate("Ages, one by one please", NONE, everybody).faces[0].every


def test_nothing_is_compared_or_repeated_where_there_is_nothing_else() -> None:
    sure = reading("analyse", 0.95, morph=0.95)
    assert arbitrate("Compare: is it a mix of two people?", NONE, sure).kind == "analyse"
    assert arbitrate("Compare the two", DialogueContext(pictures=2), reading("compare")).kind == "compare"


def test_who_only_says_why_he_asks_is_not_answered_with_an_analysis() -> None:
    text = "I go through flagged profile pictures and decide which ones are taken down."
    plan = arbitrate(text, NONE, reading("analyse", moderation=0.95, forgery=0.2))
    assert (plan.kind, plan.purpose, plan.questions) == ("purpose", "moderation", ())
    asked = arbitrate(text, NONE, reading("analyse", moderation=0.95, forgery=0.9))
    assert (asked.kind, asked.questions) == ("analyse", ("forgery",))


def test_a_question_beside_a_purpose_is_answered() -> None:
    text = "The police sent me this still; what information is stored in it?"
    plan = arbitrate(text, NONE, reading("analyse", provenance=0.99))
    assert (plan.kind, plan.questions, plan.purpose) == ("analyse", ("provenance",), "unstated")


def test_a_topic_that_the_reader_is_sure_of_takes_the_place_of_one_that_it_does_not_see() -> None:
    text = "Is he honest, or good looking, be honest?"
    plan = arbitrate(text, NONE, reading("refused", attractiveness=0.95))
    assert [one.topic for one in plan.refused] == ["attractiveness"]
    both = arbitrate(text, NONE, reading("refused", attractiveness=0.95, character=0.4))
    assert "character" in [one.topic for one in both.refused]


def test_one_picture_is_compared_with_none_where_a_question_is_likely() -> None:
    plan = arbitrate("Two faces were put together, is that so?", NONE, reading("analyse", 0.8, morph=0.6))
    assert (plan.kind, plan.questions, plan.pictures) == ("analyse", ("morph",), ("this",))


def test_again_before_any_answer_is_no_second_run() -> None:
    text = "Eyes shut again?"
    assert arbitrate(text, NONE, reading("analyse", 0.8, action_units=0.9)).kind == "analyse"


def test_a_question_that_the_reader_does_not_see_gives_way_to_one_that_it_sees() -> None:
    plan = arbitrate("Is this the marriage of two faces, truly?", NONE, reading("analyse", morph=0.7, forgery=0.05))
    assert plan.questions == ("morph",)


def test_who_is_named_is_to_be_compared_with() -> None:
    plan = arbitrate("Who is this, Ada Lovelace?", NONE, reading("refused", identity=0.9, open_identification=0.1))
    assert (plan.questions, plan.refused) == (("identity",), ())
