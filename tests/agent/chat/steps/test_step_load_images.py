"""Pictures and references that join a conversation, and those that cannot be read."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from turns import labels, reply, said

from faceagent import Analyst
from faceagent.agent.chat import queries
from faceagent.agent.chat.events import Noted
from faceagent.storage.keys import source_key
from faceagent.types import Source

Pixels = NDArray[np.uint8]
HAPPY = "does she look happy?"


def test_a_reference_is_compared_with_and_two_pictures_with_each_other(
    analyst: Analyst, astronaut: Pixels, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(np.clip(astronaut[:, ::-1].astype(np.int16) + 12, 0, 255).astype(np.uint8)).save(other)
    with analyst.chat() as talk:
        events = list(talk.ask("is it the same person as in the reference?", [photo], [other]))
        assert (
            labels(events)[1, "F1", "identity"]
            == analyst.analyze(photo, questions=["identity"], references=[other]).verdicts[0].label
        )
        assert [picture.id for picture in talk.report().references] == ["R1"]
    with analyst.chat() as talk:
        events = list(talk.ask("are these two the same person?", [photo, other]))
        assert set(labels(events)) == {(2, "F1", "identity")}
        assert "cosine" in said(talk, "why?")
        assert "photo.jpg served as the reference" in reply(events)


def test_pictures_that_cannot_be_read_are_told_by_name(analyst: Analyst, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    with analyst.chat() as talk:
        events = list(talk.ask(HAPPY, [tmp_path / "empty.png", photo, tmp_path / "missing.png"]))
        assert not [one for one in events if isinstance(one, Noted)], "the reply tells it, once"
        assert "empty.png could not be read" in reply(events)
        assert labels(events) == {(2, "F1", "expression"): "happy"}
        assert "missing.png could not be read" in reply(events) and "this face looks happy" in reply(events)
        # Asked about again it is no riddle why there is nothing to say.
        assert "missing.png 无法读取：文件不存在" in said(talk, "第三张照片呢？")


def test_a_compared_picture_is_a_reference_for_that_question_only(
    analyst: Analyst, photo: Path, stranger: Pixels, tmp_path: Path
) -> None:
    other, third = tmp_path / "other.png", tmp_path / "third.png"
    Image.fromarray(stranger).save(other)
    Image.fromarray(stranger[:, ::-1].copy()).save(third)
    with analyst.chat() as talk:
        said(talk, "is the first the same person as the second?", [photo, other])
        assert len(queries.references_of(talk.store)) == 1
        # A follow-up is about the same comparison.
        said(talk, "how sure are you?")
        assert len(queries.references_of(talk.store)) == 1
        # Two other pictures: the first of them becomes the reference.
        text = said(talk, "and are the second and the third the same person?", [third])
        assert "other.png served as the reference" in text
        # Something else: nobody claims that this is the person of another picture.
        assert "identity" not in said(talk, "is the third one a morph?")
        assert queries.references_of(talk.store) == []


def test_a_given_reference_replaces_a_picture_that_served_as_one(
    analyst: Analyst, photo: Path, stranger: Pixels, tmp_path: Path
) -> None:
    other, given = tmp_path / "other.png", tmp_path / "given.png"
    Image.fromarray(stranger).save(other)
    Image.fromarray(stranger[:, ::-1].copy()).save(given)
    with analyst.chat() as talk:
        said(talk, "is the first the same person as the second?", [photo, other])
        list(talk.ask("is the second one the person of the reference?", [], [given]))
        names = [talk.store.get(source_key(key), Source).name for key in queries.references_of(talk.store)]
        assert names == ["given.png"]
