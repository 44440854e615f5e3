"""Every kind of turn has an answer of its own, first and direct, in the turn's language."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from turns import said

from faceagent import Analyst
from faceagent.agent.chat import Conversation

Pixels = NDArray[np.uint8]


@pytest.fixture
def talk(analyst: Analyst, photo: Path) -> Iterator[Conversation]:
    with analyst.chat() as one:
        said(one, "does she look happy?", [photo])
        yield one


def test_follow_ups_answer_from_the_record(talk: Conversation) -> None:
    assert said(talk, "in percent please").startswith("happy, probability")
    assert said(talk, "just yes or no") == "This face looks happy."
    sure = said(talk, "how sure are you?")
    assert sure.startswith("This face looks happy.") and "of 10 answers as sure as this one are right" in sure
    where = said(talk, "where do you see it?")
    assert "lip corners" in where and "[E" in where
    tool = said(talk, "which tool found that?")
    assert tool.startswith("Measured by ") and "Action units" in tool and "weighed by fixed rules" in tool
    assert "[E" not in said(talk, "explain it simply")


def test_a_named_movement_or_expression_is_answered_yes_or_no(talk: Conversation) -> None:
    closed = said(talk, "are her eyes closed?")
    assert closed.startswith("No: AU43, closed eyes, is at 0.") and "[E" in closed
    assert said(talk, "is she smiling?").startswith("Yes: AU12")
    assert said(talk, "is she sad?").startswith("No: this face looks happy.")
    assert said(talk, "¿tiene los ojos cerrados?").startswith("No: AU43")
    assert said(talk, "她在笑吗？").startswith("是：AU12") or said(talk, "她在笑吗？").startswith("是：可以看到")


def test_an_age_that_is_named_is_compared_with(talk: Conversation) -> None:
    assert "That is older than 11, as far as it looks." in said(talk, "is she older than 11?")
    assert "That is younger than 90" in said(talk, "is she over 90?")


def test_what_is_not_looked_at_is_said_and_the_turn_before_is_not_answered_again(talk: Conversation) -> None:
    for text in ("is she wearing glasses?", "what colour is her jacket?"):
        reply = said(talk, text)
        assert reply.startswith("That is not something I do.") and "happy" not in reply


def test_talk_about_the_program_measures_nothing(talk: Conversation) -> None:
    before = len(talk.store.evidence_keys())
    assert said(talk, "thanks") == "You are welcome."
    assert said(talk, "who made you?").startswith("I am faceagent")
    assert "I have refused nothing" in said(talk, "why did you refuse?")
    assert "pulled-up lip corners" in said(talk, "what does AU12E mean?")
    assert "razón de verosimilitud" in said(talk, "¿qué significa razón de verosimilitud?").lower()
    assert said(talk, "good bye, and thank you for the help") in ("Goodbye.", "You are welcome.")
    assert len(talk.store.evidence_keys()) == before


def test_a_notice_is_given_once_in_a_conversation(analyst: Analyst, photo: Path) -> None:
    with analyst.chat() as talk:
        assert "Note: Tell the people shown" in said(talk, "does she look happy?", [photo])
        assert "Note:" not in said(talk, "is she surprised?")


def test_a_part_of_the_face_is_answered_about_that_part(talk: Conversation) -> None:
    text = said(talk, "around the mouth, is anything manipulated?")
    assert "around the mouth: 0." in text.splitlines()[0] and "left eye" not in text.splitlines()[0]


def test_what_the_file_says_is_told_fact_by_fact(analyst: Analyst, astronaut: Pixels, tmp_path: Path) -> None:
    path, exif = tmp_path / "dated.jpg", Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "NIKON", "D850", "Darkroom 3"
    exif[0x0132] = "2021:03:04 05:06:07"
    Image.fromarray(astronaut).save(path, exif=exif)
    with analyst.chat() as talk:
        text = said(talk, "when was this taken and with what camera?", [path])
        assert "Date: 2021:03:04 05:06:07." in text and "Camera: NIKON" in text and "D850" in text
        assert "anyone can write or change it" in text
        assert "The file holds no position." in said(talk, "where was this photo taken?")
        resaved = said(talk, "was it saved more than once?")
        assert resaved.split(":")[0] in ("Yes", "No", "Cannot tell")


def test_a_comparison_concludes(analyst: Analyst, astronaut: Pixels, photo: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    Image.fromarray(astronaut[:300, 100:400]).resize((100, 100)).resize((300, 300)).save(small)
    with analyst.chat() as talk:
        text = said(talk, "which of the two has the better quality?", [photo, small])
        assert text.splitlines()[0].startswith("Picture 1 is better for analysis: quality"), text


def test_one_face_is_counted_first(analyst: Analyst, pair: Path) -> None:
    with analyst.chat() as talk:
        assert said(talk, "how many people are there?", [pair]).startswith("2 faces were found in this picture.")


def test_real_is_not_answered_as_fake(analyst: Analyst, photo: Path) -> None:
    with analyst.chat() as talk:
        real, fake = said(talk, "is this photo real?", [photo]), said(talk, "is it manipulated?")
        opposite = {
            "Cannot tell": "Cannot tell",
            "A weak yes": "No clear sign",
            "Yes": "No:",
            "Not real": "Yes",
            "Possibly not real": "Possibly",
        }
        lead = next(one for one in opposite if real.startswith(one))
        assert fake.startswith(opposite[lead])
        # What the test does not look for is told with both, and what it misses once.
        clean = "yes" in lead.lower()
        assert ("does not cover" in real.splitlines()[0]) == ("does not cover" in fake.splitlines()[0]) == clean
        assert real.count("misses") == fake.count("misses") == int(clean)
        generated = said(talk, "is it AI generated?")
        assert generated.startswith("Whether an image generator made the whole face is not judged")
        assert "weak yes" not in generated
        # Whether a smile is sincere cannot be seen.
        assert not said(talk, "is her smile genuine?").startswith(("Yes", "No"))


def test_which_of_several_faces_is_said_first(analyst: Analyst, pair: Path) -> None:
    with analyst.chat() as talk:
        first = said(talk, "which of them is smiling?", [pair]).splitlines()[0]
        assert first == "Yes for all of them: the face on the right (F1) and the face on the left (F2)."
