"""Which way up a picture is read: a face in another orientation counts where it is clearer than what stands in this."""

import numpy as np
import pytest

from faceagent.faces import upright_faces
from faceagent.faces.detect import Detection
from faceagent.faces.landmarks import Landmarks
from faceagent.faces.tiles import Allowance
from faceagent.faces.upright_faces import Place, UprightFace
from faceagent.settings import Settings
from faceagent.types import FaceFrame

PLACE = Place((0, 0, 100, 100))
POINTS = ((40.0, 40.0), (60.0, 40.0), (50.0, 50.0), (42.0, 60.0), (58.0, 60.0))
FRAME = FaceFrame(content=(0, 0, 100, 100), box=(30, 30, 70, 70))


def face(score: float, presence: float) -> UprightFace:
    """A face that stands, as sure as said."""
    mesh = np.full((478, 2), 50.0)
    for indices, point in zip(((33, 133), (362, 263), (1,), (61,), (291,)), POINTS, strict=True):
        mesh[list(indices)] = point
    found = Detection(box=(30.0, 30.0, 70.0, 70.0), score=score, points=POINTS)
    landmarks = Landmarks(mesh, {}, np.eye(4), 0.0, 0.02, presence)
    return UprightFace(found, landmarks, np.zeros((100, 100, 3), np.uint8), FRAME, FRAME)


@pytest.fixture
def found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[int, list[UprightFace]]:
    """What the four looks at a picture find, by quarters."""
    looks: dict[int, list[UprightFace]] = {0: [], 1: [], 2: [], 3: []}
    monkeypatch.setattr(upright_faces._Search, "faces", lambda self, place, quarters: (looks[quarters], 1))
    monkeypatch.setattr(upright_faces, "best_score", lambda pixels, settings: 0.95)
    return looks


@pytest.mark.parametrize(
    ("upright", "lying", "taken"),
    [
        ((0.96, 1.0), (0.96, 1.0), False),  # the same face, as networks see it upside down
        ((0.86, 0.9999), (0.956, 1.0), True),  # a lying face that was taken for one that stands
        ((0.88, 1.0), (0.91, 1.0), False),  # not clearer by enough
        ((0.7, 0.3), (0.86, 0.995), True),  # something doubtful, and a sure face
        ((0.79, 0.14), (0.914, 0.98), True),  # something doubtful, and a clear face
        ((0.89, 0.5), (0.914, 0.98), False),  # not clearer by enough
        (None, (0.914, 0.98), True),
        (None, (0.88, 0.98), False),
        (None, (0.95, 0.6), False),
    ],
)
def test_the_clearest_orientation_is_read(
    found: dict[int, list[UprightFace]],
    settings: Settings,
    upright: tuple[float, float] | None,
    lying: tuple[float, float],
    taken: bool,
) -> None:
    standing = face(*lying)
    found[0], found[1] = [] if upright is None else [face(*upright)], [standing]
    first, _ = upright_faces.seen_faces(
        upright_faces._Search(np.zeros((100, 100, 3), np.uint8), settings, 8, Allowance()), PLACE
    )
    assert any(one is standing for one in first) == taken
