"""The frozen blocks of the tower, run once for several tools that read the same crops.

Keeps the states of the last few crops, by their digest, up to the depth reached. A crop continues from there, in any
thread and whatever batch it comes in: of two tools that need it at the same time, one waits for the other, and tools
that skip different faces of a picture still share the rest.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceagent.encoder.head import picture_feature
from faceagent.encoder.tower import Tower
from faceagent.per_process import PerProcess, ProcessLock

MEMORY = 64
"""Crops whose states one process keeps: about 0.4 MB each per depth kept, with the embedded tower."""


class KeptBlocks(NamedTuple):
    """Blocks, counted from 1, after which tokens (``starts``) or pooled features (``taps``) are kept."""

    starts: frozenset[int]
    taps: frozenset[int]


@dataclass
class ForwardState:
    """The state of one crop: ``latest`` are its tokens (1×(1+P)×W) after ``depth`` blocks."""

    latest: Tensor | None = None
    depth: int = 0
    tokens: dict[int, Tensor] = field(default_factory=dict)
    pooled: dict[int, Tensor] = field(default_factory=dict)
    lock: ProcessLock = field(default_factory=ProcessLock)


class _States(OrderedDict[bytes, ForwardState]):
    """States by digest, the last used one last."""


class SharedBackbone:
    """A tower that keeps the states of at most ``memory`` crops; with 0 it keeps none."""

    def __init__(self, tower: Tower, kept: KeptBlocks, memory: int = 0) -> None:
        self.tower, self.kept, self.memory = tower, kept, memory
        self._guard = ProcessLock()
        # In a forked child none: a state that another thread was advancing would stay half advanced there.
        self._states = PerProcess(_States)

    def forward(
        self, crops: Sequence[NDArray[np.uint8]], depth: int
    ) -> tuple[Mapping[int, Tensor], Mapping[int, Tensor]]:
        """Tokens (B×(1+P)×W) and pooled features (B×3W) of every kept block up to ``depth`` blocks.

        Call inside inference mode; crops are size×size×3 uint8 RGB.
        """
        if not crops:
            return {}, {}
        keys = [hashlib.blake2b(np.ascontiguousarray(crop).data, digest_size=16).digest() for crop in crops]
        states = self._states_of(keys)
        with ExitStack() as locks:
            # In one order for everybody: two threads that share crops must not wait for each other.
            for key in sorted(states):
                locks.enter_context(states[key].lock)
            self._advance(dict(zip(keys, crops, strict=True)), states, depth)
            rows = [states[key] for key in keys]
            tokens = {one: torch.cat([row.tokens[one] for row in rows]) for one in _common(row.tokens for row in rows)}
            pooled = {one: torch.cat([row.pooled[one] for row in rows]) for one in _common(row.pooled for row in rows)}
        return tokens, pooled

    def _states_of(self, keys: Sequence[bytes]) -> dict[bytes, ForwardState]:
        """The state of every crop, remembered or new; new ones of a batch beyond the memory are not remembered."""
        with self._guard:
            remembered = self._states.get()
            if len(keys) > self.memory:
                return {key: remembered.get(key) or ForwardState() for key in keys}
            states = {}
            for key in keys:
                states[key] = remembered.setdefault(key, ForwardState())
                remembered.move_to_end(key)
            while len(remembered) > self.memory:
                remembered.popitem(last=False)
            return states

    def _advance(
        self, crops: Mapping[bytes, NDArray[np.uint8]], states: Mapping[bytes, ForwardState], depth: int
    ) -> None:
        """Take every state to ``depth`` blocks."""
        for group in self._groups([key for key, state in states.items() if state.latest is None]):
            stem = self.tower.backbone.stem(self.tower.tensor([crops[key] for key in group]))
            self._keep([states[key] for key in group], stem)
        for reached in range(min(state.depth for state in states.values()), depth):
            for group in self._groups([key for key, state in states.items() if state.depth == reached]):
                behind = [states[key] for key in group]
                batch = torch.cat([state.latest for state in behind if state.latest is not None])
                for state in behind:
                    state.depth += 1
                self._keep(behind, self.tower.backbone.blocks[reached](batch))

    def _groups(self, keys: list[bytes]) -> Iterator[list[bytes]]:
        """These crops all together on a GPU, one by one on a processor.

        Matrix products of a batch differ from those of its rows in the last digits, and a picture must have the same
        scores whatever pictures are analysed with it. A processor gains nothing from a batch of pictures.
        """
        size = 1 if self.tower.device.type == "cpu" else max(1, len(keys))
        for start in range(0, len(keys), size):
            yield keys[start : start + size]

    def _keep(self, states: Sequence[ForwardState], tokens: Tensor) -> None:
        """Give every state its row of B×(1+P)×W tokens after the block that it has reached."""
        pooled = picture_feature(tokens) if states[0].depth in self.kept.taps else None
        for row, state in enumerate(states):
            # A copy: a view would keep the whole batch alive.
            state.latest = tokens[row : row + 1].clone()
            if state.depth in self.kept.starts:
                state.tokens[state.depth] = state.latest
            if pooled is not None:
                state.pooled[state.depth] = pooled[row : row + 1].clone()


def _common(kept: Iterable[Mapping[int, Tensor]]) -> list[int]:
    """The blocks that every state has kept."""
    first, *rest = kept
    return sorted(set(first).intersection(*rest))
