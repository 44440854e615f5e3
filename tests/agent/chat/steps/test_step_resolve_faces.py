"""Which face is meant, questions back and the answers to them."""

from pathlib import Path

from turns import labels, said

from faceagent import Analyst
from faceagent.agent.chat.events import (
    Clarification,
)
from faceagent.types import Face


def test_an_ambiguous_person_is_asked_back_and_the_answer_taken(analyst: Analyst, pair: Path) -> None:
    with analyst.chat("two-people") as talk:
        events = list(talk.ask("does the woman look happy?", [pair]))
        asked = events[-1]
        assert isinstance(asked, Clarification) and set(asked.options) == {"F1", "F2"}
        assert not labels(events)
    with analyst.chat("two-people") as again:
        # The question is still open for whoever goes on with the conversation.
        assert again.waiting == asked
        answered = list(again.ask("the one on the left"))
        assert len(labels(answered)) == 1
        left = next(iter(labels(answered)))[1]
        boxes = {face.id: face.box[0] for face in again.store.all(Face)}
        assert left == min(boxes, key=lambda name: boxes[name])
        assert again.waiting is None


def test_an_answer_that_is_another_question_is_taken_as_one(analyst: Analyst, pair: Path) -> None:
    with analyst.chat() as talk:
        list(talk.ask("does the woman look happy?", [pair]))
        events = list(talk.ask("never mind, are the faces sharp enough?"))
        assert {question for _, _, question in labels(events)} == {"quality"}


def test_an_answer_that_says_nothing_is_asked_once_more_and_then_given_up(analyst: Analyst, pair: Path) -> None:
    with analyst.chat() as talk:
        list(talk.ask("does the woman look happy?", [pair]))
        assert isinstance(list(talk.ask("well"))[-1], Clarification)
        assert "still cannot tell" in said(talk, "well")
        assert talk.waiting is None


def test_nobody_fits_a_face_that_is_not_there(analyst: Analyst, photo: Path) -> None:
    with analyst.chat() as talk:
        assert "Nobody in the picture fits" in said(talk, "does face 7 look happy?", [photo])
