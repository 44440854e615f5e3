import math

import numpy as np
import pytest

from evals.views import drawn
from faceagent.settings import Settings
from faceagent.tools import opinion
from faceagent.tools.base import View
from faceagent.types import Face, Quality

GOOD = Quality(unified=90, sharpness=90, illumination=90, exposure=90, resolution=90, pose=90, visibility=90)
FACE = Face(id="F1", picture="P1", box=(4, 4, 60, 60), confidence=1, points5=((9, 9),) * 5, quality=GOOD)


class Model:
    """Says fake with the probability that the words before "Is" suppose."""

    name = "model"

    def __init__(self, adapters=("expression", "forgery")):
        self._adapters, self.asked = frozenset(adapters), []

    def adapters(self):
        return self._adapters

    def score(self, ask, choices):
        self.asked.append(ask)
        if "fake" not in choices:
            return {choice: 0.3 if choice == "fear" else 0.1 for choice in choices}
        text = ask.turns[0].text
        fake = 0.9 if "Suppose this face is fake" in text else 0.1 if "Suppose this face is real" in text else 0.7
        return {"real": 1 - fake, "fake": fake}


@pytest.fixture
def view():
    seen = drawn(np.full((64, 64, 3), 90, np.uint8))
    return View(seen.picture, seen.pixels, seen.original, FACE)


def ask(model, view, monkeypatch, **settings):
    monkeypatch.setattr(opinion.choose, "backend", lambda _: model)
    (found,) = opinion.Opinion(Settings(**settings)).run([view])
    return {item.id: item for item in found}


def test_the_probability_of_the_label_is_uncalibrated_evidence(view, monkeypatch):
    found = ask(model := Model(), view, monkeypatch)
    forgery, expression = found["F1:opinion_forgery"], found["F1:opinion_expression"]
    assert forgery.score.value == pytest.approx(math.log(0.7 / 0.3), abs=1e-5) and forgery.score.calibration is None
    assert "fear (30 %" in expression.statement and not expression.distribution
    assert [one.adapter for one in model.asked] == ["expression", "forgery"]
    assert all(one.turns[0].images[0].startswith(b"\x89PNG") for one in model.asked)


def test_of_three_suppositions_the_median_counts(view, monkeypatch):
    item = ask(Model(), view, monkeypatch, vlm_hypotheses=True)["F1:opinion_forgery"]
    assert item.facts["fake"] == pytest.approx(0.7) and item.facts["fake_supposing_fake"] == pytest.approx(0.9)


def test_without_an_adapter_the_embedded_model_is_not_asked(view, monkeypatch):
    found = ask(model := Model(()), view, monkeypatch)
    assert {item.status for item in found.values()} == {"unavailable"} and not model.asked
    assert found["F1:opinion_forgery"].question == "forgery"
