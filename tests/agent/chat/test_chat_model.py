"""What a configured model adds to a conversation: questions that the rules leave open, and looks at faces."""

import json
from pathlib import Path

import pytest
from turns import labels, reply, said, started

from faceagent import Analyst
from faceagent.agent.chat import Conversation
from faceagent.agent.chat.events import Clarification
from faceagent.errors import ModelUnavailable
from faceagent.explain import VlmExplainer
from faceagent.vlm.protocol import GenerationRequest
from faceagent.vlm.scripted import Scripted

ODD = "Does the countenance betray an inner storm?"


class Speaks:
    """A model that reads ``questions`` in any text, and sees glasses on the faces with these places in its asking."""

    def __init__(self, *questions: str, glasses: tuple[int, ...] = ()) -> None:
        self.crops: list[bytes] = []
        self._questions, self._glasses = questions, glasses
        self.backend = Scripted(self._answer)

    def _answer(self, ask: GenerationRequest) -> str:
        if not ask.turns[0].images:
            return json.dumps({"questions": list(self._questions)})
        self.crops.append(ask.turns[0].images[0])
        return "yes" if len(self.crops) in self._glasses else "no"

    def explain_with(self, talk: Conversation) -> None:
        """Let it be the conversation's model."""
        talk._load_explainer = lambda: VlmExplainer(self.backend)  # type: ignore[assignment]  # as if from settings


def test_no_model_is_asked_what_rules_and_places_decide(analyst: Analyst, pair: Path) -> None:
    model = Speaks("quality", glasses=(1,))
    with analyst.chat() as talk:
        model.explain_with(talk)
        text = said(talk, "is the picture of the left person with glasses sharp?", [pair])
    assert text.startswith("On the left (F2): ") and "F1" not in text
    assert "I did not look for: glasses" in text
    assert model.backend.asked == []


def test_a_model_looks_at_the_faces_that_it_could_be(analyst: Analyst, pair: Path) -> None:
    model = Speaks(glasses=(2,))
    with analyst.chat() as talk:
        model.explain_with(talk)
        events = list(talk.ask("is the face of the person with glasses sharp?", [pair]))
        assert set(labels(events)) == {(1, "F2", "quality")}
        assert "vision-language model" in reply(events) and "glasses" in reply(events)
        assert len(set(model.crops)) == 2
        # What was seen is not asked again.
        said(talk, "and how sharp is the person with glasses now?")
    assert len(model.crops) == 2


def test_glasses_on_both_are_asked_about_and_looked_for_once(analyst: Analyst, pair: Path) -> None:
    model = Speaks(glasses=(1, 2))
    with analyst.chat() as talk:
        model.explain_with(talk)
        asked = list(talk.ask("is the face of the person with glasses sharp?", [pair]))[-1]
        assert isinstance(asked, Clarification) and asked.options == ("F1", "F2")
        assert set(labels(list(talk.ask("the right one")))) == {(1, "F1", "quality")}
    assert len(model.crops) == 2


@pytest.mark.parametrize("gone", [False, True])
def test_without_a_model_that_answers_people_are_asked_about(analyst: Analyst, pair: Path, gone: bool) -> None:
    backend = Scripted([ModelUnavailable("no model here")])
    with analyst.chat() as talk:
        if gone:
            talk._load_explainer = lambda: VlmExplainer(backend)  # type: ignore[assignment]  # as if from settings
        events = list(talk.ask("is the face of the person with glasses sharp?", [pair]))
        assert isinstance(events[-1], Clarification)
        assert started(events) == []
    # Gone is gone: the second face is not tried.
    assert len(backend.asked) == int(gone)
