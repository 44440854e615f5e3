"""Many detectors, one pass: the shared trunk runs once per batch and every branch continues from it."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceagent.encoder.branch import Branch, load_branch, shipped
from faceagent.encoder.head import picture_feature
from faceagent.encoder.taps import CHUNK
from faceagent.encoder.tower import Tower, load_tower
from faceagent.settings import Settings


@dataclass(frozen=True)
class Output:
    """``logits``: B×labels. ``patches``: B×grid×grid×patch labels, raw logits, or None."""

    logits: NDArray[np.float32]
    patches: NDArray[np.float32] | None


class Encoder:
    """A tower and its branches, by name. Safe to call from many threads: nothing changes after construction."""

    def __init__(self, tower: Tower, branches: Sequence[Branch]) -> None:
        self.tower = tower
        self.branches: Mapping[str, Branch] = {branch.card.name: branch for branch in branches}

    def run(self, crops: Sequence[NDArray[np.uint8]], names: Sequence[str] | None = None) -> dict[str, Output]:
        """Every named branch (default: all) over size×size×3 uint8 RGB crops; one trunk pass for all of them."""
        chosen = [self.branches[name] for name in (self.branches if names is None else names)]
        parts: dict[str, list[tuple[Tensor, Tensor | None]]] = {branch.card.name: [] for branch in chosen}
        with torch.inference_mode():
            for start in range(0, len(crops), CHUNK):
                images = self.tower.tensor(list(crops[start : start + CHUNK]))
                for name, result in self._pass(images, chosen).items():
                    parts[name].append(result)
        return {branch.card.name: _joined(branch, parts[branch.card.name], self.tower.grid) for branch in chosen}

    def _pass(self, images: Tensor, branches: Sequence[Branch]) -> dict[str, tuple[Tensor, Tensor | None]]:
        """One batch: every frozen block runs once, and leaves what a branch starts from or taps."""
        starts = {branch.start for branch in branches if branch.blocks}
        taps = {tap for branch in branches for tap in branch.card.taps}
        tokens: dict[int, Tensor] = {}
        pooled: dict[int, Tensor] = {}
        for number, found in self.tower.steps(images, max(starts | taps)):
            if number in starts:
                tokens[number] = found
            if number in taps:
                pooled[number] = picture_feature(found)
        return {branch.card.name: branch(tokens.get(branch.start), pooled) for branch in branches}


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


def load_encoder(settings: Settings, names: tuple[str, ...]) -> Encoder:
    """The shared encoder with these shipped branches; built once per process. Raises ModelUnavailable."""
    with _guard:
        return _built(settings.model_dump_json(include={"profile", "cache", "weights", "offline", "threads"}), names)


@cache
def _built(options: str, names: tuple[str, ...]) -> Encoder:
    settings = Settings.model_validate_json(options)
    tower = load_tower(settings)
    return Encoder(tower, [load_branch(shipped(name), tower) for name in names])
