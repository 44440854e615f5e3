"""The frozen blocks of the tower, run once for several tools that read the same crops.

Keeps the states of the last few batches of crops, by their digest, up to the depth reached. The same batch continues
from there, in any thread: of two tools that need it at the same time, one waits for the other. Tools that skip
different faces of a picture have different batches and share nothing.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from faceagent.encoder.head import picture_feature
from faceagent.encoder.tower import Tower

MEMORY = 64
"""Crops whose states one process keeps: about 0.4 MB each per depth kept, with the embedded tower."""


class KeptBlocks(NamedTuple):
    """Blocks, counted from 1, after which tokens (``starts``) or pooled features (``taps``) are kept."""

    starts: frozenset[int]
    taps: frozenset[int]


@dataclass
class ForwardState:
    """The state of one batch: ``latest`` are the tokens after ``depth`` blocks."""

    count: int
    latest: Tensor | None = None
    depth: int = 0
    tokens: dict[int, Tensor] = field(default_factory=dict)
    pooled: dict[int, Tensor] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class SharedBackbone:
    """A tower that keeps the states of at most ``memory`` crops; with 0 it keeps none."""

    def __init__(self, tower: Tower, kept: KeptBlocks, memory: int = 0) -> None:
        self.tower, self.kept, self.memory = tower, kept, memory
        self._guard = threading.Lock()
        self._states: OrderedDict[bytes, ForwardState] = OrderedDict()

    def forward(
        self, crops: Sequence[NDArray[np.uint8]], depth: int
    ) -> tuple[Mapping[int, Tensor], Mapping[int, Tensor]]:
        """Tokens (B×(1+P)×W) and pooled features (B×3W) of every kept block up to ``depth`` blocks.

        Call inside inference mode; crops are size×size×3 uint8 RGB.
        """
        state = self._state(crops)
        with state.lock:
            self._advance(state, crops, depth)
            return dict(state.tokens), dict(state.pooled)

    def _state(self, crops: Sequence[NDArray[np.uint8]]) -> ForwardState:
        if len(crops) > self.memory:
            return ForwardState(len(crops))
        digest = hashlib.blake2b(digest_size=16)
        for crop in crops:
            digest.update(np.ascontiguousarray(crop).data)
        key = digest.digest()
        with self._guard:
            state = self._states.setdefault(key, ForwardState(len(crops)))
            self._states.move_to_end(key)
            while sum(one.count for one in self._states.values()) > self.memory:
                self._states.popitem(last=False)
            return state

    def _advance(self, state: ForwardState, crops: Sequence[NDArray[np.uint8]], depth: int) -> None:
        if state.latest is None:
            state.latest = self.tower.backbone.stem(self.tower.tensor(list(crops)))
            self._keep(state)
        for block in self.tower.backbone.blocks[state.depth : depth]:
            state.latest = block(state.latest)
            state.depth += 1
            self._keep(state)

    def _keep(self, state: ForwardState) -> None:
        if state.latest is None:
            return
        if state.depth in self.kept.starts:
            state.tokens[state.depth] = state.latest
        if state.depth in self.kept.taps:
            state.pooled[state.depth] = picture_feature(state.latest)
