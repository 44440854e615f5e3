"""What training refuses, and what it computes from scores."""

from pathlib import Path

import numpy as np
import pytest

from evals.metrics.ranking import two_sample_auc
from faceagent.errors import InputError
from faceagent.settings import Settings
from finetune.data.sources import faces_of
from finetune.detectors.forgery.data import check_pairs
from finetune.detectors.forgery.features import pair_batches
from finetune.detectors.forgery.recipe import load_recipe
from finetune.detectors.forgery.scores import pointing_rate, spectrum_auc

RECIPES = Path(__file__).parents[4] / "finetune" / "recipes"


def test_the_shipped_recipe_reads_and_uses_admitted_sets_only() -> None:
    recipe = load_recipe(RECIPES / "forgery.toml")
    assert recipe.name == "forgery"
    assert set(recipe.data.counts) <= {
        "fairface_train_4k",
        "muxspace_expressions",
        "frll_london",
        "sfhq_tiles",
        "sfhq_t2i_tiles",
    }


def test_a_recipe_with_a_typo_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "x"\nversion = "1"\n[data]\ncounts = {}\n[optimiser]\nepoch = 3\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"optimiser\.epoch"):
        load_recipe(path)


def test_sets_for_evaluation_only_are_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(InputError, match="utkface"):
        faces_of("utkface_1k", {"utkface_1k": tmp_path}, tmp_path, settings)


def test_a_source_on_both_sides_is_refused() -> None:
    with pytest.raises(InputError, match="person 7"):
        check_pairs(["person 7", "person 7"], [False, False], [False, True])


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(InputError, match="not a single pair"):
        check_pairs([], [], [])


def test_a_drowned_class_is_refused() -> None:
    names = [str(index) for index in range(40)]
    with pytest.raises(InputError, match="training side is unbalanced"):
        check_pairs(names, [False] * 29 + [True] + [False, True] * 5, [False] * 30 + [True] * 10)


def test_auc_counts_ties_half() -> None:
    assert two_sample_auc(np.array([1.0, 2.0]), np.array([0.0, 1.0])) == pytest.approx(0.875)
    assert np.isnan(two_sample_auc(np.array([]), np.array([1.0])))


def test_pointing_looks_at_the_strongest_patch() -> None:
    patches = np.array([[0.0, 5.0], [3.0, 1.0]])
    assert pointing_rate(patches, np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float16)) == 0.5


def test_the_trivial_baseline_finds_a_spectral_cue_and_nothing_in_noise() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(600) < 0.5
    held_out = np.arange(600) % 3 == 0
    noise = rng.normal(size=(600, 32)).astype(np.float32)
    assert abs(spectrum_auc(noise, positive, held_out) - 0.5) < 0.12
    noise[:, 20] += 3 * positive
    assert spectrum_auc(noise, positive, held_out) > 0.95


def test_batches_keep_pairs_together() -> None:
    rows = next(pair_batches(np.arange(0, 40, 2), 4, np.random.default_rng(0)))
    assert len(rows) == 8
    np.testing.assert_array_equal(rows[1::2], rows[0::2] + 1)
