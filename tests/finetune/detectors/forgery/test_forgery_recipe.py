"""The shipped recipe is valid, and a wrong entry is named."""

from pathlib import Path

import pytest

from evals.data.training_sets import TRAINING_SETS
from faceagent.errors import InputError
from finetune.detectors.forgery.recipe import load_recipe

RECIPES = Path(__file__).parents[4] / "finetune" / "recipes"


def test_the_shipped_recipe_reads_and_uses_admitted_sets_only() -> None:
    recipe = load_recipe(RECIPES / "forgery.toml")
    assert recipe.name == "forgery"
    assert set(recipe.data.counts) <= set(TRAINING_SETS)


def test_a_recipe_with_a_typo_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "x"\nversion = "1"\n[data]\ncounts = {}\n[optimiser]\nepoch = 3\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"optimiser\.epoch"):
        load_recipe(path)
