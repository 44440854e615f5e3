"""What every registered tool has to keep, whoever wrote it."""

import io
import math
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceagent import intake
from faceagent.faces import find_faces, main_face
from faceagent.settings import Settings
from faceagent.tools import TOOLS
from faceagent.tools.base import Tool, View, measure
from faceagent.types import Evidence, Picture, Source
from faceagent.weights import entry

NAMES = TOOLS.names()
SPECS = {name: TOOLS.get(name)(Settings()).spec for name in NAMES}
OF_FACES = [name for name, spec in SPECS.items() if spec.scope == "face"]
# The face finder's networks have done their work before a tool is asked; without its tower "expression" reads by rules.
WITH_WEIGHTS = [
    name
    for name, spec in SPECS.items()
    if not set(spec.weights) <= {"yunet", "face_landmarker"} and name != "expression"
]


@pytest.fixture(scope="module")
def pictures(astronaut: NDArray[np.uint8], settings: Settings) -> list[View]:
    """Whole views: the astronaut as JPEG, and mirrored and smaller as PNG."""
    views = []
    small = np.ascontiguousarray(astronaut[::2, ::-2])
    for pixels, form in ((astronaut, "JPEG"), (small, "PNG")):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, form)
        blobs = intake.MemoryBlobs()
        key = blobs.put(buffer.getvalue())
        picture = intake.take(Source(kind="bytes", ref=key, name="astronaut"), blobs, settings)
        assert isinstance(picture, Picture)
        views.append(View(picture, partial(blobs.pixels, key), partial(blobs.get, key)))
    return views


@pytest.fixture(scope="module")
def faces(pictures: list[View], settings: Settings) -> list[View]:
    """Views of one face each, compared with each other."""
    found = []
    for view in pictures:
        face = main_face(tuple(find_faces(view.picture, view.pixels(), settings)), view.picture)
        assert face is not None
        found.append(View(view.picture, view.pixels, view.original, face))
    pairs = zip(found, reversed(found), strict=True)
    return [View(v.picture, v.pixels, v.original, v.face, references=(other,)) for v, other in pairs]


@pytest.fixture(params=NAMES)
def tool(request: pytest.FixtureRequest, settings: Settings) -> Tool:
    return TOOLS.get(request.param)(settings)


@pytest.fixture
def views(tool: Tool, pictures: list[View], faces: list[View]) -> list[View]:
    return faces if tool.spec.scope == "face" else pictures


def _bare(view: View) -> View:
    assert view.face is not None
    face = view.face.model_copy(update={"landmarks": (), "blendshapes": {}, "pose": None})
    return View(view.picture, view.pixels, view.original, face, view.references)


def _alike(one: Evidence, other: Evidence) -> bool:
    if (one.id, one.label, one.status, one.reason) != (other.id, other.label, other.status, other.reason):
        return False
    if one.score is None or other.score is None:
        return one.score is other.score
    return math.isclose(one.score.value, other.score.value, rel_tol=1e-3, abs_tol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_spec_is_complete(name: str, settings: Settings) -> None:
    spec = TOOLS.get(name)(settings).spec
    assert spec.name == name
    assert spec.title and spec.summary and spec.version
    assert spec.questions
    for weights in spec.weights:
        assert entry(weights).id == weights
    assert spec.pending is None or spec.pending.endswith(".")


def test_empty_batch(tool: Tool) -> None:
    assert tool.run([]) == []
    assert measure(tool, []) == []


def test_batch_equals_singles(tool: Tool, views: list[View]) -> None:
    together = measure(tool, views)
    assert len(together) == len(views)
    for view, group in zip(views, together, strict=True):
        (alone,) = measure(tool, [view])
        assert len(alone) == len(group)
        assert all(_alike(one, other) for one, other in zip(group, alone, strict=True))


def test_evidence_is_in_order(tool: Tool, views: list[View]) -> None:
    calibrations = {file.name for file in resources.files("faceagent.judge").joinpath("calibration").iterdir()}
    for view, group in zip(views, measure(tool, views), strict=True):
        assert group
        assert len({item.id for item in group}) == len(group)
        for item in group:
            assert item.id.startswith(f"{view.subject}:") and item.subject == view.subject
            assert item.question in tool.spec.questions
            assert item.tool.name == tool.spec.name
            assert item.statement.strip() and item.statement.endswith(".")
            assert item.status == "ok" or item.reason is not None
            assert item.status == ("unavailable" if tool.spec.pending else item.status)
            assert item.status != "failed"
            if item.score is not None and item.score.calibration is not None:
                assert f"{item.score.calibration.replace('/', '-')}.json" in calibrations


def test_stamp_names_what_ran(tool: Tool) -> None:
    stamp = tool.stamp()
    assert (stamp.name, stamp.version) == (tool.spec.name, tool.spec.version)
    # An adapter that ships with the package stands beside the weights it changes; those of a fallback did not run.
    ran = [one for one in stamp.weights if not one.id.startswith("adapter:")]
    assert bool(ran) == bool(tool.spec.weights) and len(ran) <= len(tool.spec.weights)
    assert all(len(weights.sha256) == 64 for weights in stamp.weights)


@pytest.mark.parametrize("tool", OF_FACES, indirect=True)
def test_a_face_without_landmarks(tool: Tool, faces: list[View]) -> None:
    (group,) = measure(tool, [_bare(faces[0])])
    if tool.spec.pending is None and "landmarks" in tool.spec.needs:
        assert [(item.status, item.reason) for item in group] == [("not_applicable", "no_landmarks")]
    assert all(item.status != "failed" for item in group)


@pytest.mark.parametrize("tool", OF_FACES, indirect=True)
def test_a_face_without_reference(tool: Tool, faces: list[View]) -> None:
    alone = View(faces[0].picture, faces[0].pixels, faces[0].original, faces[0].face)
    (group,) = measure(tool, [alone])
    if tool.spec.pending is None and "reference" in tool.spec.needs:
        assert [(item.status, item.reason) for item in group] == [("not_applicable", "no_reference")]
    assert all(item.status != "failed" for item in group)


@pytest.mark.parametrize("tool", WITH_WEIGHTS, indirect=True)
def test_missing_weights_are_said_not_raised(tool: Tool, views: list[View], tmp_path: Path) -> None:
    stranded = TOOLS.get(tool.spec.name)(Settings(offline=True, cache=tmp_path))
    usable = [group[0].reason != "face_too_small" for group in measure(tool, views)]
    groups = measure(stranded, [view for view, fits in zip(views, usable, strict=True) if fits])
    assert len(groups) == sum(usable) > 0
    assert {(item.status, item.reason) for group in groups for item in group} == {("unavailable", "weights_missing")}


def test_odd_pictures_never_raise(tool: Tool, faces: list[View]) -> None:
    if tool.spec.scope == "face":
        face = faces[0].face
        assert face is not None
        width, height = 40, 30
        face = face.model_copy(update={"box": (-15.0, -10.0, 55.0, 45.0), "frame": None})
    else:
        face, width, height = None, 1, 1
    black = np.zeros((height, width, 3), dtype=np.uint8)
    picture = faces[0].picture.model_copy(update={"width": width, "height": height, "format": "PNG"})
    buffer = io.BytesIO()
    Image.fromarray(black).save(buffer, "PNG")
    view = View(picture, lambda: black, buffer.getvalue, face, faces[0].references)
    (group,) = measure(tool, [view])
    assert group
    assert all(item.status != "failed" for item in group)
