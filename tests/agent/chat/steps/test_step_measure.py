"""Pictures that are gone or changed when a tool needs them again."""

from pathlib import Path

import pytest
from turns import said, started

from faceagent import Analyst, InputError
from faceagent.agent.chat.events import (
    Noted,
)

HAPPY = "does she look happy?"


def test_a_picture_that_vanished_is_told_and_its_record_still_answers(analyst: Analyst, photo: Path) -> None:
    with analyst.chat() as talk:
        said(talk, HAPPY, [photo])
        photo.unlink()
        assert "AU12" in said(talk, "why?")
        events = list(talk.ask("is the picture sharp?"))
        gone = [one for one in events if isinstance(one, Noted)]
        assert [one.code for one in gone] == ["missing_file"] and "still stands" in gone[0].text
        assert "this face looks happy" in said(talk, HAPPY)
        with pytest.raises(InputError, match="gone"):
            talk.write_report(photo.parent / "out")
        assert talk.report().verdicts


def test_a_file_that_changed_is_not_taken_for_the_old_one(analyst: Analyst, photo: Path, pair: Path) -> None:
    with analyst.chat() as talk:
        said(talk, HAPPY, [photo])
        photo.write_bytes(pair.read_bytes())
        events = list(talk.ask("is the picture sharp?"))
        assert "another picture" in next(one for one in events if isinstance(one, Noted)).text
        assert started(events) == []
