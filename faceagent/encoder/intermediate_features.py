"""Pooled features of intermediate frozen blocks ("taps"), the same in training and in a branch.

Knows how tokens become features and in which order several blocks are concatenated. Knows no head and no label.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceagent.encoder.head import picture_feature
from faceagent.encoder.torch_state import computing
from faceagent.encoder.tower import Tower

CHUNK = 32
"""Crops per forward pass; more is not faster and costs memory."""


def concatenate_features(pooled: Mapping[int, Tensor], taps: Sequence[int]) -> Tensor:
    """B×(taps·3W): the pooled features of these blocks, in the order of ``taps``."""
    return torch.cat([pooled[tap] for tap in taps], dim=-1)


def intermediate_features(tower: Tower, crops: Sequence[NDArray[np.uint8]], taps: Sequence[int]) -> NDArray[np.float32]:
    """N×(taps·3W) features of size×size×3 uint8 RGB crops; ``taps`` count blocks from 1, before the final norm.

    The tower stops after the deepest tap.
    """
    rows: list[NDArray[np.float32]] = []
    with computing(tower.threads):
        for start in range(0, len(crops), CHUNK):
            pooled: dict[int, Tensor] = {}
            for number, tokens in tower.steps(tower.tensor(list(crops[start : start + CHUNK])), max(taps)):
                if number in taps:
                    pooled[number] = picture_feature(tokens.float())
            rows.append(concatenate_features(pooled, taps).cpu().numpy())
    return np.concatenate(rows) if rows else np.zeros((0, len(taps) * 3 * tower.width), np.float32)
