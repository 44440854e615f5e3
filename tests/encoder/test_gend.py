"""GenD's checkpoint: the same logits as its own layout gives, and other files refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from faceagent.encoder.gend import GenD, gend_from, load_gend
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings

SIDE, WIDTH, DEPTH, HEADS, PROJECTED = 32, 48, 3, 4, 16
MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny open_clip model of the large one's kind."""
    declare_missing_operators()
    import open_clip

    side = {"image_size": SIDE, "layers": DEPTH, "width": WIDTH, "patch_size": 8, "head_width": WIDTH // HEADS}
    text = {"context_length": 8, "vocab_size": 32, "width": 16, "heads": 2, "layers": 1}
    config = {"embed_dim": PROJECTED, "quick_gelu": True, "vision_cfg": side, "text_cfg": text}
    path = tmp_path_factory.mktemp("config") / "tiny-gend.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    open_clip.add_model_config(path)
    return "tiny-gend"


@pytest.fixture(scope="module")
def published() -> tuple[torch.nn.Module, dict[str, Tensor]]:
    """Hugging Face's CLIP vision model with nothing left as it starts, and its tensors as the checkpoint names them."""
    declare_missing_operators()
    from transformers import CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        image_size=SIDE,
        patch_size=8,
        hidden_act="quick_gelu",
    )
    model = CLIPVisionModel(config).eval().requires_grad_(False)
    for value in model.parameters():
        value += 0.1 * torch.randn_like(value)
    inner = {key.removeprefix("vision_model."): value for key, value in model.state_dict().items()}
    state = {f"feature_extractor.vision_model.{key}": value.clone() for key, value in inner.items()}
    state["feature_extractor.visual_projection.weight"] = torch.randn(PROJECTED, WIDTH)
    state["model.linear.weight"], state["model.linear.bias"] = torch.randn(2, WIDTH), torch.randn(2)
    return model, state


def _loaded(path: Path, name: str) -> GenD:
    return gend_from(path, name, MEAN, STD, torch.device("cpu"))


def test_logits_are_those_of_the_published_layout(
    name: str, published: tuple[torch.nn.Module, dict[str, Tensor]], tmp_path: Path
) -> None:
    model, state = published
    save_file(state, tmp_path / "model.safetensors")
    gend = _loaded(tmp_path / "model.safetensors", name)
    crops = list(np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8))
    with torch.inference_mode():
        feature = functional.normalize(model(gend.tower.tensor(crops)).pooler_output, dim=-1)
        want = feature @ state["model.linear.weight"].T + state["model.linear.bias"]
    np.testing.assert_allclose(gend(crops), want.numpy(), atol=1e-4)
    assert gend([]).shape == (0, 2)


@pytest.mark.parametrize(
    "lost", ["model.linear.weight", "feature_extractor.vision_model.encoder.layers.1.layer_norm1.bias"]
)
def test_a_checkpoint_with_a_part_missing_is_refused(
    name: str, published: tuple[torch.nn.Module, dict[str, Tensor]], tmp_path: Path, lost: str
) -> None:
    state = {key: value for key, value in published[1].items() if key != lost}
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ModelUnavailable, match="not a GenD checkpoint"):
        _loaded(tmp_path / "model.safetensors", name)


def test_without_the_file_it_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="gend_clip_l_14"):
        load_gend(Settings(profile="gpu", cache=tmp_path, offline=True))
