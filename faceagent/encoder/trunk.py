"""The frozen trunk, walked once for several tools that look at the same crops.

Knows which depths any branch leaves at or taps, and remembers the last few batches of crops, by their digest, up to
the depth that was reached. A batch met again continues from there, in whichever thread: two tools that ask at once
wait for one walk. Tools that leave out different faces of a picture have different batches and share nothing.
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
"""Crops that the shared trunk of a process remembers: about 0.4 MB each per depth kept, with the embedded tower."""


class Stops(NamedTuple):
    """What is kept along the way: tokens at ``starts``, pooled features at ``taps``; numbers of blocks passed."""

    starts: frozenset[int]
    taps: frozenset[int]


@dataclass
class Walk:
    """One batch on its way: ``front`` are the tokens after ``at`` blocks."""

    count: int
    front: Tensor | None = None
    at: int = 0
    tokens: dict[int, Tensor] = field(default_factory=dict)
    pooled: dict[int, Tensor] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Trunk:
    """A tower with a bounded memory of batches; ``memory`` 0 forgets each at once."""

    def __init__(self, tower: Tower, stops: Stops, memory: int = 0) -> None:
        self.tower, self.stops, self.memory = tower, stops, memory
        self._guard = threading.Lock()
        self._walks: OrderedDict[bytes, Walk] = OrderedDict()

    def reach(
        self, crops: Sequence[NDArray[np.uint8]], depth: int
    ) -> tuple[Mapping[int, Tensor], Mapping[int, Tensor]]:
        """Tokens (B×(1+P)×W) and pooled features (B×3W) at every stop up to ``depth`` blocks.

        Call inside inference mode; crops are size×size×3 uint8 RGB.
        """
        walk = self._remembered(crops)
        with walk.lock:
            self._advance(walk, crops, depth)
            return dict(walk.tokens), dict(walk.pooled)

    def _remembered(self, crops: Sequence[NDArray[np.uint8]]) -> Walk:
        if len(crops) > self.memory:
            return Walk(len(crops))
        digest = hashlib.blake2b(digest_size=16)
        for crop in crops:
            digest.update(np.ascontiguousarray(crop).data)
        key = digest.digest()
        with self._guard:
            walk = self._walks.setdefault(key, Walk(len(crops)))
            self._walks.move_to_end(key)
            while sum(one.count for one in self._walks.values()) > self.memory:
                self._walks.popitem(last=False)
            return walk

    def _advance(self, walk: Walk, crops: Sequence[NDArray[np.uint8]], depth: int) -> None:
        if walk.front is None:
            walk.front = self.tower.walk.stem(self.tower.tensor(list(crops)))
            self._keep(walk)
        for block in self.tower.walk.blocks[walk.at : depth]:
            walk.front = block(walk.front)
            walk.at += 1
            self._keep(walk)

    def _keep(self, walk: Walk) -> None:
        if walk.front is None:
            return
        if walk.at in self.stops.starts:
            walk.tokens[walk.at] = walk.front
        if walk.at in self.stops.taps:
            walk.pooled[walk.at] = picture_feature(walk.front)
