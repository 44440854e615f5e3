"""What sits on a branch: tokens in, one row of logits per picture and one per patch.

The picture's feature is class token, mean and spread of the patch tokens, each L2-normalised; the patch logits also
feed the picture's, through the mean of the strongest few, so that a small forged spot is not averaged away. Knows
no label and no calibration.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

STRONGEST = 8
"""Patches whose mean logit the picture's logits see: about the area of one eye."""


class Head(nn.Module):
    """``outputs`` logits per picture; ``patch_outputs`` logits per patch, or none."""

    def __init__(self, width: int, outputs: int, patch_outputs: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(8.0))
        self.pooled = nn.Linear(3 * width, outputs)
        self.patch = nn.Linear(width, patch_outputs) if patch_outputs else None
        self.strongest = nn.Linear(patch_outputs, outputs, bias=False) if patch_outputs else None

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor | None]:
        """B×(1+P)×W normalised tokens to B×outputs, and B×P×patch_outputs or None."""
        logits = self.pooled(self.scale * picture_feature(tokens))
        if self.patch is None or self.strongest is None:
            return logits, None
        patches = self.patch(tokens[:, 1:])
        top = patches.topk(STRONGEST, dim=1).values.mean(dim=1)
        return logits + self.strongest(top), patches


def picture_feature(tokens: Tensor) -> Tensor:
    """B×3W: class token, mean and standard deviation of the patches, each of unit length."""
    patches = tokens[:, 1:]
    parts = (tokens[:, 0], patches.mean(dim=1), patches.std(dim=1))
    return torch.cat([functional.normalize(part, dim=-1) for part in parts], dim=-1)


def head_from(state: Mapping[str, Tensor]) -> Head:
    """The head that these tensors describe. Raises KeyError or RuntimeError when they describe none."""
    outputs, features = state["pooled.weight"].shape
    patch = state.get("patch.weight")
    head = Head(features // 3, outputs, 0 if patch is None else patch.shape[0])
    head.load_state_dict(dict(state))
    return head
