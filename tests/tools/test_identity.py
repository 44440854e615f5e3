import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.crowding import adjustment, crowding, crowds
from faceagent.tools.identity import Identity, prepare
from faceagent.tools.identity_evidence import comparable
from faceagent.types import Face, Picture, Quality

QUALITY = Quality(unified=80, sharpness=80, illumination=80, exposure=80, resolution=80, pose=80, visibility=80)
POINTS = np.array([(195.0, 115.0), (238.0, 113.0), (216.0, 140.0), (200.0, 163.0), (235.0, 161.0)])


def _view(pixels: NDArray[np.uint8], points: NDArray[np.float64], name: str = "P1", **changes: object) -> View:
    height, width = pixels.shape[:2]
    picture = Picture(
        id=name,
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        width=width,
        height=height,
        format="PNG",
        bytes=1,
        source="x",
        mode="RGB",
        orientation=1,
    )
    low, high = points.min(axis=0), points.max(axis=0)
    face = Face(
        id="F1" if name == "P1" else f"{name}F1",
        picture=name,
        box=(float(low[0]) - 25, float(low[1]) - 45, float(high[0]) + 25, float(high[1]) + 45),
        confidence=0.9,
        points5=tuple((float(x), float(y)) for x, y in points),
        quality=QUALITY,
        **changes,  # type: ignore[arg-type]
    )
    return View(picture, lambda: pixels, lambda: b"", face)


def _against(view: View, *references: View) -> View:
    return View(view.picture, view.pixels, view.original, view.face, references)


@pytest.fixture(scope="module")
def half(astronaut: NDArray[np.uint8]) -> View:
    """The same face in a picture of half the size, as a reference."""
    small = np.ascontiguousarray(astronaut.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3)).astype(np.uint8))
    return _view(small, (POINTS - 0.5) / 2, "R1")


def test_chip_is_rgb_and_not_scaled() -> None:
    pixels = np.zeros((300, 300, 3), dtype=np.uint8)
    pixels[...] = (250, 120, 10)
    face = _view(pixels, POINTS).face
    assert face is not None
    chip = prepare(pixels, face)
    assert chip.shape == (1, 3, 112, 112)
    assert [float(plane[50, 50]) for plane in chip[0]] == [250.0, 120.0, 10.0]


def test_embeddings_have_unit_length(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    vectors = Identity(settings).embed([_view(astronaut, POINTS)])
    assert vectors.shape == (1, 128)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1.0)


def test_the_same_face_in_another_size(astronaut: NDArray[np.uint8], half: View, settings: Settings) -> None:
    ((item,),) = Identity(settings).run([_against(_view(astronaut, POINTS), half)])
    assert item.id == "F1:identity"
    assert item.score is not None and item.score.scale == "cosine"
    assert float(item.facts["cosine_R1"]) > 0.8 and item.score.value > 0.6
    assert item.score.calibration == "identity/sface-small-2"


def test_another_pattern_is_another_person(astronaut: NDArray[np.uint8], half: View, settings: Settings) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    ((item,),) = Identity(settings).run([_against(_view(noise, POINTS), half)])
    assert item.score is not None
    assert item.score.value < 0.4


def test_several_references_count_by_the_mean(astronaut: NDArray[np.uint8], half: View, settings: Settings) -> None:
    """The nearest alone would give a stranger one more chance with every reference."""
    flipped = _view(np.ascontiguousarray(astronaut[:, ::-1]), (POINTS * (-1, 1) + (511, 0))[[1, 0, 2, 4, 3]], "R2")
    ((item,),) = Identity(settings).run([_against(_view(astronaut, POINTS), half, flipped)])
    assert item.facts["references_compared"] == 2
    assert item.score is not None
    each = [float(item.facts[f"cosine_{name}"]) for name in ("R1", "R2")]
    assert item.score.value == pytest.approx(np.mean(each) - float(item.facts["crowding"]), abs=1e-5)
    assert each[0] != pytest.approx(each[1], abs=1e-3)
    assert "mean" in item.statement
    assert all(f"{name} {value:.2f}" in item.statement for name, value in zip(("R1", "R2"), each, strict=True))


def test_references_of_two_people_are_not_averaged(
    astronaut: NDArray[np.uint8], half: View, settings: Settings
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    ((item,),) = Identity(settings).run([_against(_view(astronaut, POINTS), _view(noise, POINTS, "R2"), half)])
    assert (item.status, item.reason, item.score) == ("not_applicable", "references_differ", None)
    assert "R2 and R1" in item.statement


def test_a_file_is_not_compared_with_itself(astronaut: NDArray[np.uint8], half: View, settings: Settings) -> None:
    tool, probe, itself = Identity(settings), _view(astronaut, POINTS), _view(astronaut, POINTS, "R2")
    ((item,),) = tool.run([_against(probe, itself)])
    assert (item.status, item.reason, item.score) == ("not_applicable", "same_file", None)
    assert "the reference is the same file" in item.statement
    ((mixed,),) = tool.run([_against(probe, itself, half)])
    ((alone,),) = tool.run([_against(probe, half)])
    assert mixed.score == alone.score
    assert "same file: R2" in mixed.statement


def test_references_without_a_usable_face(astronaut: NDArray[np.uint8], half: View, settings: Settings) -> None:
    faceless = View(half.picture, half.pixels, half.original)
    blurry = _view(half.pixels(), POINTS / 2, "R2", reasons={"identity": ("too_blurry",)})
    assert not comparable(faceless)
    assert not comparable(blurry)
    ((item,),) = Identity(settings).run([_against(_view(astronaut, POINTS), faceless, blurry)])
    assert (item.status, item.reason) == ("not_applicable", "reference_unusable")
    ((mixed,),) = Identity(settings).run([_against(_view(astronaut, POINTS), blurry, half)])
    assert mixed.status == "ok"
    assert mixed.facts["references_left_out"] == 1
    assert "no face in it can be compared: R2" in mixed.statement


def test_views_of_one_batch_keep_their_own_references(
    astronaut: NDArray[np.uint8], half: View, settings: Settings
) -> None:
    view = _view(astronaut, POINTS)
    faceless = View(half.picture, half.pixels, half.original)
    groups = Identity(settings).run([_against(view, faceless), _against(view, half)])
    assert [group[0].status for group in groups] == ["not_applicable", "ok"]


def test_crowding_takes_off_more_where_more_strangers_are_near() -> None:
    means, usual = crowds()
    assert means.shape == (17, 128)
    dense = means[0] / np.linalg.norm(means[0])
    alone = np.linalg.svd(means)[2][-1]
    assert crowding(dense) > usual > crowding(alone)
    assert adjustment(dense, dense) > adjustment(dense, alone) > adjustment(alone, alone)
    assert adjustment(dense, alone) == pytest.approx(adjustment(alone, dense))
