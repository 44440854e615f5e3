"""A vision transformer with timm's arithmetic and timm's names of tensors, without timm.

timm imports torchvision, and open_clip, which would host it, transformers: together they take four times as long to
import as torch, which every command that looks at a face would wait for. The tests compare every token with timm's.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """What distinguishes one tower from another. ``size`` and ``patch`` are px, ``width`` numbers per token."""

    patch: int
    width: int
    heads: int
    epsilon: float
    """Of every LayerNorm."""
    clip: bool
    """CLIP's kind: a LayerNorm before the blocks, QuickGELU, no scales. Otherwise DINOv2's."""
    size: int = 224
    depth: int = 12


class VisionTransformer(nn.Module):
    """Stem, blocks and final norm; B×3×S×S pictures in, B×(1+P)×W normalised tokens out, class token first."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.patch_embed = PatchEmbed(shape)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (shape.size // shape.patch) ** 2, width))
        self.norm_pre = nn.LayerNorm(width, shape.epsilon) if shape.clip else nn.Identity()
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(width, shape.epsilon)

    @property
    def model(self) -> nn.Module:
        """What is trained, copied and frozen as one: itself."""
        return self

    def stem(self, images: Tensor) -> Tensor:
        """Patches with class token and positions."""
        patches = self.patch_embed(images)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches], dim=1)
        return self.norm_pre(tokens + self.pos_embed)  # type: ignore[no-any-return]

    def finish(self, tokens: Tensor) -> Tensor:
        """The final LayerNorm."""
        return self.norm(tokens)  # type: ignore[no-any-return]

    def forward(self, images: Tensor) -> Tensor:
        """The normalised tokens of the last block."""
        tokens = self.stem(images)
        for block in self.blocks:
            tokens = block(tokens)
        return self.finish(tokens)


class PatchEmbed(nn.Module):
    """One linear map from the pixels of every patch to a token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, shape.width, shape.patch, shape.patch, bias=not shape.clip)

    def forward(self, images: Tensor) -> Tensor:
        """B×3×S×S to B×P×W, top row first."""
        return self.proj(images).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention and MLP, each after a LayerNorm and added to its input; B×N×W tokens in and out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.width, shape.epsilon)
        self.attn = Attention(shape.width, shape.heads)
        self.ls1 = nn.Identity() if shape.clip else LayerScale(shape.width)
        self.norm2 = nn.LayerNorm(shape.width, shape.epsilon)
        self.mlp = Mlp(shape.width, QuickGELU() if shape.clip else nn.GELU())
        self.ls2 = nn.Identity() if shape.clip else LayerScale(shape.width)

    def forward(self, tokens: Tensor) -> Tensor:
        """The tokens after this block."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Self-attention with one matrix for query, key and value, which LoRA can reach as a plain linear layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """B×N×W to B×N×W."""
        batch, count, width = tokens.shape
        split = self.qkv(tokens).reshape(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*split.unbind(0))
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, width))  # type: ignore[no-any-return]


class Mlp(nn.Module):
    """Two linear layers, four times the width between them."""

    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.act = activation
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """B×N×W to B×N×W."""
        return self.fc2(self.act(self.fc1(tokens)))  # type: ignore[no-any-return]


class LayerScale(nn.Module):
    """One factor per number of a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        """The scaled tokens."""
        return tokens * self.gamma


class QuickGELU(nn.Module):
    """The activation that OpenAI trained CLIP with."""

    def forward(self, values: Tensor) -> Tensor:
        """Each value x times sigmoid(1.702 x)."""
        return values * torch.sigmoid(1.702 * values)
