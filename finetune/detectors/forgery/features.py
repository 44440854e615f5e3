"""The feature cache of the pairs: only the last blocks train, so their input is computed once.

A cache is three files in one folder: ``tokens.npy`` (float16, picture × token × width), ``rows.npz`` (labels, masks on
the patch grid, spectra) and ``done.json`` with the fingerprint of its inputs. Two consecutive rows are a pair. A
finished cache with the same fingerprint is used again.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track

from faceagent.encoder.regions import REGIONS, patch_cover
from faceagent.encoder.tower import Tower
from finetune.data.precision import autocast
from finetune.detectors.forgery.data import ForgeryHalf

PAIRS_AT_A_TIME = 8
Column = NDArray[np.generic] | np.generic


@dataclass(frozen=True)
class FeatureCache:
    """The rows of a cache; strings and flags have one entry per row.

    Attributes:
        tokens: N×(1+P)×W input of the trained blocks.
        mask: N×P share of foreign pixels per patch.
        regions: N×6×P share of each patch that a region covers.
    """

    tokens: NDArray[np.float16]
    mask: NDArray[np.float16]
    regions: NDArray[np.float16]
    forged: NDArray[np.bool_]
    maker: NDArray[np.str_]
    held_out: NDArray[np.bool_]
    origin: NDArray[np.str_]
    source: NDArray[np.str_]
    profile: NDArray[np.float32]

    def pairs(self, *, held_out: bool) -> NDArray[np.int64]:
        """Row indices of the untouched halves on one side of the split."""
        first = np.arange(0, len(self.forged), 2)
        return np.asarray(first[self.held_out[first] == held_out], dtype=np.int64)


def load_or_build(
    folder: Path, pairs: Iterable[tuple[ForgeryHalf, ForgeryHalf]], count: int, tower: Tower, start: int, mark: str
) -> FeatureCache:
    """The features of ``count`` pairs after ``start`` blocks, from ``folder`` when its fingerprint is ``mark``.

    Otherwise they are computed and stored there.
    """
    done = folder / "done.json"
    if not done.is_file() or json.loads(done.read_text(encoding="utf-8")) != mark:
        folder.mkdir(parents=True, exist_ok=True)
        _compute(folder, pairs, count, tower, start)
        done.write_text(json.dumps(mark), encoding="utf-8")
    return load_features(folder)


def load_features(folder: Path) -> FeatureCache:
    """A finished cache; the tokens are memory-mapped."""
    rows = np.load(folder / "rows.npz")
    return FeatureCache(tokens=np.load(folder / "tokens.npy", mmap_mode="r"), **{key: rows[key] for key in rows.files})


def _compute(
    folder: Path, pairs: Iterable[tuple[ForgeryHalf, ForgeryHalf]], count: int, tower: Tower, start: int
) -> None:
    shape = (2 * count, tower.grid**2 + 1, tower.width)
    tokens = open_memmap(folder / "tokens.npy", mode="w+", dtype=np.float16, shape=shape)
    rows: list[dict[str, Column]] = []
    pending = iter(pairs)
    for _ in track(range(-(-count // PAIRS_AT_A_TIME)), description="trunk features"):
        batch = list(islice(pending, PAIRS_AT_A_TIME))
        halves = [half for pair in batch for half in pair]
        with torch.inference_mode(), autocast(tower.device):
            *_, (_, found) = tower.steps(tower.tensor([half.record.pixels for half in halves]), start)
        tokens[len(rows) : len(rows) + len(halves)] = found.half().cpu().numpy()
        rows += [_row(half, tower.grid) for half in halves]
    tokens.flush()
    columns = {key: np.stack([np.asarray(row[key]) for row in rows]) for key in rows[0]}
    np.savez(folder / "rows.npz", allow_pickle=False, **columns)


def _row(half: ForgeryHalf, grid: int) -> dict[str, Column]:
    record = half.record
    cover = np.stack([patch_cover(half.regions[name], grid).ravel() for name in REGIONS])
    return {
        "mask": patch_cover(record.mask, grid).ravel().astype(np.float16),
        "regions": cover.astype(np.float16),
        "forged": np.bool_(record.label == "splice"),
        "maker": np.str_(half.maker),
        "held_out": np.bool_(half.held_out),
        "origin": np.str_(record.origin),
        "source": np.str_(record.source),
        "profile": half.profile.astype(np.float32),
    }


def pair_batches(rows: NDArray[np.int64], size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Endless batches of ``size`` pairs as row indices: untouched and forged half; every pair once per epoch."""
    while True:
        order = rng.permutation(rows)
        for start in range(0, len(order) - size + 1, size):
            first = order[start : start + size]
            yield np.stack([first, first + 1], axis=1).ravel()
