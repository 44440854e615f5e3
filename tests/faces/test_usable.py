"""What a face can still be used for once it is known what covers it."""

from collections.abc import Mapping

import pytest

from faceagent.faces.part_visibility import Occlusion
from faceagent.faces.usable import covered_face
from faceagent.types import PARTS, Face, FacePart, Occluder, PartVisibility, Quality, Question, Reason

POINTS = ((1.0, 1.0), (3.0, 1.0), (2.0, 2.0), (1.0, 3.0), (3.0, 3.0))
MASKED: Mapping[FacePart, Occluder | None] = {"nose": "mask", "mouth": "mask", "chin": "mask"}


def face(sharpness: float, reasons: Mapping[Question, tuple[Reason, ...]]) -> Face:
    """A face whose mouth shows no edges, as found before it was known that it is covered."""
    parts = tuple(
        PartVisibility(part=part, visible=1, reason="too_blurry" if part == "mouth" else None) for part in PARTS
    )
    quality = Quality(
        unified=80, sharpness=sharpness, illumination=80, exposure=80, resolution=80, pose=80, visibility=80
    )
    return Face(
        id="F1", picture="P1", box=(0, 0, 100, 100), confidence=0.9, points5=POINTS, quality=quality, parts=parts,
        reasons=reasons,
    )  # fmt: skip


def masked(found: Face) -> Face:
    covered = {part: 1.0 if part in MASKED else 0.0 for part in PARTS}
    return covered_face(found, Occlusion(covered, MASKED, dict.fromkeys(PARTS, 0.5)))


def test_a_covered_part_is_not_called_blurred_as_well() -> None:
    found = masked(face(90, {"expression": ("too_blurry",)}))
    assert found.reasons["expression"] == ("occluded",)
    assert "expression" not in found.usable_for and "provenance" in found.usable_for


@pytest.mark.parametrize("kept", ["extreme_pose", "face_too_small"])
def test_other_reasons_stay(kept: Reason) -> None:
    found = masked(face(90, {"expression": (kept, "too_blurry")}))
    assert found.reasons["expression"] == ("occluded", kept)


def test_a_face_that_is_blurred_as_a_whole_stays_so() -> None:
    found = masked(face(1, {"expression": ("too_blurry",)}))
    assert found.reasons["expression"] == ("occluded", "too_blurry")
