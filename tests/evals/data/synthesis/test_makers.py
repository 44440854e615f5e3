"""Splices, self-blends, degradations and spectra: deterministic, and exact about the pixels that they changed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.records import Portrait
from evals.data.synthesis.spectrum import radial_profile, toward_profile
from evals.data.synthesis.splice import draw_regions, self_blend, splice, untouched
from faceagent.encoder.regions import OVAL, PARTS, region_masks

SIZE = 112


def portrait(seed: int) -> Portrait:
    rng = np.random.default_rng(seed)
    points = np.full((478, 2), SIZE / 2, dtype=np.float64)
    places = {"right_eye": (35, 45), "left_eye": (77, 45), "nose": (56, 60), "mouth": (56, 80)}
    for region, indices in PARTS.items():
        points[list(indices)] = places[region] + ring(9, len(indices))
    points[list(OVAL)] = (56, 58) + ring(44, len(OVAL))
    pixels = rng.integers(40, 216, (SIZE, SIZE, 3)).astype(np.uint8)
    return Portrait(pixels, points + rng.normal(0, 0.5, points.shape), f"person {seed}", "drawn")


def ring(radius: float, count: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_same_seed_same_forgery(seed: int) -> None:
    records = [splice(portrait(1), portrait(2), ("mouth", "nose"), np.random.default_rng(seed)) for _ in range(2)]
    np.testing.assert_array_equal(records[0].pixels, records[1].pixels)
    assert records[0].parameters == records[1].parameters


@pytest.mark.parametrize("region", [*PARTS, "skin"])
def test_pixels_change_where_the_mask_says_and_nowhere_else(region: str) -> None:
    target = portrait(1)
    for seed in range(3):
        record = splice(target, portrait(2), (region,), np.random.default_rng(seed))
        changed = np.abs(record.pixels.astype(int) - target.pixels).max(axis=2) > 1
        assert not changed[record.mask == 0].any()
        assert changed[record.mask > 0.7].mean() > 0.8
        assert record.parameters["regions"] == (region,)


def test_the_mask_lies_on_the_region() -> None:
    record = splice(portrait(1), portrait(2), ("mouth",), np.random.default_rng(0))
    mouth = region_masks(portrait(1).points, SIZE)["mouth"].astype(bool)
    assert record.mask[mouth].mean() > 0.6
    assert record.mask[~mouth].mean() < 0.05


def test_a_self_blend_names_its_regions_and_keeps_the_rest() -> None:
    target = portrait(3)
    record = self_blend(target, ("left_eye",), np.random.default_rng(1))
    np.testing.assert_array_equal(record.pixels[record.mask == 0], target.pixels[record.mask == 0])
    assert record.label == "splice" and record.mask.max() > 0.4


def test_untouched_says_so() -> None:
    record = untouched(portrait(3))
    assert record.label == "real" and not record.mask.any()


def test_drawn_regions_are_one_or_several_parts_or_the_whole_face() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_regions(rng) for _ in range(400)]
    assert {len(one) for one in drawn} == {1, 2, 3, 4}
    assert ("skin",) in drawn
    assert all(len(set(one)) == len(one) for one in drawn)


def test_the_same_journey_for_both_halves() -> None:
    how = draw_degradation(np.random.default_rng(5), SIZE)
    pixels = portrait(1).pixels
    np.testing.assert_array_equal(degrade(pixels, how), degrade(pixels.copy(), how))
    assert degrade(pixels, how).shape == pixels.shape


def test_a_profile_can_be_moved_onto_another() -> None:
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    soft = np.clip(sharp.astype(float) * 0.5 + 64, 0, 255).astype(np.uint8)
    have, want = radial_profile(sharp), radial_profile(soft)
    moved = radial_profile(toward_profile(sharp, have, want))
    assert np.abs(moved - want)[2:].mean() < 0.3 * np.abs(have - want)[2:].mean()
