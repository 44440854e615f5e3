import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.regions import OVAL, PARTS, REGIONS, hull_mask, patch_cover, region_masks


def drawn_mesh(size: int) -> NDArray[np.float64]:
    """A crude frontal face: every part a ring of its own in about the right place, the oval around them."""
    points = np.full((478, 2), size / 2, dtype=np.float64)
    places = {
        "right_eye": (0.35, 0.4, 0.07),
        "left_eye": (0.65, 0.4, 0.07),
        "nose": (0.5, 0.52, 0.07),
        "mouth": (0.5, 0.7, 0.09),
    }
    for region, indices in PARTS.items():
        x, y, radius = places[region]
        points[list(indices)] = _ring(x, y, radius, len(indices)) * size
    points[list(OVAL)] = _ring(0.5, 0.5, 0.4, len(OVAL)) * size
    return points


def _ring(x: float, y: float, radius: float, count: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def test_regions_cover_the_crop_and_skin_leaves_the_parts_out() -> None:
    masks = region_masks(drawn_mesh(224), 224)
    assert tuple(masks) == (*PARTS, "skin", "outer_face") and set(masks) == set(REGIONS)
    assert np.stack(list(masks.values())).any(axis=0).all()
    for part in PARTS:
        assert not (masks[part] & masks["skin"]).any()


def test_sides_are_the_subjects_own() -> None:
    masks = region_masks(drawn_mesh(224), 224)
    columns = {side: np.flatnonzero(masks[side].any(axis=0)).mean() for side in ("left_eye", "right_eye")}
    assert columns["left_eye"] > columns["right_eye"]


def test_patch_cover_is_the_covered_share() -> None:
    mask = np.zeros((28, 28), np.uint8)
    mask[:14, :7] = 1
    assert patch_cover(mask, 2).tolist() == [[0.5, 0.0], [0.0, 0.0]]


def test_growth_enlarges_the_hull() -> None:
    points = _ring(0.5, 0.5, 0.2, 40) * 100
    assert hull_mask(points, 100, growth=1.5).sum() > 2 * hull_mask(points, 100).sum()
