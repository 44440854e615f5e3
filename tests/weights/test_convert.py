import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from faceagent.errors import WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights import entry, locate
from faceagent.weights.catalog import Conversion, Entry
from faceagent.weights.convert import convert_file, verified_file
from faceagent.weights.sessions import open_session

State = Mapping[str, Tensor]


class Fasnet:
    """MiniFASNet in plain torch, batch norm unfolded: the reference for the written ONNX graph."""

    def __init__(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.w: State = {name.removeprefix("module."): value for name, value in state.items()}

    def norm(self, x: Tensor, name: str) -> Tensor:
        w = self.w
        return F.batch_norm(
            x, w[f"{name}.running_mean"], w[f"{name}.running_var"], w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-5
        )

    def unit(self, x: Tensor, name: str, stride: int = 1, pad: int = 0, depthwise: bool = False) -> Tensor:
        x = F.conv2d(
            x, self.w[f"{name}.conv.weight"], stride=stride, padding=pad, groups=x.shape[1] if depthwise else 1
        )
        x = self.norm(x, f"{name}.bn")
        return F.prelu(x, self.w[f"{name}.prelu.weight"]) if f"{name}.prelu.weight" in self.w else x

    def block(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        x = self.unit(x, f"{name}.conv")
        x = self.unit(x, f"{name}.conv_dw", stride, 1, depthwise=True)
        return self.unit(x, f"{name}.project")

    def residual(self, x: Tensor, name: str) -> Tensor:
        y = self.block(x, name)
        if f"{name}.se_module.fc1.weight" in self.w:
            gate = y.mean(dim=(2, 3), keepdim=True)
            gate = F.relu(self.norm(F.conv2d(gate, self.w[f"{name}.se_module.fc1.weight"]), f"{name}.se_module.bn1"))
            gate = self.norm(F.conv2d(gate, self.w[f"{name}.se_module.fc2.weight"]), f"{name}.se_module.bn2")
            y = y * torch.sigmoid(gate)
        return x + y

    def __call__(self, x: Tensor) -> Tensor:
        x = self.unit(x, "conv1", 2, 1)
        x = self.unit(x, "conv2_dw", 1, 1, depthwise=True)
        for transition, stage, count in (("conv_23", "conv_3", 4), ("conv_34", "conv_4", 6), ("conv_45", "conv_5", 2)):
            x = self.block(x, transition, 2)
            for index in range(count):
                x = self.residual(x, f"{stage}.model.{index}")
        x = self.unit(self.unit(x, "conv_6_sep"), "conv_6_dw", depthwise=True)
        x = self.norm(x.flatten(1) @ self.w["linear.weight"].T, "bn")
        return x @ self.w["prob.weight"].T


@pytest.mark.parametrize("source", ["minifasnet_v2", "minifasnet_v1se"])
def test_minifasnet_as_onnx_equals_torch(source: str, settings: Settings) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (5, 3, 80, 80)).astype(np.float32)
    with torch.inference_mode():
        expected = Fasnet(locate(source, settings))(torch.from_numpy(images)).numpy()
    session = open_session(f"{source}_onnx", settings)
    found = session.run(["logits"], {"image": images})[0]
    assert np.abs(expected).max() > 1, "a dead network would agree with anything"
    np.testing.assert_allclose(found, expected, atol=1e-4)
    single = session.run(["logits"], {"image": images[2:3]})[0]
    np.testing.assert_allclose(single, found[2:3], atol=1e-5)


def dinov2(state: State, x: Tensor) -> Tensor:
    """DINOv2 ViT-S/14 in plain torch: N×3×224×224 → N×256×384 patch tokens after the last norm."""

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (384,), state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-6)

    def linear(x: Tensor, name: str) -> Tensor:
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    x = F.conv2d(x, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=14)
    x = torch.cat([state["cls_token"].expand(len(x), 1, 384), x.flatten(2).transpose(1, 2)], dim=1)
    x = x + state["pos_embed"]
    for index in range(12):
        name = f"blocks.{index}"
        q, k, v = (
            linear(norm(x, f"{name}.norm1"), f"{name}.attn.qkv").reshape(len(x), 257, 3, 6, 64).permute(2, 0, 3, 1, 4)
        )
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(len(x), 257, 384)
        x = x + state[f"{name}.ls1.gamma"] * linear(y, f"{name}.attn.proj")
        y = linear(F.gelu(linear(norm(x, f"{name}.norm2"), f"{name}.mlp.fc1")), f"{name}.mlp.fc2")
        x = x + state[f"{name}.ls2.gamma"] * y
    return norm(x, "norm")[:, 1:]


def test_dinov2_as_safetensors_equals_its_onnx_export(settings: Settings) -> None:
    from safetensors.torch import load_file

    state = load_file(locate("dinov2_vits14_224", settings))
    assert len(state) == 174
    assert state["pos_embed"].shape == (1, 257, 384)
    images = np.random.default_rng(1).normal(0, 1, (2, 3, 224, 224)).astype(np.float32)
    with torch.inference_mode():
        tokens = dinov2(state, torch.from_numpy(images)).transpose(1, 2).reshape(2, 384, 16, 16)
        expected = F.avg_pool2d(tokens, 2).permute(0, 2, 3, 1).numpy()
    found = open_session("dinov2_vits14", settings).run(["output"], {"input": images})[0]
    assert np.abs(found).max() > 1
    np.testing.assert_allclose(expected, found, atol=1e-4)


def copying(version: int = 1) -> Entry:
    return Entry(
        id="copied",
        title="Copied",
        purpose="testing",
        file="copied.txt",
        license="MIT",
        commercial=True,
        training_data="none",
        profiles=("embedded",),
        conversion=Conversion(source="yunet", function="shutil:copyfile", version=version),
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("first")
    return path


def test_a_conversion_is_recorded_and_made_once(source: Path, tmp_path: Path) -> None:
    path = convert_file(copying(), source, tmp_path / "copied")
    assert path.read_text() == "first"
    record = json.loads((tmp_path / "copied" / "copied.txt.json").read_text())
    assert record["source_sha256"] == entry("yunet").sha256 and record["version"] == 1
    source.write_text("changed")
    assert convert_file(copying(), source, tmp_path / "copied").read_text() == "first"


def test_a_new_version_of_the_function_converts_again(source: Path, tmp_path: Path) -> None:
    convert_file(copying(), source, tmp_path / "copied")
    source.write_text("newer")
    assert verified_file(copying(version=2), tmp_path / "copied") is None
    assert convert_file(copying(version=2), source, tmp_path / "copied").read_text() == "newer"


def test_a_file_without_its_record_is_made_again(source: Path, tmp_path: Path) -> None:
    path = convert_file(copying(), source, tmp_path / "copied")
    (tmp_path / "copied" / "copied.txt.json").unlink()
    path.write_text("half a fi")
    assert convert_file(copying(), source, tmp_path / "copied").read_text() == "first"


def test_a_changed_converted_file_is_refused(source: Path, tmp_path: Path) -> None:
    path = convert_file(copying(), source, tmp_path / "copied")
    path.write_text("tampered")
    with pytest.raises(WeightsCorrupt, match="faceagent weights pull copied"):
        convert_file(copying(), source, tmp_path / "copied")
    assert convert_file(copying(), source, tmp_path / "copied", repair=True).read_bytes() == source.read_bytes()


def test_a_conversion_works_from_the_users_own_copy_of_the_source(settings: Settings, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(locate("minifasnet_v2", settings), mine)
    fresh = Settings(cache=tmp_path / "cache", weights=mine, offline=True)
    assert locate("minifasnet_v2_onnx", fresh).parent == tmp_path / "cache" / "weights" / "minifasnet_v2_onnx"
