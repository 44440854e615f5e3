"""The head of a branch: from tokens to one row of logits per picture and one per patch.

A head reads the branch's own last tokens, pooled features of frozen blocks ("taps"), or both. The picture's
feature is class token, mean and spread of the patch tokens, each L2-normalised; the patch logits also feed the
picture's, through the mean of the strongest few, so that a small forged spot is not averaged away. Knows no label
and no calibration.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

STRONGEST = 8
"""Patches whose mean logit enters the picture's logits: about the area of one eye."""
PARTS = 3
"""Vectors of the tower's width in one picture feature."""


class TapHead(nn.Module):
    """A linear layer over standardised tap features, so that a regression fitted elsewhere is stored as it is."""

    mean: Tensor
    spread: Tensor

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.linear = nn.Linear(features, outputs)

    def forward(self, taps: Tensor) -> Tensor:
        """B×features (all taps concatenated) to B×outputs."""
        result: Tensor = self.linear((taps - self.mean) / self.spread)
        return result


class Head(nn.Module):
    """``outputs`` logits per picture; ``patch_outputs`` logits per patch, or none.

    ``own`` says whether the branch's own tokens are read, ``tap_features`` how many numbers all taps give together.
    """

    def __init__(
        self, width: int, outputs: int, patch_outputs: int, *, own: bool = True, tap_features: int = 0
    ) -> None:
        super().__init__()
        self.pooled = nn.Linear(PARTS * width, outputs) if own else None
        if own:
            self.scale = nn.Parameter(torch.tensor(8.0))
        self.patch = nn.Linear(width, patch_outputs) if patch_outputs else None
        self.strongest = nn.Linear(patch_outputs, outputs, bias=False) if patch_outputs else None
        self.tapped = TapHead(tap_features, outputs) if tap_features else None

    def forward(self, tokens: Tensor | None, taps: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """B×(1+P)×W normalised own tokens and B×features of the taps to B×outputs, and B×P×patch_outputs or None.

        What the head does not read may be None.
        """
        parts: list[Tensor] = []
        patches: Tensor | None = None
        if self.pooled is not None and tokens is not None:
            parts.append(self.pooled(self.scale * picture_feature(tokens)))
        if self.patch is not None and self.strongest is not None and tokens is not None:
            patches = self.patch(tokens[:, 1:])
            parts.append(self.strongest(patches.topk(STRONGEST, dim=1).values.mean(dim=1)))
        if self.tapped is not None and taps is not None:
            parts.append(self.tapped(taps))
        return torch.stack(parts).sum(dim=0), patches


def picture_feature(tokens: Tensor) -> Tensor:
    """B×3W: class token, mean and standard deviation of the patches, each of unit length."""
    patches = tokens[:, 1:]
    parts = (tokens[:, 0], patches.mean(dim=1), patches.std(dim=1))
    return torch.cat([functional.normalize(part, dim=-1) for part in parts], dim=-1)


def head_from(state: Mapping[str, Tensor]) -> Head:
    """The head that these tensors describe. Raises KeyError or RuntimeError when they describe none."""
    own, patch, tapped = (state.get(f"{part}.weight") for part in ("pooled", "patch", "tapped.linear"))
    first = tapped if own is None else own
    if first is None:
        raise KeyError("pooled.weight")
    head = Head(
        0 if own is None else own.shape[1] // PARTS,
        first.shape[0],
        0 if patch is None else patch.shape[0],
        own=own is not None,
        tap_features=0 if tapped is None else tapped.shape[1],
    )
    head.load_state_dict(dict(state))
    return head
