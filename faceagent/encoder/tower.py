"""The vision towers, split into stem, blocks and final norm.

Knows how to load DINOv2 ViT-S/14 and CLIP ViT-B/16 (embedded profile) and open_clip's ViT-L-14 (gpu profile) from the
catalogued files, and how both kinds of tower run block by block. Knows nothing of adapters and heads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from faceagent.encoder.torch_state import computing, loading
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.vit import Shape, VisionTransformer
from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.types import WeightStamp
from faceagent.weights import entry, locate, stamp
from faceagent.weights.store import sha256_of

DINOV2, CLIP = "dinov2_vits14_224", "clip_vitb16"
EMBEDDED = (DINOV2, CLIP)
LARGE = "ViT-L-14-quickgelu"
"""OpenAI's weights were trained with QuickGELU; open_clip's plain ViT-L-14 only warns and computes another function."""


class Backbone(Protocol):
    """One family of vision transformers, block by block: B×3×S×S in, B×(1+P)×W tokens (class token first) out."""

    model: nn.Module
    blocks: nn.ModuleList

    def stem(self, images: Tensor) -> Tensor:
        """Pictures to the tokens that the first block takes."""
        ...

    def finish(self, tokens: Tensor) -> Tensor:
        """Tokens of the last block, normalised."""
        ...


@dataclass(frozen=True)
class ClipBackbone:
    """open_clip's own VisionTransformer (ViT-L-14 and its kin)."""

    model: Any

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer blocks, first to last."""
        return self.model.transformer.resblocks  # type: ignore[no-any-return]

    def stem(self, images: Tensor) -> Tensor:
        """Patches with class token and positions, after the first LayerNorm."""
        return self.model._embeds(images)  # type: ignore[no-any-return]

    def finish(self, tokens: Tensor) -> Tensor:
        """The final LayerNorm; the projection to CLIP's joint space is not used."""
        return self.model.ln_post(tokens)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Tower:
    """A frozen tower with its preprocessing. ``grid``: patches per side; ``fingerprint`` names base and width."""

    backbone: Backbone
    stamp: WeightStamp
    size: int
    grid: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    device: torch.device
    threads: int = 1
    """Threads inside one forward pass on the CPU."""

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return len(self.backbone.blocks)

    def tensor(self, crops: list[NDArray[np.uint8]]) -> Tensor:
        """size×size×3 uint8 RGB crops as one normalised float batch on the tower's device."""
        batch = torch.from_numpy(np.stack(crops)).to(self.device).permute(0, 3, 1, 2).float() / 255
        mean = torch.tensor(self.mean, dtype=torch.float32, device=self.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float32, device=self.device).view(1, 3, 1, 1)
        return (batch - mean) / std

    def frozen_tokens(self, images: Tensor, last: int) -> Tensor:
        """Tokens before the last ``last`` blocks, which every branch shares."""
        *_, (_, tokens) = self.steps(images, self.depth - last)
        return tokens

    def steps(self, images: Tensor, last: int) -> Iterator[tuple[int, Tensor]]:
        """Number of blocks passed, and the tokens there: from 0 (the stem) to ``last``, each block run once."""
        tokens = self.backbone.stem(images)
        yield 0, tokens
        for number, block in enumerate(self.backbone.blocks[:last], start=1):
            tokens = block(tokens)
            yield number, tokens


def load_tower(settings: Settings, name: str | None = None) -> Tower:
    """The tower with the weights ``name``, by default that of the settings' profile.

    Raises ModelUnavailable when its weights are unavailable or are not those of such a tower.
    """
    with loading(settings.threads):
        chosen = settings.tower if name is None else name
        tower = _embedded(settings, chosen) if chosen in _SHAPES else _large(settings)
    return replace(tower, threads=settings.threads)


def _embedded(settings: Settings, name: str) -> Tower:
    from safetensors.torch import load_file

    path = locate(name, settings)
    with torch.device("meta"):  # random weights would take longer to draw than the file to read
        model = VisionTransformer(_SHAPES[name])
    try:
        model.load_state_dict(load_file(path), assign=True)
    except (RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"{path.name} is not a file of the tower {name}: {error}",
            remedy=f"Run `faceagent weights pull {name}`.",
        ) from error
    how = entry(name).preprocess
    mean, std = (tuple(float(x) for x in how[key]) for key in ("mean", "std"))  # type: ignore[union-attr, arg-type]
    return tower_of(_frozen(model), stamp(name), 224, mean, std, torch.device("cpu"))


def _large(settings: Settings) -> Tower:
    item = entry(settings.tower)
    path = locate(item.id, settings)
    device = torch.device(settings.device if torch.cuda.is_available() else "cpu")
    mean, std = (tuple(float(x) for x in item.preprocess[key]) for key in ("mean", "std"))  # type: ignore[union-attr, arg-type]
    visual = from_file(LARGE, path, device)
    # The catalogue has no hash for this file: the stamp names the file that the user confirmed.
    mark = WeightStamp(id=item.id, sha256=sha256_of(path))
    return tower_of(ClipBackbone(_frozen(visual)), mark, visual.image_size[0], mean, std, device)


def from_file(name: str, path: Path, device: torch.device) -> Any:
    """The image side of the open_clip model ``name`` with the weights at ``path``; uses no network.

    Raises ModelUnavailable when the file is not that model's.
    """
    declare_missing_operators()
    import open_clip

    try:
        return open_clip.create_model(name, pretrained=str(path), device=device).visual
    except (RuntimeError, KeyError, ValueError, OSError, SafetensorError) as error:
        raise ModelUnavailable(
            f"{path.name} is not a file of open_clip's {name}: {error}",
            remedy="Download it again, or use FACEAGENT_PROFILE=embedded.",
        ) from error


def tower_of(
    backbone: Any, mark: WeightStamp, size: int, mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> Tower:
    """The backbone as a tower; grid and width are measured on its tokens."""
    with computing(1):
        tokens = backbone.stem(torch.zeros(1, 3, size, size, dtype=torch.float32, device=device))
    grid = round((tokens.shape[1] - 1) ** 0.5)
    return Tower(
        backbone=backbone,
        stamp=mark,
        size=size,
        grid=grid,
        width=tokens.shape[2],
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        device=device,
    )


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(False)


_SHAPES = {
    DINOV2: Shape(patch=14, width=384, heads=6, epsilon=1e-6, clip=False),
    CLIP: Shape(patch=16, width=768, heads=12, epsilon=1e-5, clip=True),
}
"""The towers of the embedded profile, by the id of their weights."""
