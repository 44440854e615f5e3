import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.tower import LARGE, ClipBackbone, Tower, from_file, load_tower
from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.weights import locate


@pytest.fixture(scope="module")
def tower(settings: Settings) -> Tower:
    return load_tower(settings)


def test_the_tower_equals_the_onnx_export(tower: Tower, settings: Settings) -> None:
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32))
    session = onnxruntime.InferenceSession(locate("dinov2_vits14", settings), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"input": images.numpy()})[0]
    with torch.inference_mode():
        tokens = tower.frozen_tokens(images, last=3)
        for block in tower.backbone.blocks[-3:]:
            tokens = block(tokens)
        patches = tower.backbone.finish(tokens)[:, 1:].reshape(1, 16, 16, 384).permute(0, 3, 1, 2)
        pooled = torch.nn.functional.avg_pool2d(patches, 2).permute(0, 2, 3, 1)
    assert np.abs(pooled.numpy() - expected).max() < 1e-4


def test_preprocessing_is_the_catalogued_one(tower: Tower) -> None:
    grey = tower.tensor([np.full((224, 224, 3), 255, np.uint8)])
    assert grey.shape == (1, 3, 224, 224)
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert grey[0, :, 0, 0].tolist() == pytest.approx(expected, abs=1e-5)


def test_nothing_in_the_tower_can_be_trained_by_accident(tower: Tower) -> None:
    assert not any(parameter.requires_grad for parameter in tower.backbone.model.parameters())
    assert not tower.backbone.model.training


def test_open_clips_own_towers_are_walked_like_they_walk_themselves() -> None:
    declare_missing_operators()
    from open_clip.transformer import VisionTransformer

    torch.manual_seed(0)
    visual = (
        VisionTransformer(
            image_size=32, patch_size=8, width=48, layers=3, heads=4, mlp_ratio=2.0, output_dim=24, output_tokens=True
        )
        .eval()
        .requires_grad_(False)
    )
    images = torch.randn(2, 3, 32, 32)
    backbone = ClipBackbone(visual)
    with torch.inference_mode():
        tokens = backbone.stem(images)
        for block in backbone.blocks:
            tokens = block(tokens)
        tokens = backbone.finish(tokens)
        pooled, patches = visual(images)
    assert torch.allclose(tokens[:, 1:], patches, atol=1e-5)
    assert torch.allclose(tokens[:, 0] @ visual.proj, pooled, atol=1e-5)


def test_the_large_tower_is_looked_for_on_this_machine_only(tmp_path: Path) -> None:
    """Law 8: without the file, a request is told so and nothing asks the hub."""
    with pytest.raises(ModelUnavailable, match="open_clip_vit_l_14_openai"):
        load_tower(Settings(profile="gpu", cache=tmp_path, offline=True))


def test_the_large_tower_has_the_activation_of_its_weights() -> None:
    declare_missing_operators()
    import open_clip

    assert open_clip.get_model_config(LARGE)["quick_gelu"] is True


def test_open_clip_weights_are_read_from_a_file_and_others_refused(tmp_path: Path) -> None:
    declare_missing_operators()
    import open_clip
    from safetensors.torch import save_file

    side = {"image_size": 32, "layers": 2, "width": 48, "patch_size": 8, "head_width": 12}
    text = {"context_length": 8, "vocab_size": 32, "width": 16, "heads": 2, "layers": 1}
    config = {"embed_dim": 16, "quick_gelu": True, "vision_cfg": side, "text_cfg": text}
    (tmp_path / "tiny-tower.json").write_text(json.dumps(config), encoding="utf-8")
    open_clip.add_model_config(tmp_path / "tiny-tower.json")
    torch.manual_seed(0)
    model = open_clip.create_model("tiny-tower").eval()
    path = tmp_path / "weights.safetensors"
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, path)
    images = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        found = from_file("tiny-tower", path, torch.device("cpu")).eval()
        assert torch.equal(found(images), model.visual(images))
    save_file({"visual.proj": state["visual.proj"]}, path)
    with pytest.raises(ModelUnavailable, match=r"weights\.safetensors is not a file of"):
        from_file("tiny-tower", path, torch.device("cpu"))
    path.write_bytes(b"not safetensors")
    with pytest.raises(ModelUnavailable, match=r"weights\.safetensors is not a file of"):
        from_file("tiny-tower", path, torch.device("cpu"))
