"""The unlike guard covers every detector: where a face is unlike all training faces, nothing is decided from it."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.views import drawn, portrait
from faceagent import judge
from faceagent.agent.runtime import build_tools
from faceagent.errors import ModelUnavailable
from faceagent.judge.calibrate import Familiarity, calibration
from faceagent.settings import Settings
from faceagent.tools.base import Tool, View, measure
from faceagent.tools.familiarity import CALIBRATION
from faceagent.types import Evidence, Question, Score

GUARDED: Mapping[Question, str] = {
    "forgery": "forgery",
    "morph": "morph",
    "spoof": "spoof",
    "age": "attributes",
    "gender": "attributes",
}


@pytest.fixture(scope="module")
def view(astronaut: NDArray[np.uint8], settings: Settings) -> View:
    found = portrait(drawn(astronaut), settings)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def evidence(view: View, settings: Settings) -> tuple[Evidence, ...]:
    tools: Mapping[str, Tool] = build_tools(settings)
    return tuple(item for name in dict.fromkeys(GUARDED.values()) for item in measure(tools[name], [view])[0])


@pytest.mark.parametrize("question", GUARDED)
def test_an_unlike_face_leaves_every_question_open(
    view: View, evidence: tuple[Evidence, ...], question: Question
) -> None:
    assert view.face is not None
    fitted = calibration(CALIBRATION)
    assert isinstance(fitted, Familiarity)
    (distance,) = (item for item in evidence if item.id == f"F1:{question}_distance")
    assert distance.question == question and distance.score is not None
    assert {item.id for item in evidence} >= set(distance.cites)
    far = distance.model_copy(update={"score": Score(value=fitted.far, scale="ratio", calibration=CALIBRATION)})
    changed = [far if item.id == distance.id else item for item in evidence]
    verdict = judge.weigh(question, view.face, changed)
    assert (verdict.label, verdict.reason) == ("inconclusive", "open_set")
    assert judge.weigh(question, view.face, evidence).reason != "open_set"


def test_the_distance_is_the_same_for_all(evidence: tuple[Evidence, ...]) -> None:
    found = {item.score.value for item in evidence if item.id.endswith("_distance") and item.score}
    assert max(found) - min(found) < 1e-5


def test_without_the_encoder_a_tool_still_answers(
    view: View, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(*_: object) -> None:
        raise ModelUnavailable("no weights")

    monkeypatch.setattr("faceagent.encoder.encoder.load_encoder", unavailable)
    ((item,),) = measure(build_tools(settings)["spoof"], [view])
    assert item.id == "F1:spoof" and item.status == "ok"
    assert "no weights" in caplog.text
