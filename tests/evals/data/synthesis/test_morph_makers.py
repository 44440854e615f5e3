"""Morphs: deterministic, of both people, in the place they say, and of one person where they are a control."""

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.synthesis.morph import ALPHA, Finish, Method, morph, self_warp, smoothed, unsharp, warped
from evals.data.synthesis.recapture import print_scan
from evals.data.synthesis.records import Portrait
from evals.data.synthesis.spectrum import radial_profile
from faceagent.encoder.regions import OVAL

SIZE = 112


def portrait(seed: int, level: int | None = None) -> Portrait:
    """A drawn face: a ring for the oval, the other points inside it; one grey level, or texture."""
    rng = np.random.default_rng(seed)
    points = 56 + rng.uniform(-22, 22, (478, 2))
    angle = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    points[list(OVAL)] = 56 + 34 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    texture = rng.integers(40, 216, (SIZE, SIZE, 3)).astype(np.uint8)
    pixels = texture if level is None else np.full((SIZE, SIZE, 3), level, np.uint8)
    return Portrait(pixels, points, f"person {seed}", "drawn")


def distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("method", ["full", "cleaned", "splice", "poisson"])
@pytest.mark.parametrize("finish", ["plain", "matched", "smoothed", "unsharp"])
def test_same_seed_same_morph(method: Method, finish: Finish) -> None:
    made = [morph(portrait(1), portrait(2), method, finish, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(made[0].pixels, made[1].pixels)
    assert made[0].label == "morph" and made[0].parameters == made[1].parameters
    assert ALPHA[0] <= float(str(made[0].parameters["alpha"])) <= ALPHA[1]


@pytest.mark.parametrize("method", ["full", "cleaned", "splice"])
def test_grey_levels_mix_by_the_share_that_the_mask_names(method: Method) -> None:
    record = morph(portrait(1, 50), portrait(1001, 200), method, "plain", np.random.default_rng(0))
    np.testing.assert_allclose(record.pixels[..., 0], 50 + 150 * record.mask, atol=1.0)
    assert record.mask[56, 56] == pytest.approx(float(str(record.parameters["alpha"])), abs=0.02)


@pytest.mark.parametrize("method", ["splice", "poisson"])
def test_a_splice_has_nothing_foreign_in_the_corners(method: Method) -> None:
    record = morph(portrait(1), portrait(2), method, "plain", np.random.default_rng(0))
    assert record.mask[:8, :8].max() < 0.01 < record.mask[56, 56]


def test_the_poisson_morph_leaves_the_picture_around_the_face_as_it_was() -> None:
    a = portrait(1)
    record = morph(a, portrait(2), "poisson", "plain", np.random.default_rng(0))
    np.testing.assert_array_equal(record.pixels[record.mask == 0], a.pixels[record.mask == 0])
    assert distance(record.pixels[40:70, 40:70], a.pixels[40:70, 40:70]) > 5


def test_matching_brings_the_spectrum_nearer_to_the_contributors() -> None:
    a, b = portrait(1), portrait(2)
    want = (radial_profile(a.pixels) + radial_profile(b.pixels)) / 2
    plain, matched = (morph(a, b, "full", f, np.random.default_rng(0)).pixels for f in ("plain", "matched"))
    off = [np.abs(radial_profile(one) - want).mean() for one in (plain, matched)]
    assert off[1] < 0.6 * off[0]


def test_a_warp_moves_the_points_where_it_says() -> None:
    face = portrait(1, 20)
    spot = face.points[0]
    x, y = np.round(spot).astype(int)
    face.pixels[y - 2 : y + 3, x - 2 : x + 3] = 250
    moved = warped(face.pixels, face.points, face.points + [4.0, 3.0])
    assert moved[y + 3, x + 4, 0] > 150


def test_a_self_warp_stays_one_person() -> None:
    record = self_warp(portrait(1, 90), portrait(2, 200), np.random.default_rng(0))
    assert record.label == "real" and not record.mask.any()
    assert np.abs(record.pixels.astype(int) - 90).max() <= 1


def test_unsharp_adds_fine_detail() -> None:
    soft = morph(portrait(1), portrait(2), "full", "plain", np.random.default_rng(0)).pixels
    assert radial_profile(unsharp(soft))[12:].mean() > radial_profile(soft)[12:].mean() + 0.1


def test_one_person_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="two different people"):
        morph(portrait(1), portrait(1), "full", "plain", np.random.default_rng(0))


def test_cleaning_takes_the_other_person_out_of_the_background_alone() -> None:
    a, b = portrait(1, 50), portrait(2, 200)
    full, cleaned = (morph(a, b, method, "plain", np.random.default_rng(0)) for method in ("full", "cleaned"))
    assert np.abs(cleaned.pixels[:6, :6].astype(int) - 50).max() <= 1 < full.pixels[0, 0, 0] - 50
    np.testing.assert_allclose(cleaned.pixels[56, 56].astype(int), full.pixels[56, 56].astype(int), atol=2)
    alike = morph(a, portrait(3, 54), "cleaned", "plain", np.random.default_rng(0))
    assert alike.mask[:6, :6].min() > 0.2


def test_smoothing_takes_fine_detail_and_leaves_edges() -> None:
    rng = np.random.default_rng(0)
    step = np.full((SIZE, SIZE, 3), 60.0)
    step[:, SIZE // 2 :] = 180
    noisy = np.clip(step + rng.normal(0, 6, step.shape), 0, 255).astype(np.uint8)
    soft = smoothed(noisy, np.random.default_rng(1)).astype(float)
    assert soft[:, 8:40].std() < 0.8 * noisy[:, 8:40].std()
    assert soft[:, SIZE // 2 + 3].mean() - soft[:, SIZE // 2 - 4].mean() > 100


def test_a_scanned_print_keeps_its_place_and_loses_its_gamut() -> None:
    rng = np.random.default_rng(0)
    colours = np.kron(rng.choice([0, 255], (8, 8, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    seen = [print_scan(colours, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert seen[0].shape == colours.shape
    np.testing.assert_array_equal(seen[0], seen[1])
    assert (seen[0] != seen[2]).any()
    assert np.corrcoef(seen[0].ravel(), colours.ravel())[0, 1] > 0.8
    assert seen[0].std() < 0.9 * colours.std()
