"""The sentence encoder with low-rank adapters in its upper layers, in torch, to train them together with the heads.

The weights are those of the 4-bit file, read as floats and kept as they are; each linear layer from ``FIRST_ADAPTED``
on gets ``x down up`` added (LoRA, Hu et al. 2021). The layers below are the same for every pass, so their output is
computed once. In the product onnxruntime runs the same layers at four bits, with the adapters as inputs of the graph.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceagent.weights.e5 import (
    BLOCK,
    CONTEXT,
    FIRST_ADAPTED,
    HEADS,
    LAYERS,
    LINEARS,
    RANK,
    WIDTH,
    Tensors,
    read_file,
    unpack,
)

EPSILON = 1e-12
TOGETHER = 64
"""Texts that go through the layers below together."""
Layer = dict[str, Tensor]


def dequantised(raw: NDArray[np.uint8], inputs: int) -> Tensor:
    """A matrix of the 4-bit file as floats, (rows, inputs)."""
    packed, scales = unpack(raw, inputs)
    integers = np.empty((*packed.shape[:2], BLOCK), np.float32)
    integers[..., 0::2], integers[..., 1::2] = packed & 0x0F, packed >> 4
    return torch.from_numpy(((integers - 8) * scales[..., None]).reshape(len(packed), inputs))


class Lower:
    """Embedding and the layers without adapters."""

    def __init__(self, path: Path) -> None:
        """Read the 4-bit file."""
        self.tensors: Tensors = read_file(path).tensors
        self.words = dequantised(self.tensors["emb.word"], WIDTH)
        self.places = self._floats("emb.pos").reshape(CONTEXT, WIDTH) + self._floats("emb.type")[:WIDTH]
        self.layers = [self._layer(number) for number in range(LAYERS)]

    def _floats(self, name: str) -> Tensor:
        return torch.from_numpy(np.frombuffer(self.tensors[name].tobytes(), "<f4").astype(np.float32))

    def _layer(self, number: int) -> Layer:
        found: Layer = {}
        for part, (inputs, _) in LINEARS.items():
            found[f"{part}.w"] = dequantised(self.tensors[f"l{number}.{part}.w"], inputs)
            found[f"{part}.b"] = self._floats(f"l{number}.{part}.b")
        for part in ("aln", "oln"):
            found[f"{part}.w"], found[f"{part}.b"] = (self._floats(f"l{number}.{part}.{end}") for end in ("w", "b"))
        return found

    @torch.no_grad()
    def states(self, texts: Sequence[Sequence[int]]) -> list[Tensor]:
        """What goes into the first adapted layer, (tokens, 384) in half precision, for the tokens of each text."""
        found: dict[int, Tensor] = {}
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for start in range(0, len(order), TOGETHER):
            rows = order[start : start + TOGETHER]
            x, mask = pad([self._embedded(texts[row]) for row in rows])
            for layer in self.layers[:FIRST_ADAPTED]:
                x = run_layer(x, mask, layer, None, 0.0)
            found |= {row: x[at, : len(texts[row])].half() for at, row in enumerate(rows)}
        return [found[row] for row in range(len(texts))]

    def _embedded(self, ids: Sequence[int]) -> Tensor:
        x = self.words[torch.tensor(ids)] + self.places[: len(ids)]
        return functional.layer_norm(x, (WIDTH,), self._floats("emb.ln.w"), self._floats("emb.ln.b"), EPSILON)


def run_layer(x: Tensor, mask: Tensor, layer: Layer, adapter: Layer | None, dropout: float) -> Tensor:
    """One layer of BERT; ``x`` (batch, tokens, 384), ``mask`` (batch, tokens) true for tokens."""

    def linear(value: Tensor, part: str) -> Tensor:
        found = functional.linear(value, layer[f"{part}.w"], layer[f"{part}.b"])
        if adapter is None:
            return found
        value = functional.dropout(value, dropout)
        return found + value @ adapter[f"{part}_down"] @ adapter[f"{part}_up"]

    def split(value: Tensor) -> Tensor:
        return value.reshape(*value.shape[:2], HEADS, WIDTH // HEADS).transpose(1, 2)

    query, key, value = (split(linear(x, part)) for part in ("q", "k", "v"))
    attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
    attended = linear(attended.transpose(1, 2).flatten(-2), "ao")
    x = functional.layer_norm(x + attended, (WIDTH,), layer["aln.w"], layer["aln.b"], EPSILON)
    inner = linear(functional.gelu(linear(x, "fi")), "fo")
    return functional.layer_norm(x + inner, (WIDTH,), layer["oln.w"], layer["oln.b"], EPSILON)


class Upper(nn.Module):
    """The adapted layers and the mean over tokens."""

    def __init__(self, lower: Lower, dropout: float) -> None:
        """Adapters that change nothing yet."""
        super().__init__()
        self.layers, self.dropout = lower.layers[FIRST_ADAPTED:], dropout
        self.adapters: list[Layer] = []
        for number, _ in enumerate(self.layers, FIRST_ADAPTED):
            pairs: Layer = {}
            for part, (inputs, outputs) in LINEARS.items():
                pairs[f"{part}_down"] = nn.Parameter(torch.randn(inputs, RANK) / inputs**0.5)
                pairs[f"{part}_up"] = nn.Parameter(torch.zeros(RANK, outputs))
            for name, value in pairs.items():
                self.register_parameter(f"l{number}_{name}", nn.Parameter(value))
            self.adapters.append({name: self.get_parameter(f"l{number}_{name}") for name in pairs})

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Sentence vectors of length 1, (batch, 384)."""
        dropout = self.dropout if self.training else 0.0
        for layer, adapter in zip(self.layers, self.adapters, strict=True):
            x = run_layer(x, mask, layer, adapter, dropout)
        weight = mask[..., None].float()
        return functional.normalize((x * weight).sum(1) / weight.sum(1), dim=-1)

    def matrices(self) -> dict[str, NDArray[np.float32]]:
        """The adapters by the names that the graph gives its inputs."""
        found: dict[str, NDArray[np.float32]] = {}
        for number, adapter in enumerate(self.adapters, FIRST_ADAPTED):
            for name, value in adapter.items():
                found["l{}.{}".format(number, name.replace("_", "."))] = value.detach().numpy()
        return found


def pad(states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """States of several texts in one batch, with the mask of their tokens."""
    length = max(len(one) for one in states)
    batch = torch.zeros(len(states), length, WIDTH)
    mask = torch.zeros(len(states), length, dtype=torch.bool)
    for row, one in enumerate(states):
        batch[row, : len(one)], mask[row, : len(one)] = one.float(), True
    return batch, mask
