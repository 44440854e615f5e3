"""Many detectors, one pass: the shared trunk runs once per batch and every branch continues from it."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceagent.encoder.branch import Branch, BranchCard, load_branch, shipped, shipped_cards
from faceagent.encoder.taps import CHUNK
from faceagent.encoder.tower import Tower, load_tower
from faceagent.encoder.trunk import MEMORY, Stops, Trunk
from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.types import WeightStamp


@dataclass(frozen=True)
class Output:
    """``logits``: B×labels. ``patches``: B×grid×grid×patch labels, raw logits, or None."""

    logits: NDArray[np.float32]
    patches: NDArray[np.float32] | None


class Encoder:
    """A tower and its branches, by name. Safe to call from many threads.

    ``trunk`` may be shared between encoders of the same tower; without one, this encoder has its own, without memory.
    ``lanes``: how many parts of a batch are walked side by side, each on a core of its own; 1 where a GPU walks.
    """

    def __init__(self, tower: Tower, branches: Sequence[Branch], trunk: Trunk | None = None, lanes: int = 1) -> None:
        self.tower, self.lanes = tower, lanes
        self.branches: Mapping[str, Branch] = {branch.card.name: branch for branch in branches}
        self.trunk = trunk or Trunk(tower, stops(tower, [branch.card for branch in branches]))

    @property
    def stamps(self) -> tuple[WeightStamp, ...]:
        """Which weights speak: the tower's, and every branch's in the order given."""
        return (self.tower.stamp, *(branch.stamp for branch in self.branches.values()))

    def run(self, crops: Sequence[NDArray[np.uint8]], names: Sequence[str] | None = None) -> dict[str, Output]:
        """Every named branch (default: all) over size×size×3 uint8 RGB crops; one trunk pass for all of them."""
        chosen = [self.branches[name] for name in (self.branches if names is None else names)]
        size = CHUNK if self.lanes == 1 else max(1, min(CHUNK, -(-len(crops) // self.lanes)))
        chunks = [crops[start : start + size] for start in range(0, len(crops), size)]
        with ThreadPoolExecutor(self.lanes, thread_name_prefix="encoder") as pool:
            parts = list(pool.map(lambda chunk: self._pass(chunk, chosen), chunks))
        return {
            branch.card.name: _joined(branch, [part[branch.card.name] for part in parts], self.tower.grid)
            for branch in chosen
        }

    def _pass(
        self, crops: Sequence[NDArray[np.uint8]], branches: Sequence[Branch]
    ) -> dict[str, tuple[Tensor, Tensor | None]]:
        """One batch: every frozen block runs at most once, whatever the branches' depths."""
        wanted = stops(self.tower, [branch.card for branch in branches])
        with torch.inference_mode():
            tokens, pooled = self.trunk.reach(crops, max(wanted.starts | wanted.taps))
            return {branch.card.name: branch(tokens.get(branch.start), pooled) for branch in branches}


def stops(tower: Tower, cards: Sequence[BranchCard]) -> Stops:
    """Where branches with these cards leave the tower's trunk, and where they tap it."""
    return Stops(
        starts=frozenset(tower.depth - card.last_blocks for card in cards if card.last_blocks),
        taps=frozenset(tap for card in cards for tap in card.taps),
    )


def _joined(branch: Branch, parts: Sequence[tuple[Tensor, Tensor | None]], grid: int) -> Output:
    if not parts:
        return Output(np.zeros((0, len(branch.card.labels)), np.float32), None)
    logits = torch.cat([logits for logits, _ in parts]).cpu().numpy()
    maps = [patches for _, patches in parts if patches is not None]
    if not maps:
        return Output(logits, None)
    joined = torch.cat(maps).cpu().numpy()
    return Output(logits, joined.reshape(len(joined), grid, grid, -1))


_guard = threading.Lock()


def _options(settings: Settings) -> str:
    """The settings that decide which trunk it is, as a key."""
    return settings.model_dump_json(include={"profile", "cache", "weights", "offline", "threads", "device"})


def load_encoder(settings: Settings, names: tuple[str, ...]) -> Encoder:
    """An encoder with these shipped branches; built once per process. Raises ModelUnavailable.

    Tower, branches and trunk are shared by all encoders of the process: tools that look at the same crops, one after
    the other or at once, walk the trunk once.
    """
    with _guard:
        options = _options(settings)
        trunk = _trunk(options)
        lanes = settings.workers if trunk.tower.device.type == "cpu" else 1
        return Encoder(trunk.tower, [_branch(options, name) for name in names], trunk, lanes)


def shared_tokens(
    crops: Sequence[NDArray[np.uint8]], block: int, base: WeightStamp, settings: Settings
) -> tuple[NDArray[np.float32], int]:
    """B×P×W patch tokens of size×size×3 uint8 RGB crops after ``block`` blocks of the shared trunk, and its grid.

    Raises ModelUnavailable when the tower cannot be had, is not ``base``, or its trunk does not stop at ``block``.
    """
    with _guard:
        trunk = _trunk(_options(settings))
    if trunk.tower.stamp != base or block not in trunk.stops.starts:
        raise ModelUnavailable(f"{trunk.tower.stamp.id} is not the tower {base.id}, or keeps no tokens at {block}.")
    with torch.inference_mode():
        tokens, _ = trunk.reach(crops, block)
    return tokens[block][:, 1:].float().cpu().numpy(), trunk.tower.grid


@cache
def _trunk(options: str) -> Trunk:
    tower = load_tower(Settings.model_validate_json(options))
    return Trunk(tower, stops(tower, shipped_cards(tower)), MEMORY)


@cache
def _branch(options: str, name: str) -> Branch:
    return load_branch(shipped(name), _trunk(options).tower)
