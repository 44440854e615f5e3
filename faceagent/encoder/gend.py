"""GenD, a published deepfake detector (Yermakov et al. 2025): CLIP ViT-L/14 with every LayerNorm tuned, ready to use.

Knows how its file names the tensors (Hugging Face's CLIP vision model, and a probe on the unit-length class token) and
what open_clip calls them. Its first LayerNorm is tuned too, so it shares no blocks with other branches and is a tower
of its own. Its logits are those of its training set, FaceForensics++; they are not calibrated here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceagent.encoder.intermediate_features import CHUNK
from faceagent.encoder.torch_state import computing, loading
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.tower import LARGE, ClipBackbone, Tower, tower_of
from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.types import WeightStamp
from faceagent.weights import entry, locate
from faceagent.weights.store import sha256_of

GEND = "gend_clip_l_14"
LABELS = ("real", "fake")
_VISION = "feature_extractor.vision_model."
_NAMES = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "pre_layrnorm.": "ln_pre.",
    "post_layernorm.": "ln_post.",
}
_IN_BLOCK = {
    "layer_norm1.": "ln_1.",
    "layer_norm2.": "ln_2.",
    "mlp.fc1.": "mlp.c_fc.",
    "mlp.fc2.": "mlp.c_proj.",
    "self_attn.out_proj.": "attn.out_proj.",
}


@dataclass(frozen=True)
class GenD:
    """A tower and a probe of ``weight`` (2×W) and ``bias`` (2)."""

    tower: Tower
    weight: Tensor
    bias: Tensor

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """N×2 logits, real and fake, of size×size×3 uint8 RGB crops."""
        rows = [np.zeros((0, len(LABELS)), np.float32)]
        with computing(self.tower.threads):
            for start in range(0, len(crops), CHUNK):
                tokens = self.tower.frozen_tokens(self.tower.tensor(list(crops[start : start + CHUNK])), 0)
                feature = functional.normalize(self.tower.backbone.finish(tokens)[:, 0], dim=-1)
                rows.append((feature @ self.weight.T + self.bias).cpu().numpy())
        return np.concatenate(rows)


def load_gend(settings: Settings) -> GenD:
    """The catalogued checkpoint on the settings' device. Raises ModelUnavailable when its file is unavailable."""
    path = locate(GEND, settings)
    device = torch.device(settings.device if torch.cuda.is_available() else "cpu")
    how = entry(GEND).preprocess
    mean, std = (tuple(float(x) for x in how[key]) for key in ("mean", "std"))  # type: ignore[union-attr, arg-type]
    with loading(settings.threads):
        found = gend_from(path, LARGE, mean, std, device)
    return replace(found, tower=replace(found.tower, threads=settings.threads))


def gend_from(path: Path, name: str, mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> GenD:
    """The checkpoint at ``path`` around open_clip's model ``name``. Raises ModelUnavailable for another file."""
    declare_missing_operators()
    import open_clip
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    visual: Any = open_clip.create_model(name, pretrained=None, device=device).visual
    try:
        state = load_file(path)
        weight, bias = state["model.linear.weight"], state["model.linear.bias"]
        visual.load_state_dict(renamed(state))
    except (KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"{path.name} is not a GenD checkpoint for {name}: {error}", remedy="Download it again."
        ) from error
    mark = WeightStamp(id=GEND, sha256=sha256_of(path))
    frozen = visual.eval().requires_grad_(False)
    tower = tower_of(ClipBackbone(frozen), mark, frozen.image_size[0], mean, std, device)
    return GenD(tower, weight.to(device), bias.to(device))


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image side's tensors under open_clip's names. Raises KeyError when one is missing."""
    found: dict[str, Tensor] = {"proj": state["feature_extractor.visual_projection.weight"].T}
    parts = {key.removeprefix(_VISION): value for key, value in state.items() if key.startswith(_VISION)}
    for key, value in parts.items():
        block = re.match(r"encoder\.layers\.(\d+)\.(.+)", key)
        if block is None:
            old = next((old for old in _NAMES if key.startswith(old)), None)
            if old is not None:
                found[key.replace(old, _NAMES[old])] = value
            continue
        stem, inner = f"transformer.resblocks.{block[1]}.", block[2]
        joined = re.match(r"self_attn\.q_proj\.(weight|bias)", inner)
        if joined:
            three = [parts[key.replace("q_proj", f"{one}_proj")] for one in "qkv"]
            found[f"{stem}attn.in_proj_{joined[1]}"] = torch.cat(three)
        elif old := next((old for old in _IN_BLOCK if inner.startswith(old)), None):
            found[stem + inner.replace(old, _IN_BLOCK[old])] = value
    return found
