"""The quality tool says what the faces room measured, in plain words, and what follows from it."""

import numpy as np
from numpy.typing import NDArray

from faceagent.faces import find_faces
from faceagent.settings import Settings
from faceagent.tools.base import View, measure
from faceagent.tools.quality import DESCRIPTIONS, QualityTool
from faceagent.types import Evidence, Face, Picture

PICTURE = Picture(
    id="P1", sha256="0" * 64, width=512, height=512, format="PNG", bytes=1, source="memory", mode="RGB", orientation=1
)


def evidence_of(face: Face, astronaut: NDArray[np.uint8], settings: Settings) -> tuple[Evidence, ...]:
    view = View(picture=PICTURE, pixels=lambda: astronaut, original=lambda: b"", face=face)
    (found,) = measure(QualityTool(settings), [view])
    return found


def test_every_component_is_one_sentence_with_its_number(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    (face,) = find_faces(PICTURE, astronaut, settings)
    found = evidence_of(face, astronaut, settings)
    assert [item.id for item in found] == [*(f"F1:{name}" for name in DESCRIPTIONS), "F1:quality"]
    for item in found[:-1]:
        assert item.score is not None and item.label is not None
        assert item.score.scale == "percent" and item.score.calibration is None
        assert item.score.value == getattr(face.quality, item.label)
        assert f"is {item.score.value:.0f} of 100." in item.statement
    last = found[-1]
    assert last.cites == tuple(item.id for item in found[:-1])
    assert "can be used for every question" in last.statement
    assert {weight.id for weight in last.tool.weights} == {"yunet", "face_landmarker"}


def test_limits_are_said_with_their_reason(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    (face,) = find_faces(PICTURE, astronaut, settings)
    limited = face.model_copy(
        update={
            "usable_for": ("quality", "provenance"),
            "reasons": {"identity": ("too_blurry",), "age": ("too_blurry",), "morph": ("extreme_pose", "too_blurry")},
        }
    )
    last = evidence_of(limited, astronaut, settings)[-1]
    assert "not usable for identity, age, because the face is too blurry" in last.statement
    assert "not usable for morph, because the head is turned too far" in last.statement
    assert last.facts["unusable_for_morph"] == "extreme_pose"
