"""Branches against plain PEFT, and every way in which an adapter folder can be wrong."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from faceagent.encoder.branch import ADAPTER, CARD, HEAD, BranchCard, load_branch, shipped
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.head import Head
from faceagent.encoder.tower import Tower, load_tower
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights.store import sha256_of


@pytest.fixture(scope="module")
def tower(settings: Settings) -> Tower:
    return load_tower(settings)


def make_adapter(folder: Path, tower: Tower, *, name: str, last: int, modules: str, patch: int = 0) -> Path:
    """An adapter with random weights, as training writes it."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(len(name) + last)
    blocks = "|".join(str(index) for index in range(tower.depth - last, tower.depth))
    config = LoraConfig(r=4, lora_alpha=8, use_rslora=True, target_modules=rf"blocks\.({blocks})\.{modules}")
    model = get_peft_model(copy.deepcopy(tower.walk.model), config)
    for key, value in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(value, std=0.05)
    model.save_pretrained(str(folder))
    save_file(Head(tower.width, 2, patch).state_dict(), folder / HEAD)
    write_card(folder, tower, name=name, last_blocks=last, patch_labels=("splice",) * patch)
    return folder


def write_card(folder: Path, tower: Tower, **changes: object) -> None:
    card = {
        "name": "test", "version": "0", "base": tower.stamp, "last_blocks": 2, "rank": 4, "labels": ("a", "b"),
        "patch_labels": (), "margin": 1.3, "files": {part: sha256_of(folder / part) for part in (ADAPTER, HEAD)},
    }  # fmt: skip
    (folder / CARD).write_text(BranchCard.model_validate({**card, **changes}).model_dump_json(), encoding="utf-8")


@pytest.fixture(scope="module")
def folders(tower: Tower, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("adapters")
    return {
        "attention": make_adapter(root / "one", tower, name="attention", last=2, modules=r"attn\.(qkv|proj)"),
        "everything": make_adapter(
            root / "two", tower, name="everything", last=4, modules=r"(attn|mlp)\.(qkv|proj|fc1|fc2)", patch=1
        ),
    }


def test_branches_of_different_depth_in_one_pass_equal_plain_peft(tower: Tower, folders: dict[str, Path]) -> None:
    from peft import PeftModel

    crops = list(np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8))
    encoder = Encoder(tower, [load_branch(folder, tower) for folder in folders.values()])
    together = encoder.run(crops)
    for name, folder in folders.items():
        plain = PeftModel.from_pretrained(copy.deepcopy(tower.walk.model), str(folder)).eval()
        head = Head(tower.width, 2, 1 if name == "everything" else 0).eval()
        head.load_state_dict(load_file(folder / HEAD))
        with torch.inference_mode():
            tokens = plain.base_model.model.forward_features(tower.tensor(crops))
            logits, patches = head(tokens)
        assert np.abs(together[name].logits - logits.numpy()).max() < 1e-4
        if patches is None:
            assert together[name].patches is None
        else:
            assert np.abs(together[name].patches.reshape(2, 256, 1) - patches.numpy()).max() < 1e-4


def test_loading_a_branch_leaves_the_tower_alone(tower: Tower, folders: dict[str, Path]) -> None:
    images = torch.zeros(1, 3, 224, 224)
    with torch.inference_mode():
        before = tower.walk.finish(tower.trunk(images, 0))
        load_branch(folders["everything"], tower)
        after = tower.walk.finish(tower.trunk(images, 0))
    assert torch.equal(before, after)


def test_a_batch_equals_its_singles(tower: Tower, folders: dict[str, Path]) -> None:
    crops = list(np.random.default_rng(2).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8))
    encoder = Encoder(tower, [load_branch(folders["everything"], tower)])
    batch = encoder.run(crops)["everything"].logits
    singles = np.concatenate([encoder.run([crop])["everything"].logits for crop in crops])
    assert np.abs(batch - singles).max() < 1e-4


def test_no_crops_give_no_rows(tower: Tower, folders: dict[str, Path]) -> None:
    assert Encoder(tower, [load_branch(folders["attention"], tower)]).run([])["attention"].logits.shape == (0, 2)


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders["everything"], tmp_path / "adapter"))


def test_changed_bytes_are_refused(folder: Path, tower: Tower) -> None:
    data = bytearray((folder / ADAPTER).read_bytes())
    data[-1] ^= 1
    (folder / ADAPTER).write_bytes(bytes(data))
    with pytest.raises(WeightsCorrupt, match=ADAPTER):
        load_branch(folder, tower)


@pytest.mark.parametrize("name", [ADAPTER, HEAD, CARD])
def test_missing_files_are_named(folder: Path, tower: Tower, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelUnavailable, match=name):
        load_branch(folder, tower)


def test_another_base_is_refused(folder: Path, tower: Tower) -> None:
    write_card(folder, tower, base={"id": "another", "sha256": "0" * 64}, last_blocks=4, patch_labels=("splice",))
    with pytest.raises(ModelUnavailable, match="another"):
        load_branch(folder, tower)


def test_another_rank_is_refused(folder: Path, tower: Tower) -> None:
    write_card(folder, tower, rank=16, last_blocks=4, patch_labels=("splice",))
    with pytest.raises(ModelUnavailable, match="rank 4"):
        load_branch(folder, tower)


def test_blocks_outside_the_last_ones_are_refused(folder: Path, tower: Tower) -> None:
    write_card(folder, tower, last_blocks=3, patch_labels=("splice",))
    with pytest.raises(ModelUnavailable, match="outside the last 3"):
        load_branch(folder, tower)


def test_a_head_of_another_shape_is_refused(folder: Path, tower: Tower) -> None:
    write_card(folder, tower, last_blocks=4, labels=("a", "b", "c"), patch_labels=("splice",))
    with pytest.raises(ModelUnavailable, match="head"):
        load_branch(folder, tower)


def test_an_unreadable_card_is_refused(folder: Path, tower: Tower) -> None:
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    del card["margin"]
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_branch(folder, tower)


def test_an_adapter_that_was_never_shipped_is_unavailable() -> None:
    with pytest.raises(ModelUnavailable, match="nonsense"):
        shipped("nonsense")
