"""Many detectors, one forward pass: the frozen backbone runs once per batch and every branch continues from it."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from torch import Tensor

from faceagent.encoder.branch import (
    AdapterConfig,
    Branch,
    first_block,
    load_branch,
    read_config,
    shipped,
    shipped_configs,
)
from faceagent.encoder.head_card import CARD
from faceagent.encoder.intermediate_features import CHUNK
from faceagent.encoder.shared_backbone import MEMORY, KeptBlocks, SharedBackbone
from faceagent.encoder.torch_state import computing
from faceagent.encoder.tower import EMBEDDED, Tower, load_tower
from faceagent.errors import ModelUnavailable
from faceagent.per_process import ProcessLock
from faceagent.settings import Settings
from faceagent.types import WeightStamp
from faceagent.weights import stamp

T = TypeVar("T")


class TokenCard(BaseModel):
    """What ``card.json`` of every head on patch tokens says, whatever else it says."""

    base: WeightStamp
    block: int


@dataclass(frozen=True)
class Output:
    """``logits``: B×labels. ``patches``: B×grid×grid×patch labels, raw logits, or None."""

    logits: NDArray[np.float32]
    patches: NDArray[np.float32] | None


class Encoder:
    """A tower and its branches, by name. Safe to call from many threads.

    ``shared`` may be used by several encoders of the same tower; without one, this encoder has its own, without memory.
    ``workers``: number of parts of a batch that run in parallel, each on one core; 1 on a GPU.
    """

    def __init__(
        self, tower: Tower, branches: Sequence[Branch], shared: SharedBackbone | None = None, workers: int = 1
    ) -> None:
        self.tower, self.workers = tower, workers
        self.branches: Mapping[str, Branch] = {branch.config.name: branch for branch in branches}
        self.shared = shared or SharedBackbone(tower, kept_blocks(tower, [branch.config for branch in branches]))

    @property
    def stamps(self) -> tuple[WeightStamp, ...]:
        """The weights in use: the tower's, and every branch's in the order given."""
        return (self.tower.stamp, *(branch.stamp for branch in self.branches.values()))

    def run(self, crops: Sequence[NDArray[np.uint8]], names: Sequence[str] | None = None) -> dict[str, Output]:
        """Every named branch (default: all) over size×size×3 uint8 RGB crops; one backbone pass for all of them."""
        chosen = [self.branches[name] for name in (self.branches if names is None else names)]
        parts = _in_parts(lambda part: self._pass(part, chosen), crops, self.tower, self.workers)
        return {
            branch.config.name: _joined(branch, [part[branch.config.name] for part in parts], self.tower.grid)
            for branch in chosen
        }

    def _pass(
        self, crops: Sequence[NDArray[np.uint8]], branches: Sequence[Branch]
    ) -> dict[str, tuple[Tensor, Tensor | None]]:
        """One batch: every frozen block runs at most once, whatever the branches' depths."""
        wanted = kept_blocks(self.tower, [branch.config for branch in branches])
        with computing(self.tower.threads):
            tokens, pooled = self.shared.forward(crops, max(wanted.starts | wanted.taps))
            return {branch.config.name: branch(tokens.get(branch.start), pooled) for branch in branches}


def _in_parts(
    work: Callable[[Sequence[NDArray[np.uint8]]], T], crops: Sequence[NDArray[np.uint8]], tower: Tower, workers: int
) -> list[T]:
    """``work`` on parts of a batch, ``workers`` at a time, in order.

    On a processor one crop is a part: see SharedBackbone, a crop's scores do not depend on the others of its batch.
    """
    size = 1 if tower.device.type == "cpu" else CHUNK
    parts = [crops[start : start + size] for start in range(0, len(crops), size)]
    with ThreadPoolExecutor(workers, thread_name_prefix="encoder") as pool:
        return list(pool.map(work, parts))


def _workers(tower: Tower, settings: Settings) -> int:
    return settings.workers if tower.device.type == "cpu" else 1


def kept_blocks(tower: Tower, configs: Sequence[AdapterConfig]) -> KeptBlocks:
    """The blocks whose tokens or pooled features these branches need."""
    return KeptBlocks(
        starts=frozenset(first_block(one, tower.depth) for one in configs if one.last_blocks),
        taps=frozenset(tap for one in configs for tap in one.taps),
    )


def token_blocks(tower: Tower) -> frozenset[int]:
    """The blocks whose tokens are read by shipped heads on patches (``card.json``) that were made for this tower.

    A card that cannot be read is left out: its own head is then refused by name.
    """
    read = []
    for card in Path(str(resources.files("faceagent.encoder").joinpath("adapters"))).glob(f"*/{CARD}"):
        with suppress(ValidationError):
            read.append(TokenCard.model_validate_json(card.read_bytes()))
    return frozenset(card.block for card in read if card.base == tower.stamp)


def _joined(branch: Branch, parts: Sequence[tuple[Tensor, Tensor | None]], grid: int) -> Output:
    if not parts:
        return Output(np.zeros((0, len(branch.config.labels)), np.float32), None)
    logits = torch.cat([logits for logits, _ in parts]).cpu().numpy()
    maps = [patches for _, patches in parts if patches is not None]
    if not maps:
        return Output(logits, None)
    joined = torch.cat(maps).cpu().numpy()
    return Output(logits, joined.reshape(len(joined), grid, grid, -1))


_guard = ProcessLock()


def load_encoder(settings: Settings, names: tuple[str, ...]) -> Encoder:
    """An encoder with these shipped branches of one tower; built once per process. Raises ModelUnavailable.

    Tower, branches and backbone are shared by all encoders of the process: for tools that read the same crops, one
    after the other or in parallel, the frozen blocks run once.
    """
    with _guard:
        options = settings.loading
        towers = {tower_name(settings, read_config(shipped(name)).base) for name in names} or {settings.tower}
        if len(towers) > 1:
            raise ModelUnavailable(f"The branches {', '.join(names)} belong to several towers: {sorted(towers)}.")
        (tower,) = towers
        shared = _shared_backbone(options, tower)
        branches = [_branch(options, tower, name) for name in names]
        return Encoder(shared.tower, branches, shared, _workers(shared.tower, settings))


def tower_name(settings: Settings, base: WeightStamp) -> str:
    """Id of the tower's weights that an adapter made for ``base`` runs on, with these settings.

    The profile's tower, unless the adapter was made for another one that the profile has; whether it fits is for
    ``load_branch`` to say.
    """
    others = (name for name in EMBEDDED if settings.tower in EMBEDDED and stamp(name) == base)
    return next(others, settings.tower)


def shared_tower(settings: Settings) -> Tower:
    """The profile's tower, which all encoders of the process share. Raises ModelUnavailable."""
    with _guard:
        return _shared_backbone(settings.loading, settings.tower).tower


def shared_tokens(
    crops: Sequence[NDArray[np.uint8]], block: int, base: WeightStamp, settings: Settings
) -> tuple[NDArray[np.float32], int]:
    """B×(1+P)×W tokens, class token first, of size×size×3 uint8 RGB crops after ``block`` blocks; the tower's grid.

    Raises ModelUnavailable when the tower is unavailable, is not ``base``, or keeps no tokens at ``block``.
    """
    shared = backbone_with_tokens(block, base, settings)

    def tokens_of(part: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        with computing(shared.tower.threads):
            return shared.forward(part, block)[0][block].float().cpu().numpy()

    found = _in_parts(tokens_of, crops, shared.tower, _workers(shared.tower, settings))
    return np.concatenate(found), shared.tower.grid


def backbone_with_tokens(block: int, base: WeightStamp, settings: Settings) -> SharedBackbone:
    """The process's backbone of the tower ``base``, which keeps tokens at ``block``. Raises ModelUnavailable."""
    with _guard:
        shared = _shared_backbone(settings.loading, tower_name(settings, base))
    if shared.tower.stamp != base or block not in shared.kept.starts:
        raise ModelUnavailable(f"{shared.tower.stamp.id} is not the tower {base.id}, or keeps no tokens at {block}.")
    return shared


@cache
def _shared_backbone(options: str, name: str) -> SharedBackbone:
    tower = load_tower(Settings.model_validate_json(options), name)
    kept = kept_blocks(tower, shipped_configs(tower))
    return SharedBackbone(tower, kept._replace(starts=kept.starts | token_blocks(tower)), MEMORY)


@cache
def _branch(options: str, tower: str, name: str) -> Branch:
    return load_branch(shipped(name), _shared_backbone(options, tower).tower)
