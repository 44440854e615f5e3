"""``python -m finetune.detectors.occlusion.train --data DIR``: the occlusion head, and what it does on a new kind.

One logistic regression on patch tokens says whether a patch is covered, one softmax regression by what. Before they
are fitted on everything, each kind of object is left out of a fit and found by it, on sources that the fit did not
see; the one-class distance (Mahalanobis, uncovered faces only) stands beside it. ``calibrate`` sets the lines.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from evals.data.held_out import is_held_out
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.crop import SCALE
from faceagent.encoder.occlusion import CARD, HEAD, OcclusionCard
from faceagent.encoder.tower import Tower, load_tower
from faceagent.settings import Settings
from faceagent.types import OCCLUDERS, PARTS
from faceagent.weights.store import sha256_of
from finetune.data.sources import faces_of
from finetune.detectors.linear import LinearFit, softmax_regression
from finetune.detectors.linear_head import ADAPTERS
from finetune.detectors.occlusion.data import CLEAN, Rows, encode, examples, load, save

VERSION = "1.0.0"
BLOCK = 8
"""Blocks of the tower below the head. Out of 4, 6, 8 and 10: found of a kind left out, at 2 % of uncovered patches,
hands 44, 70, 89, 94 %, sunglasses 76, 87, 89, 91 %. The shared backbone stops at 8 anyway, for the forgery branch."""
COUNTS = {
    "fairface_train_4k": 420,
    "frll_london": 92,
    "sfhq_t2i_tiles": 100,
    "muxspace_expressions": 160,
    "sfhq_tiles": 25,
}
"""Faces per set."""
OBJECTS = 1
STRENGTH = 1e-3
MOST = 24_000
"""Patches of one fit, covered and uncovered in equal parts."""
IN_FACE = 0.3
"""Share of a patch that lies in some part of the face from which it takes part."""
COVERED, UNCOVERED = 0.5, 0.1
"""Cover from which a patch counts as covered, and up to which as uncovered; what lies between is left out."""
FALSE_ALARMS = 0.02
Reals = NDArray[np.floating]


def patches(rows: Rows, chosen: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """M×W tokens of the chosen rows' patches and what covers each ("none": nothing), as many of either."""
    rng = np.random.default_rng(seed)
    face = rows.parts.max(axis=1) > IN_FACE
    found = []
    for state in (rows.cover > COVERED, rows.cover < UNCOVERED):
        places = np.argwhere(state & face & chosen[:, None])
        count = min(len(places), MOST // 2)
        found.append(places[rng.choice(len(places), count, replace=False)])
    covered, uncovered = found
    where = np.concatenate([covered, uncovered])
    kinds = np.concatenate([rows.kind[covered[:, 0]], np.full(len(uncovered), CLEAN)])
    return rows.tokens[where[:, 0], where[:, 1]].astype(np.float32), kinds


def fit(tokens: NDArray[np.float32], kinds: NDArray[np.str_]) -> tuple[LinearFit, LinearFit]:
    """The fit of covered or not (one output), and that of the kinds (one output per ``OCCLUDERS``)."""
    both = softmax_regression(tokens, (kinds != CLEAN).astype(np.int64), 2, STRENGTH)
    covered = LinearFit(both.weight[1:] - both.weight[:1], both.bias[1:] - both.bias[:1], both.mean, both.spread)
    objects = kinds != CLEAN
    numbers = np.array([OCCLUDERS.index(kind) for kind in kinds[objects]], dtype=np.int64)
    named = softmax_regression(tokens[objects], numbers, len(OCCLUDERS), STRENGTH)
    return covered, named


def one_class(tokens: Reals, uncovered: Reals) -> Reals:
    """Squared Mahalanobis distance of M×W tokens from uncovered ones, with a ridge of a hundredth."""
    mean, spread = uncovered.mean(axis=0), np.cov(uncovered.T)
    spread = spread + 0.01 * np.trace(spread) / len(spread) * np.eye(len(spread))
    centred = tokens - mean
    return np.asarray((centred * np.linalg.solve(spread, centred.T).T).sum(axis=1))


def left_out(rows: Rows, held_out: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """Per kind left out of the fit: AUC and share found at ``FALSE_ALARMS``, by the fit and by the distance."""
    table: dict[str, dict[str, float]] = {}
    for kind in OCCLUDERS:
        tokens, kinds = patches(rows, ~held_out & (rows.kind != kind), seed=0)
        covered, _ = fit(tokens, kinds)
        seen, truth = patches(rows, held_out & np.isin(rows.kind, [kind, CLEAN]), seed=1)
        row: dict[str, float] = {}
        scores = {"fit": covered(seen)[:, 0], "one_class": one_class(seen, tokens[kinds == CLEAN])}
        for name, score in scores.items():
            line = np.quantile(score[truth == CLEAN], 1 - FALSE_ALARMS)
            row[f"{name}_auc"] = two_sample_auc(score[truth != CLEAN], score[truth == CLEAN])
            row[f"{name}_found"] = float((score[truth != CLEAN] > line).mean())
        table[kind] = row
    return table


def write(folder: Path, tower: Tower, covered: LinearFit, named: LinearFit) -> None:
    """The adapter folder, with lines at one half until ``calibrate`` has set them."""
    folder.mkdir(parents=True, exist_ok=True)
    # Both fits are stored on the first one's standardisation.
    scale = covered.spread / named.spread
    weight = np.concatenate([covered.weight, named.weight * scale])
    bias = np.concatenate([covered.bias, named.bias + named.weight @ ((covered.mean - named.mean) / named.spread)])
    state = {"mean": covered.mean, "spread": covered.spread, "weight": weight.T, "bias": bias}
    save_file({name: np.ascontiguousarray(value, dtype=np.float32) for name, value in state.items()}, folder / HEAD)
    card = OcclusionCard(
        name="occlusion",
        version=VERSION,
        base=tower.stamp,
        block=BLOCK,
        margin=SCALE,
        labels=OCCLUDERS,
        limits={part: 0.5 for part in PARTS},
        files={HEAD: sha256_of(folder / HEAD)},
    )
    (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Encode the examples unless the run's folder holds them, print what is found of a kind left out, fit, write."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.occlusion.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs/occlusion"), help="where faces and rows are kept")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / "occlusion")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings = Settings()
    tower = load_tower(settings)
    cache = options.runs / "rows.npz"
    if not cache.is_file():
        rng = np.random.default_rng(options.seed)
        faces = []
        for name, count in COUNTS.items():
            found = faces_of(name, {name: Path(options.data) / name}, options.runs / "faces", settings)
            faces += [found[index] for index in sorted(rng.permutation(len(found))[:count])]
        save(encode(examples(faces, tower.grid, OBJECTS, options.seed), tower, BLOCK), cache)
    rows = load(cache)
    held_out = np.array([is_held_out(str(source)) for source in rows.source])
    print(json.dumps(left_out(rows, held_out), indent=1))
    write(options.adapter, tower, *fit(*patches(rows, ~held_out, options.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
