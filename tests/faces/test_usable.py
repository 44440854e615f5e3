"""What a face can still be used for once it is known what covers it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from faceagent.faces.part_visibility import Occlusion, cover_parts
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


def test_a_part_whose_place_shows_something_else_is_unrecognisable() -> None:
    """The floor is compared with the likeness of what is inside; a covered part or one outside keeps that reason."""
    parts = [PartVisibility(part=part, visible=1.0) for part in PARTS]
    found = {one.part: one.reason for one in cover_parts(parts, _alike({"mouth": 0.3, "nose": 0.8}))}
    assert {part for part, reason in found.items() if reason} == {"mouth"}
    assert found["mouth"] == "unrecognisable"
    half = [one.model_copy(update={"visible": 0.5}) if one.part == "nose" else one for one in parts]
    assert {one.part for one in cover_parts(half, _alike({"nose": 0.8})) if one.reason == "unrecognisable"} == {"nose"}
    out = [one.model_copy(update={"reason": "outside_picture"}) for one in parts]
    assert {one.reason for one in cover_parts(out, _alike({"mouth": 0.0}))} == {"outside_picture"}
    covered = cover_parts(parts, replace(_alike({"mouth": 0.0}), covered={"mouth": 0.9}, kinds={"mouth": "hand"}))
    assert [(one.part, one.reason, one.covered_by) for one in covered if one.reason] == [("mouth", "occluded", "hand")]


def _alike(likeness: dict[FacePart, float]) -> Occlusion:
    limits: dict[FacePart, float] = dict.fromkeys(PARTS, 0.5)
    return Occlusion({}, {}, limits, likeness=likeness, floors=limits)
