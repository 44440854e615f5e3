"""The reader with its real weights: sentences that neither the rules nor the training hold in these words."""

import logging

import numpy as np
import pytest

from faceagent.errors import ModelUnavailable
from faceagent.router import DialogueContext, Reader, open_reader, reader, route
from faceagent.router.pieces import MAX_PIECES, Piece, split_long
from faceagent.router.reader import Heads, Reading, focus
from faceagent.router.sentence_encoder import MAX_TOKENS, SOURCE, Tokenizer
from faceagent.settings import Settings
from faceagent.weights.e5 import read_vocabulary
from faceagent.weights.resolve import locate


@pytest.fixture(scope="session")
def small_model(settings: Settings) -> Reader:
    """The reader, loaded once."""
    found = open_reader(settings)
    assert found is not None
    return found


def test_the_tokenizer_cuts_as_sentencepiece_does(settings: Settings) -> None:
    cut = Tokenizer(read_vocabulary(locate(SOURCE, settings))).tokenize
    # From the tokenizers package with the same vocabulary, with the prefix "query: ".
    assert cut("is this fake?  第一张照片") == [
        0, 41, 1294, 12, 83, 903, 106287, 32, 23830, 65267, 20552, 2,
    ]  # fmt: skip
    assert len(cut("word " * 500)) == MAX_TOKENS
    assert cut("") != []


def test_vectors_tell_meanings_apart_across_languages(small_model: Reader) -> None:
    encode = small_model.encoder.encode
    asked, same, other = (encode(text) for text in ("How old is she?", "她几岁？", "Is the picture sharp?"))
    assert np.linalg.norm(asked) == pytest.approx(1.0, abs=1e-5)
    assert asked @ same > asked @ other
    assert np.array_equal(asked, encode("How old is she?"))


@pytest.mark.parametrize("text", ["My bicycle has a flat tyre.", "El vecino vendió su casa", "我昨天买了三本书"])
def test_a_remark_starts_nothing(small_model: Reader, text: str) -> None:
    plan = route(text, DialogueContext(questions=("forgery",)), small_model)
    assert plan.kind in ("out_of_scope", "unclear")
    assert plan.refused == ()


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("Somebody glued a stranger's head onto this body, am I right?", ("forgery",)),
        ("Ist das Foto unscharf?", ("quality",)),
    ],
)
def test_what_the_rules_leave_open_is_read(small_model: Reader, text: str, questions: tuple[str, ...]) -> None:
    plan = route(text, None, small_model)
    assert (plan.kind, plan.questions) == ("analyse", questions)


@pytest.mark.parametrize("text", ["Is the Muslim woman's photo edited?", "Has the gay wedding photo been retouched?"])
def test_a_describing_word_refuses_nothing(small_model: Reader, text: str) -> None:
    plan = route(text, None, small_model)
    assert (plan.questions, plan.refused) == (("forgery",), ())


def test_another_language_is_told_which_ones_are_read(small_model: Reader) -> None:
    plan = route("Mein Hund ist krank.", None, small_model)
    assert plan.kind == "unclear"
    assert plan.clarification is not None and plan.clarification.startswith("Ich lese Englisch")


def test_a_long_turn_is_read_where_something_is_asked(small_model: Reader) -> None:
    text = (
        "We moved house last month and I found a box of old things, my uncle's watch, some letters, a broken lamp. "
        "There was a portrait, too, and my sister does not believe it. Is that picture genuine?"
    )
    plan = route(text, None, small_model)
    assert (plan.kind, plan.questions, plan.refused) == ("analyse", ("forgery",), ())


def test_a_wish_about_an_answer_is_asked_back_where_none_was_given(small_model: Reader) -> None:
    text = "Say that again in simpler words, please."
    assert route(text, DialogueContext(questions=("forgery",)), small_model).kind == "simplify"
    asked_back = route(text, DialogueContext(), small_model)
    assert asked_back.kind == "unclear" and asked_back.clarification


def test_who_is_described_anywhere_in_a_long_turn_is_meant(small_model: Reader) -> None:
    text = (
        "We hired a hall for my aunt's birthday, and nobody had swept it, and the cook forgot half of the guests. "
        "There is a boy on the left with glasses, and my brother says he was cross all day. Is the boy smiling?"
    )
    (face,) = route(text, None, small_model).faces
    assert (face.side, face.words) == ("left", ("boy", "glasses"))


def test_long_turns_are_cut_and_short_ones_are_not() -> None:
    assert [piece.text for piece in split_long("Is it real?")] == ["Is it real?"]
    long = "I was at the lake, with my aunt and her dog. " * 6 + "Is it real?"
    assert split_long(long)[-1].text == "Is it real?"
    assert len(split_long(long * 20)) <= MAX_PIECES


def test_who_dictates_without_commas_is_cut_before_words_that_join_clauses() -> None:
    long = (
        "so we went to the fair on saturday with the children and there was a booth with a parrot in it "
        "but my sister thinks the picture was changed so could you tell me whether it was edited"
    )
    cut = [piece.text for piece in split_long(long)]
    assert cut[-1] == "so could you tell me whether it was edited"
    assert " ".join(cut) == long


def test_every_clause_of_a_question_asks() -> None:
    long = (
        "We had a long day at the lake with my aunt. " * 3 + "Has somebody pasted the face in, and when was it taken?"
    )
    last = split_long(long)[-2:]
    assert [piece.text for piece in last] == ["Has somebody pasted the face in,", "and when was it taken?"]
    assert [(piece.asks, piece.joined) for piece in last] == [(True, False), (True, True)]


def _reading(request: float, question: str, **kinds: float) -> Reading:
    return Reading(
        kind={"out_of_scope": 1 - request, "analyse": request, **kinds},
        questions={"forgery": 0.0, "quality": 0.0, question: 0.9}, topics={}, facts={},
        purpose={"unstated": 0.5, "moderation": 0.5}, details={}, language={},
    )  # fmt: skip


def test_the_piece_that_asks_decides() -> None:
    pieces = [Piece("I was ill.", False), Piece("Is it real?", True)]
    found = focus(pieces, [_reading(0.1, "quality"), _reading(0.9, "forgery")])
    assert (found.focus, found.deciding) == ("Is it real?", "Is it real?")
    assert found.questions == {"forgery": 0.9, "quality": 0.0}


def test_two_requests_of_one_sentence_are_both_asked() -> None:
    pieces = [Piece("Is it sharp,", True), Piece("and is it real?", True, joined=True)]
    found = focus(pieces, [_reading(0.9, "quality"), _reading(0.9, "forgery")])
    assert found.focus == "Is it sharp, and is it real?"
    assert found.questions == {"forgery": 0.9, "quality": 0.9}
    left_out = [Piece("I know how sharp it is,", False), Piece("tell me if it is real.", False)]
    assert focus(left_out, [_reading(0.9, "quality"), _reading(0.9, "forgery")]).focus == "tell me if it is real."


def test_a_wish_about_an_answer_decides_only_where_one_was_given() -> None:
    pieces = [Piece("It looks edited to me.", False), Piece("Can you say it simpler?", True)]
    wish = _reading(0.9, "quality").model_copy(
        update={"kind": {"out_of_scope": 0.0, "simplify": 1.0}, "questions": {"forgery": 0.0, "quality": 0.0}}
    )
    edited = _reading(0.9, "forgery")
    assert focus(pieces, [edited, wish], follows=True).deciding == "Can you say it simpler?"
    assert focus(pieces, [edited, wish]).deciding == "It looks edited to me."


def test_a_purpose_that_several_pieces_hint_at_is_likelier() -> None:
    pieces = [Piece("I moderate a forum.", False), Piece("Is it real?", True)]
    assert focus(pieces, [_reading(0.1, "quality"), _reading(0.9, "forgery")]).purpose["moderation"] == 0.75


def test_classes_exclude_each_other_or_not_and_an_untrained_question_is_open() -> None:
    classes = {head: ["x", "y"] for head in reader.HEADS}
    tensors = {}
    for head in reader.HEADS:
        tensors |= {f"{head}.w1": np.zeros((2, 3), np.float32), f"{head}.b1": np.zeros(3, np.float32)}
        tensors |= {f"{head}.w2": np.zeros((3, 2), np.float32), f"{head}.b2": np.array([50.0, 0.0], np.float32)}
    found = Heads(tensors, classes).read(np.zeros(2, np.float32))
    assert found.kind == pytest.approx({"x": 1.0, "y": 0.0})
    assert found.topics == pytest.approx({"x": 1.0, "y": 0.5})
    assert found.questions["forgery"] == reader.UNSEEN["forgery"]


def test_without_its_weights_the_rules_read_alone_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(settings: Settings, adapters: object) -> None:
        raise ModelUnavailable("the encoder is not on this machine")

    monkeypatch.setattr(reader, "open_encoder", missing)
    with caplog.at_level(logging.WARNING, logger="faceagent"):
        assert open_reader(settings) is None
        assert open_reader(settings) is None
    assert [one.message for one in caplog.records] == [
        "Questions are read by rules alone: the encoder is not on this machine"
    ]
    assert route("Is it real?", None, None).questions == ("forgery",)


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01\x02", "x" * 50_000, "E7", "。。。"])
def test_what_is_no_question_is_not_read(text: str, small_model: Reader) -> None:
    assert route(text, None, small_model) == route(text)


def test_of_a_very_long_turn_the_start_is_read_as_well() -> None:
    text = " ".join(f"This is sentence number {place} of a long story about nothing." for place in range(30))
    pieces = split_long(text)
    assert len(pieces) == MAX_PIECES
    assert "number 0 " in pieces[0].text and "number 29 " in pieces[-1].text


def test_a_purpose_is_read_from_the_whole_of_a_long_turn(small_model: Reader) -> None:
    text = (
        "I run a call centre, forty seats, and the phones never stop. Turnover has been awful since Easter. This one "
        "is from my team lead's row. Tell me whether she is frustrated while she is on calls, I have her appraisal "
        "at three."
    )
    plan = route(text, None, small_model)
    assert (plan.kind, plan.purpose, [one.topic for one in plan.refused]) == ("refused", "workplace", ["expression"])
