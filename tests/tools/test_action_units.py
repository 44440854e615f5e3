from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.faces import find_faces
from faceagent.faces.mesh import BLENDSHAPES
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits, activations, levels
from faceagent.tools.base import View, measure
from faceagent.tools.distances import SPANS, distances
from faceagent.tools.facs import neutral, table
from faceagent.types import Evidence, Face, Picture, Pose, Quality

REQUIRED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 23, 24, 25, 26, 28, 43, 45)
DEAD = ("cheekSquint", "noseSneer")


def mesh(**changes: float) -> tuple[tuple[float, float], ...]:
    """478 points, 100 px between the eyes, whose distances are the neutral means plus ``changes``."""
    level = {name: neutral().levels[name].mean + changes.get(name, 0.0) for name in SPANS if name in neutral().levels}
    points = np.zeros((478, 2))
    points[[33, 133, 362, 263], 0] = (-0.65, -0.35, 0.35, 0.65)
    for side, (brow, lid, cheek, root, wing) in ((1, (336, 374, 280, 417, 358)), (-1, (107, 145, 50, 193, 129))):
        lean = {name: side * neutral().levels[name].tilt for name in level}
        points[brow, 1] = -level["inner_brow_height"] - lean["inner_brow_height"]
        points[lid, 1] = level["lower_lid_sag"] + lean["lower_lid_sag"]
        points[cheek, 1] = points[lid, 1] + level["lower_lid_to_cheek"] + lean["lower_lid_to_cheek"]
        points[wing, 1] = points[root, 1] + level["nose_wing_height"] + lean["nose_wing_height"]
    points[2, 1] = 1.0
    for start, to, drop in (
        (2, 0, level["nose_to_lip"]),
        (0, 13, level["red_of_the_lips"] / 2),
        (13, 14, level["lip_gap"]),
        (14, 17, level["red_of_the_lips"] / 2),
    ):
        points[to, 1] = points[start, 1] + drop
    return tuple((float(x), float(y)) for x, y in 100 * points + 200)


def face(blendshapes: Mapping[str, float] = {}, **distance: float) -> Face:
    """A neutral face with the given blendshapes ("mouthSmile" sets both sides) and changes of distances."""
    values: dict[str, float] = dict.fromkeys(BLENDSHAPES, 0.0)
    for name in BLENDSHAPES:
        base = name.removesuffix("Left").removesuffix("Right")
        if base in neutral().levels:
            level = neutral().levels[base]
            side = 0 if name == base else 1 if name.endswith("Left") else -1
            values[name] = max(0.0, level.mean + side * level.tilt)
        values[name] = blendshapes.get(name, blendshapes.get(base, values[name]))
    return Face(
        id="F1",
        picture="P1",
        box=(0, 0, 300, 300),
        confidence=0.9,
        points5=((165, 200), (235, 200), (200, 250), (180, 300), (220, 300)),
        landmarks=mesh(**distance),
        blendshapes=values,
        pose=Pose(yaw=0, pitch=neutral().pitch, roll=0),
        quality=Quality(unified=80, sharpness=80, illumination=80, exposure=80, resolution=80, pose=80, visibility=80),
    )


def view(one: Face) -> View:
    picture = Picture(
        id="P1", sha256="0" * 64, width=400, height=400, format="PNG", bytes=1, source="x", mode="RGB", orientation=1
    )
    return View(picture, lambda: np.zeros((400, 400, 3), np.uint8), lambda: b"", one)


def evidence(one: Face, settings: Settings) -> dict[str, Evidence]:
    return {item.id: item for item in measure(ActionUnits(settings), [view(one)])[0]}


def test_every_required_unit_is_in_the_table() -> None:
    codes = {unit.code for unit in (*table().units, *table().unmeasurable)}
    assert set(REQUIRED) <= codes


def test_every_source_exists_and_none_is_dead() -> None:
    bases = {name.removesuffix("Left").removesuffix("Right") for name in BLENDSHAPES}
    for unit in table().units:
        for source in unit.shares:
            assert source in bases | set(SPANS), (unit.key, source)
            assert source not in DEAD, unit.key


def test_the_reference_covers_the_table() -> None:
    for unit in table().units:
        assert set(unit.shares) <= set(neutral().levels)
        spread = neutral().ranges[unit.code]
        assert spread.none < spread.present < spread.full, unit.key


def test_a_neutral_face_shows_nothing() -> None:
    assert not [code for code, found in activations(face()).items() if found.present]


@pytest.mark.parametrize("value", [1e-5, 0.9])
def test_dead_blendshapes_move_no_unit(value: float) -> None:
    # cheekSquint and noseSneer are 1e-4 or less on every real face: scaling them up would report noise.
    assert activations(face(dict.fromkeys(DEAD, value))) == activations(face())


@pytest.mark.parametrize(
    ("source", "code"), [("mouthSmile", 12), ("browInnerUp", 1), ("jawOpen", 26), ("eyeBlink", 43), ("mouthPress", 24)]
)
def test_more_movement_is_more_intensity(source: str, code: int) -> None:
    found = [activations(face({source: value}))[code] for value in (0.0, 0.001, 0.05, 0.3, 0.6, 0.85)]
    intensities = [one.intensity for one in found]
    assert intensities == sorted(intensities)
    assert intensities[0] < intensities[1] < intensities[2]  # also where it is absent, so that faces can be ordered
    assert intensities[-1] > 2.5
    assert found[-1].present
    assert not found[0].present


def test_nose_wrinkler_is_read_from_the_mesh_and_not_from_a_smile() -> None:
    wrinkled = activations(face(nose_wing_height=-0.1, nose_to_lip=-0.08))[9]
    smiling = activations(face({"mouthSmile": 0.9}, nose_wing_height=-0.03, nose_to_lip=-0.03))[9]
    assert wrinkled.present
    assert not smiling.present


def test_lowered_brows_are_read_where_the_blendshape_is_silent() -> None:
    assert activations(face({"browDown": 0.1}, inner_brow_height=-0.2))[4].present


def test_parted_lips_are_read_from_the_gap() -> None:
    assert activations(face(lip_gap=0.1))[25].present


def test_one_sided_movement_is_said(settings: Settings) -> None:
    item = evidence(face({"mouthSmileLeft": 0.9, "mouthSmileRight": 0.2}), settings)["F1:AU12"]
    assert float(item.facts["left"]) > float(item.facts["right"]) + 1.5
    assert "uneven: left" in item.statement


def test_evidence_is_complete_and_short(settings: Settings) -> None:
    found = evidence(face({"mouthSmile": 0.8}), settings)
    assert set(found) >= {f"F1:AU{code}" for code in REQUIRED}
    smile = found["F1:AU12"]
    assert smile.label == "present"
    assert smile.score is not None
    assert smile.score.scale == "intensity"
    assert smile.statement == f"AU12 (lip corner puller) is present at intensity {smile.score.value:.1f} of 5."
    assert found["F1:AU15"].statement == "AU15 (lip corner depressor) is absent."
    assert max(len(item.statement) for item in found.values()) < 120


def test_a_blink_cannot_be_told_from_closed_eyes(settings: Settings) -> None:
    blink = evidence(face({"eyeBlink": 0.9}), settings)["F1:AU45"]
    assert (blink.status, blink.reason, blink.label) == ("not_applicable", "not_measurable", None)
    assert "AU43" in blink.statement


def test_a_face_without_landmarks_is_not_measured(settings: Settings) -> None:
    bare = face().model_copy(update={"landmarks": (), "blendshapes": {}})
    (item,) = evidence(bare, settings).values()
    assert (item.status, item.reason) == ("not_applicable", "no_landmarks")


def test_a_batch_equals_its_singles(settings: Settings) -> None:
    tool = ActionUnits(settings)
    views = [view(face({"mouthSmile": value})) for value in (0.0, 0.4, 0.9)]
    assert tool.run(views) == [tool.run([one])[0] for one in views]


def test_distances_do_not_depend_on_size_place_or_roll() -> None:
    points = np.array(mesh())
    turn = np.deg2rad(25)
    moved = 0.3 * points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + 7
    first, second = distances(mesh(), None), distances([(x, y) for x, y in moved], None)
    assert all(np.allclose(first[name], second[name]) for name in SPANS)


def test_sides_are_the_subjects_own(settings: Settings) -> None:
    raised = levels(face().model_copy(update={"landmarks": _lifted(336)}))["inner_brow_height"]
    assert raised.left > raised.right  # 336 lies on the subject's left


def _lifted(index: int) -> tuple[tuple[float, float], ...]:
    return tuple((x, y - 10 * (place == index)) for place, (x, y) in enumerate(mesh()))


def test_the_smile_of_a_real_face(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    picture = view(face()).picture
    found = activations(find_faces(picture, astronaut, settings)[0])
    assert found[12].present
    assert found[12].intensity > 3
    assert not found[15].present
