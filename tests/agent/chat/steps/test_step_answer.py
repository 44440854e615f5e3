"""Verdicts that wait for a person's release."""

from pathlib import Path

from turns import said

from faceagent import Analyst
from faceagent.agent.chat.events import (
    Clarification,
)
from faceagent.storage.conversation_store import SignOff

HAPPY = "does she look happy?"


def test_verdicts_wait_for_a_person_where_that_is_asked_for(analyst: Analyst, photo: Path) -> None:
    with analyst.chat(sign_off=True) as talk:
        events = list(talk.ask(HAPPY, [photo]))
        assert isinstance(events[-1], Clarification) and "happy" not in events[-1].text
        assert "withheld" in said(talk, "not yet")
        list(talk.ask(HAPPY))
        assert "this face looks happy" in said(talk, "Yes.")
        assert [one.released for one in talk.store.all(SignOff)] == [False, True]
