from pathlib import Path

import pytest

import finetune
from faceagent.errors import InputError
from finetune.vlm.large.recipe import load_vlm_recipe

FOLDER = Path(finetune.__file__).parent / "recipes"
GOOD = """
name = "a"
version = "1"
family = "internvl"
base = "b"
[[stages]]
kind = "instruction"
data = ["d.jsonl"]
lr = 1e-4
"""


def test_every_shipped_recipe_loads_and_names_itself():
    files = sorted(FOLDER.glob("vlm-*.toml"))
    found = {file.stem: load_vlm_recipe(file) for file in files}
    assert {recipe.base for recipe in found.values()} == {"Qwen/Qwen3-VL-8B-Instruct", "OpenGVLab/InternVL3_5-8B-HF"}
    assert {recipe.quantise for recipe in found.values()} == {"none", "nf4"}
    assert all(name == f"vlm-{recipe.name}" for name, recipe in found.items())
    assert all(("qwen" in recipe.base.lower()) == (recipe.family == "qwen3_vl") for recipe in found.values())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"internvl"', '"llava"', "family"),
        ("lr = 1e-4", "lr = 0", r"stages\.0\.lr"),
        ("lr = 1e-4", "", r"stages\.0\.lr"),
        ('"instruction"', '"preference"', "goes on from instruction"),
        ('data = ["d.jsonl"]', "data = []", r"stages\.0\.data"),
        ('name = "a"', "name = ", "cannot be read"),
        ('name = "a"', 'name = "a"\nsurprise = 1', "surprise"),
        (GOOD[GOOD.index("[[") :], GOOD[GOOD.index("[[") :] * 2, "once each"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, old, new, said):
    file = tmp_path / "r.toml"
    file.write_text(GOOD)
    assert load_vlm_recipe(file).kinds == ("instruction",)
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(InputError, match=said):
        load_vlm_recipe(file)


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="none.toml"):
        load_vlm_recipe(tmp_path / "none.toml")
