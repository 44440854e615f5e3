"""Branches against plain PEFT, and every way in which an adapter folder can be wrong."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from faceagent.encoder.branch import CONFIG_FILE, HEAD, AdapterConfig, load_branch, shipped
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.head import Head
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.merge_adapter import ADAPTER, merge_adapter, read_peft_card
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.tower import Tower, load_tower
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights.store import sha256_of
from finetune.detectors.linear import LinearFit
from finetune.detectors.linear_head import write_linear_head


@pytest.fixture(scope="module")
def tower(settings: Settings) -> Tower:
    declare_missing_operators()  # before PEFT is imported, which only the tests do
    return load_tower(settings)


def make_adapter(folder: Path, tower: Tower, *, name: str, last: int, modules: str, patch: int = 0) -> Path:
    """An adapter with random weights, as training writes it."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(len(name) + last)
    blocks = "|".join(str(index) for index in range(tower.depth - last, tower.depth))
    config = LoraConfig(r=4, lora_alpha=8, use_rslora=True, target_modules=rf"blocks\.({blocks})\.{modules}")
    model = get_peft_model(copy.deepcopy(tower.backbone.model), config)
    for key, value in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(value, std=0.05)
    model.save_pretrained(str(folder))
    save_file(Head(tower.width, 2, patch).state_dict(), folder / HEAD)
    write_card(folder, tower, name=name, last_blocks=last, patch_labels=("splice",) * patch)
    return folder


def write_card(folder: Path, tower: Tower, **changes: object) -> None:
    card = {
        "name": "test",
        "version": "0",
        "base": tower.stamp,
        "last_blocks": 2,
        "rank": 4,
        "labels": ("a", "b"),
        "patch_labels": (),
        "margin": 1.3,
        "files": {part: sha256_of(folder / part) for part in (ADAPTER, HEAD)},
    }
    (folder / CONFIG_FILE).write_text(
        AdapterConfig.model_validate({**card, **changes}).model_dump_json(), encoding="utf-8"
    )


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
        plain = PeftModel.from_pretrained(copy.deepcopy(tower.backbone.model), str(folder)).eval()
        head = Head(tower.width, 2, 1 if name == "everything" else 0).eval()
        head.load_state_dict(load_file(folder / HEAD))
        with torch.inference_mode():
            tokens = plain.base_model.model(tower.tensor(crops))
            logits, patches = head(tokens)
        assert np.abs(together[name].logits - logits.numpy()).max() < 1e-4
        if patches is None:
            assert together[name].patches is None
        else:
            assert np.abs(together[name].patches.reshape(2, 256, 1) - patches.numpy()).max() < 1e-4


@pytest.mark.filterwarnings("ignore:Unsupported layer type")
@pytest.mark.parametrize("kind", ["attention", "everything", "norms"])
def test_merged_tensors_are_those_that_peft_merges(
    tower: Tower, folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    from peft import PeftModel

    folder = make_layernorm(tmp_path / kind, tower, 3, (2,)) if kind == "norms" else folders[kind]
    plain = PeftModel.from_pretrained(copy.deepcopy(tower.backbone.model), str(folder))
    expected = plain.merge_and_unload().blocks.state_dict()
    blocks = copy.deepcopy(tower.backbone.blocks)
    with torch.no_grad():
        merge_adapter(folder, read_peft_card(folder), blocks, 0)
    found = blocks.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)
    before = tower.backbone.blocks.state_dict()
    changed = {key for key in found if not torch.equal(found[key], before[key])}
    assert len(changed) == {"attention": 4, "everything": 16, "norms": 12}[kind]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("blocks.11.attn.qkv.lora_magnitude_vector.weight", {}, "changes base_model"),
        ("blocks.11.mlp.act.lora_A.weight", {}, "in a way that is not merged"),
        ("blocks.11.norm1.lora_A.weight", {}, "in a way that is not merged"),
        ("blocks.11.attn.nothing.lora_A.weight", {}, "nothing"),
        (None, {"fan_in_fan_out": True}, "options of LoRA"),
        (None, {"rank_pattern": {"qkv": 2}}, "options of LoRA"),
        (None, {"peft_type": None}, "can be read"),
    ],
)
def test_what_cannot_be_merged_is_refused(
    tower: Tower, folder: Path, name: str | None, options: dict[str, object], words: str
) -> None:
    state = load_file(folder / ADAPTER)
    if name is not None:
        state[f"base_model.model.{name}"] = torch.zeros(4, tower.width)
    save_file(state, folder / ADAPTER)
    card = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps({**card, **options}), encoding="utf-8")
    write_card(folder, tower, last_blocks=4, patch_labels=("splice",))
    with pytest.raises(ModelUnavailable, match=words):
        load_branch(folder, tower)


def test_loading_a_branch_leaves_the_tower_alone(tower: Tower, folders: dict[str, Path]) -> None:
    images = torch.zeros(1, 3, 224, 224)
    with torch.inference_mode():
        before = tower.backbone.finish(tower.frozen_tokens(images, 0))
        load_branch(folders["everything"], tower)
        after = tower.backbone.finish(tower.frozen_tokens(images, 0))
    assert torch.equal(before, after)


def test_a_batch_equals_its_singles(tower: Tower, folders: dict[str, Path]) -> None:
    crops = list(np.random.default_rng(2).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8))
    encoder = Encoder(tower, [load_branch(folders["everything"], tower)], workers=2)
    batch = encoder.run(crops)["everything"].logits
    singles = np.concatenate([encoder.run([crop])["everything"].logits for crop in crops])
    assert np.abs(batch - singles).max() < 1e-4


def test_no_crops_give_no_rows(tower: Tower, folders: dict[str, Path]) -> None:
    assert Encoder(tower, [load_branch(folders["attention"], tower)]).run([])["attention"].logits.shape == (0, 2)


def make_layernorm(folder: Path, tower: Tower, last: int, taps: tuple[int, ...]) -> Path:
    """Tuned LayerNorms of the last blocks, read together with taps of frozen ones."""
    from peft import LNTuningConfig, get_peft_model

    torch.manual_seed(5)
    blocks = "|".join(str(index) for index in range(tower.depth - last, tower.depth))
    config = LNTuningConfig(target_modules=rf"blocks\.({blocks})\.norm\d")
    model = get_peft_model(copy.deepcopy(tower.backbone.model), config)
    for value in model.parameters():
        if value.requires_grad:
            value.data += 0.05 * torch.randn_like(value)
    model.save_pretrained(str(folder))
    save_file(Head(tower.width, 2, 0, tap_features=3 * tower.width * len(taps)).state_dict(), folder / HEAD)
    write_card(folder, tower, name="norms", tuning="layernorm", rank=0, last_blocks=last, taps=taps)
    return folder


@pytest.mark.filterwarnings("ignore:Unsupported layer type")
def test_layernorm_tuning_with_taps_equals_plain_peft(tower: Tower, tmp_path: Path) -> None:
    from peft import PeftModel

    crops = list(np.random.default_rng(3).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8))
    folder = make_layernorm(tmp_path / "norms", tower, 3, (11, 2))
    found = Encoder(tower, [load_branch(folder, tower)]).run(crops)["norms"].logits
    plain = PeftModel.from_pretrained(copy.deepcopy(tower.backbone.model), str(folder)).eval()
    head = Head(tower.width, 2, 0, tap_features=6 * tower.width).eval()
    head.load_state_dict(load_file(folder / HEAD))
    taps = torch.from_numpy(intermediate_features(tower, crops, (11, 2)))
    with torch.inference_mode():
        logits, _ = head(plain.base_model.model(tower.tensor(crops)), taps)
        untuned, _ = head(tower.backbone.finish(tower.frozen_tokens(tower.tensor(crops), 0)), taps)
    assert np.abs(found - logits.numpy()).max() < 1e-4
    assert np.abs(found - untuned.numpy()).max() > 1e-3


def tapped(folder: Path, tower: Tower, taps: tuple[int, ...] = (4, 9)) -> Path:
    rng = np.random.default_rng(7)
    size = 3 * tower.width * len(taps)
    weight, mean, spread = rng.normal(size=(2, size)), rng.normal(size=size), rng.uniform(0.1, 1, size)
    fit = LinearFit(weight, np.array([1.0, 2]), mean, spread)
    write_linear_head(folder, tower, fit, name="tapped", version="0", labels=("a", "b"), taps=taps)
    return folder


def test_a_regression_on_taps_is_stored_exactly_and_runs_beside_deeper_branches(
    tower: Tower, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = tapped(tmp_path / "tapped", tower)
    crops = list(np.random.default_rng(4).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8))
    encoder = Encoder(tower, [load_branch(one, tower) for one in (*folders.values(), folder)])
    state = {key: value.double().numpy() for key, value in load_file(folder / HEAD).items()}
    features = (intermediate_features(tower, crops, (4, 9)) - state["tapped.mean"]) / state["tapped.spread"]
    expected = features @ state["tapped.linear.weight"].T + state["tapped.linear.bias"]
    together = encoder.run(crops)
    assert np.abs(together["tapped"].logits - expected).max() < 1e-2 * np.abs(expected).max()
    for name in encoder.branches:
        assert np.abs(together[name].logits - encoder.run(crops, [name])[name].logits).max() < 1e-4
    assert encoder.branches["tapped"].stamp.sha256 == sha256_of(folder / HEAD)


def test_every_trunk_block_runs_once_and_none_past_the_deepest_tap(
    tower: Tower, folders: dict[str, Path], tmp_path: Path
) -> None:
    counts = [0] * tower.depth
    crops = [np.zeros((224, 224, 3), np.uint8)]
    shallow = load_branch(tapped(tmp_path / "tapped", tower), tower)
    others = [load_branch(folder, tower) for folder in folders.values()]
    hooks = [
        block.register_forward_hook(lambda *_, at=at: counts.__setitem__(at, counts[at] + 1))
        for at, block in enumerate(tower.backbone.blocks)
    ]
    try:
        Encoder(tower, [shallow]).run(crops)
        assert counts == [1] * 9 + [0] * 3
        Encoder(tower, [shallow, *others]).run(crops)
        assert counts == [2] * 9 + [1, 0, 0]
    finally:
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taps": (4, 13)}, "taps block 13"),
        ({"taps": (4,)}, "head of another shape"),
        ({"tuning": "lora", "rank": 4}, "last_blocks"),
        ({"taps": ()}, "needs taps"),
        ({"taps": (4, 4)}, "different numbers"),
        ({"rank": 4}, "rank belongs"),
    ],
)
def test_taps_that_do_not_fit_are_refused(tower: Tower, tmp_path: Path, changes: dict[str, object], words: str) -> None:
    folder = tapped(tmp_path / "tapped", tower)
    card = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    (folder / CONFIG_FILE).write_text(json.dumps({**card, **changes}), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=words):
        load_branch(folder, tower)


def test_an_adapter_of_another_kind_is_refused(folder: Path, tower: Tower) -> None:
    write_card(folder, tower, tuning="layernorm", rank=0, last_blocks=4, patch_labels=("splice",))
    with pytest.raises(ModelUnavailable, match="its branch.json says layernorm"):
        load_branch(folder, tower)


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders["everything"], tmp_path / "adapter"))


def test_changed_bytes_are_refused(folder: Path, tower: Tower) -> None:
    data = bytearray((folder / ADAPTER).read_bytes())
    data[-1] ^= 1
    (folder / ADAPTER).write_bytes(bytes(data))
    with pytest.raises(WeightsCorrupt, match=ADAPTER):
        load_branch(folder, tower)


@pytest.mark.parametrize("name", [ADAPTER, HEAD, CONFIG_FILE])
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
    with pytest.raises(ModelUnavailable, match="outside the blocks 10 to 12"):
        load_branch(folder, tower)


def test_a_head_of_another_shape_is_refused(folder: Path, tower: Tower) -> None:
    write_card(folder, tower, last_blocks=4, labels=("a", "b", "c"), patch_labels=("splice",))
    with pytest.raises(ModelUnavailable, match="head"):
        load_branch(folder, tower)


def test_an_unreadable_card_is_refused(folder: Path, tower: Tower) -> None:
    card = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    del card["margin"]
    (folder / CONFIG_FILE).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_branch(folder, tower)


def test_an_adapter_that_was_never_shipped_is_unavailable() -> None:
    with pytest.raises(ModelUnavailable, match="nonsense"):
        shipped("nonsense")
