"""Splices, self-blends, degradations and spectra: deterministic, and exact about the pixels that they changed."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.synthesis.degradation import as_video_frame, degrade, draw_degradation
from evals.data.synthesis.face_edits import fill, graft, reenact, swap
from evals.data.synthesis.multiband_swap import multiband_swap
from evals.data.synthesis.records import LabelledCrop, Portrait
from evals.data.synthesis.spectrum import radial_profile, toward_profile
from evals.data.synthesis.splice import draw_regions, self_blend, splice, untouched
from evals.data.synthesis.transplant import transplant
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


EDITS: dict[str, Callable[[np.random.Generator], LabelledCrop]] = {
    "swap": lambda rng: swap(portrait(1), portrait(2), rng),
    "graft": lambda rng: graft(portrait(1), portrait(2), rng),
    "reenact": lambda rng: reenact(portrait(1), rng),
    "fill": lambda rng: fill(portrait(1), rng),
    "transplant": lambda rng: transplant(portrait(1), portrait(2), rng),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_what_its_mask_names_and_repeats_itself(name: str) -> None:
    target = portrait(1)
    for seed in range(3):
        record, again = (EDITS[name](np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(record.pixels, again.pixels)
        changed = np.abs(record.pixels.astype(int) - target.pixels).max(axis=2) > 1
        assert not changed[record.mask == 0].any()
        assert changed[record.mask > 0.7].mean() > 0.7
        assert (record.label, record.parameters["maker"]) == ("splice", name)


@pytest.mark.parametrize("maker", [swap, graft, transplant, multiband_swap])
def test_a_swap_needs_crops_of_one_size(maker: Callable[..., LabelledCrop]) -> None:
    small = Portrait(portrait(2).pixels[:96, :96], portrait(2).points, "person 2", "drawn")
    with pytest.raises(ValueError, match="one size"):
        maker(portrait(1), small, np.random.default_rng(0))


def test_a_graft_into_a_grey_picture_is_grey() -> None:
    colours = portrait(1)
    flat = np.repeat(colours.pixels[..., :1], 3, axis=2)
    record = graft(Portrait(flat, colours.points, "a", "drawn"), portrait(2), np.random.default_rng(0))
    assert np.ptp(record.pixels.astype(int), axis=2).max() <= 1
    assert (record.pixels != flat).any()


def test_the_swap_that_is_kept_for_testing_changes_the_inner_face_and_repeats_itself() -> None:
    record, again = (multiband_swap(portrait(1), portrait(2), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(record.pixels, again.pixels)
    moved = np.abs(record.pixels.astype(int) - portrait(1).pixels).mean(axis=2)
    assert moved[record.mask > 0.9].mean() > 10 > 4 > moved[record.mask < 0.01].mean()


def test_a_transplanted_part_lies_on_its_place_upright() -> None:
    """A nose with a bright upper end keeps it at the upper end, whatever way it was turned before."""
    donor = portrait(2)
    nose = donor.points[list(PARTS["nose"])]
    pixels = np.full_like(donor.pixels, 60)
    pixels[: int(nose[:, 1].mean())] = 200
    seen = 0
    for seed in range(12):
        record = transplant(portrait(1), Portrait(pixels, donor.points, "b", "drawn"), np.random.default_rng(seed))
        if "nose" in record.parameters["regions"] and record.parameters["donor"] == "b":  # type: ignore[operator]
            grey, inside = record.pixels.mean(axis=2), record.mask > 0.9
            rows = np.flatnonzero(inside[:, 56])
            assert grey[rows[0] : rows[0] + 3, 54:59].mean() > grey[rows[-1] - 2 : rows[-1] + 1, 54:59].mean()
            seen += 1
    assert seen >= 3


def test_a_video_frame_is_the_picture_coded_at_its_place() -> None:
    ramp = np.add.outer(np.arange(97), np.arange(97)).astype(np.uint8)
    pixels = np.stack([ramp, 255 - ramp, np.roll(ramp, 20)], axis=2)
    frame = as_video_frame(pixels)
    assert frame.shape == pixels.shape
    difference = np.abs(frame.astype(int) - pixels)
    assert 0 < difference.mean() < 12
    assert difference.mean() < np.abs(np.roll(frame, 3, axis=1).astype(int) - pixels).mean()


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
