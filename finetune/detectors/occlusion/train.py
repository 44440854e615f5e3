"""``python -m finetune.detectors.occlusion.train --data DIR``: the occlusion head, and what it does on a new kind.

On patch tokens one logistic regression says whether a patch is covered, one softmax regression by what, and one which
part of a face it shows. Before they are fitted on everything, each kind of object is left out of a fit and found by it,
patch by patch and part by part, on sources that the fit did not see; the one-class distance (Mahalanobis, uncovered
faces only) stands beside it. ``calibrate`` sets the limits.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from evals.data.held_out import is_held_out
from evals.data.synthesis.located_faces import LocatedFace
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.crop import SCALE
from faceagent.encoder.head_card import CARD, HEAD
from faceagent.encoder.occlusion import OcclusionCard
from faceagent.encoder.tower import Tower, load_tower
from faceagent.settings import Settings
from faceagent.types import OCCLUDERS, PARTS
from faceagent.weights.store import sha256_of
from finetune.data.sources import faces_of
from finetune.detectors.linear import LinearFit, softmax_regression
from finetune.detectors.linear_head import ADAPTERS
from finetune.detectors.occlusion.data import CLEAN, CUT, Rows, encode, examples, load, save

VERSION = "2.0.0"
BLOCK = 8
"""Blocks of the tower below the head. Out of 4, 6, 8 and 10: found of a kind left out, at 2 % of uncovered patches,
hands 44, 70, 89, 94 %, sunglasses 76, 87, 89, 91 %. The shared backbone stops at 8 anyway, for the forgery branch."""
PICTURES = {
    "fairface_train_4k": 1300,
    "frll_london": 132,
    "sfhq_t2i_tiles": 240,
    "muxspace_expressions": 300,
    "sfhq_tiles": 60,
}
"""Pictures of each set that are looked at."""
OBJECTS = 1
STRENGTH = 1e-3
MOST = 60_000
"""Patches of one fit, covered and uncovered in equal parts; of the parts' fit, as many of every part as of none."""
IN_FACE = 0.3
"""Share of a patch that lies in some part of the face from which it takes part."""
COVERED, UNCOVERED = 0.5, 0.1
"""Cover from which a patch counts as covered, and up to which as uncovered; what lies between is left out."""
SHOWN = 0.9
"""Share of a patch that must show the photograph."""
FALSE_ALARMS = 0.02
GONE, THERE = 0.75, 0.9
"""Cover of a part from which it is to be found, share of a part's place that does not show it from which it is gone;
and the share that is shown from which it is there."""
NO_PART = len(PARTS)
Reals = NDArray[np.floating]


def patches(rows: Rows, chosen: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """M×W tokens of the chosen rows' patches and what covers each ("none": nothing), as many of either."""
    rng = np.random.default_rng(seed)
    face = (rows.parts.max(axis=1) > IN_FACE) & (rows.shown > SHOWN)
    found = []
    for state in (rows.cover > COVERED, rows.cover < UNCOVERED):
        places = np.argwhere(state & face & (chosen & (rows.kind != CUT))[:, None])
        count = min(len(places), MOST // 2)
        found.append(places[rng.choice(len(places), count, replace=False)])
    covered, uncovered = found
    where = np.concatenate([covered, uncovered])
    kinds = np.concatenate([rows.kind[covered[:, 0]], np.full(len(uncovered), CLEAN)])
    return rows.tokens[where[:, 0], where[:, 1]].astype(np.float32), kinds


def part_patches(rows: Rows, chosen: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """M×W tokens of the chosen rows' patches, and the index in ``PARTS`` of what each shows, or ``NO_PART``."""
    rng = np.random.default_rng(seed)
    shows = np.where(rows.parts.max(axis=1) > COVERED, rows.parts.argmax(axis=1), -1)
    shows = np.where(rows.cover > UNCOVERED, -1, shows)
    shows = np.where((rows.cover > COVERED) | (rows.parts.max(axis=1) < UNCOVERED), NO_PART, shows)
    shows = np.where((rows.shown > SHOWN) & chosen[:, None], shows, -1)
    found = []
    for part in range(NO_PART + 1):
        places = np.argwhere(shows == part)
        most = MOST // 2 if part == NO_PART else MOST // 2 // NO_PART
        found.append(places[rng.choice(len(places), min(len(places), most), replace=False)])
    where = np.concatenate(found)
    return rows.tokens[where[:, 0], where[:, 1]].astype(np.float32), shows[where[:, 0], where[:, 1]].astype(np.int64)


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
    """Per kind left out of the fit: AUC and share of patches found at ``FALSE_ALARMS``, by the fit and by the distance.

    ``parts_found`` is the share of covered parts (``GONE``) that pass the limits, which ``FALSE_ALARMS`` of the
    parts of uncovered faces pass; ``parts`` their number.
    """
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
        clean, made = (_part_means(rows, held_out & (rows.kind == one), covered) for one in (CLEAN, kind))
        gone = _by_part(rows.cover, rows, held_out & (rows.kind == kind)) >= GONE
        limits = np.quantile(clean, 1 - FALSE_ALARMS, axis=0)
        table[kind] = row | {"parts_found": float((made >= limits)[gone].mean()), "parts": float(gone.sum())}
    return table


def _part_means(rows: Rows, chosen: NDArray[np.bool_], covered: LinearFit) -> Reals:
    """N×10: the mean probability of being covered of every part's patches."""
    logits = np.stack([covered(tokens.astype(np.float32))[:, 0] for tokens in rows.tokens[chosen]])
    return _weighed(1 / (1 + np.exp(-logits)), rows.parts[chosen])


def _by_part(values: Reals, rows: Rows, chosen: NDArray[np.bool_]) -> Reals:
    return _weighed(values[chosen], rows.parts[chosen])


def _weighed(values: Reals, weights: Reals) -> Reals:
    """N×10 means of N×P values, weighed by N×10×P."""
    wide = weights.astype(np.float64)
    return np.asarray((wide * values[:, None].astype(np.float64)).sum(axis=2) / np.maximum(wide.sum(axis=2), 1e-9))


def misplaced(rows: Rows, held_out: NDArray[np.bool_], shows: LinearFit) -> dict[str, dict[str, float]]:
    """Per part: how well its likeness tells parts that are there from places that do not show them.

    The places are those of an average face in the crop of a cut face that is displaced: what landmarks that are a guess
    take for the part.
    """
    clean, moved = held_out & (rows.kind == CLEAN), held_out & (rows.kind == CUT)
    average = rows.parts[rows.kind == CLEAN].astype(np.float64).mean(axis=0)
    claimed = np.where(average > COVERED, average, 0.0)
    table: dict[str, dict[str, float]] = {}
    there, off = (np.stack([_likeness(shows, tokens) for tokens in rows.tokens[one]]) for one in (clean, moved))
    for index, part in enumerate(PARTS):
        own = rows.parts[clean, index].astype(np.float64)
        whole = (own * rows.shown[clean]).sum(axis=1) > THERE * own.sum(axis=1)
        score = (own * there[..., index]).sum(axis=1) / np.maximum(own.sum(axis=1), 1e-9)
        place = claimed[index] * rows.shown[moved].astype(np.float64)
        visible = place.sum(axis=1) > (1 - GONE) * claimed[index].sum()
        total = np.maximum(place.sum(axis=1), 1e-9)
        empty = visible & ((place * rows.parts[moved, index]).sum(axis=1) / total < 1 - GONE)
        wrong = ((place * off[..., index]).sum(axis=1) / total)[empty]
        line = float(np.quantile(score[whole], 0.01))
        table[part] = {
            "auc": two_sample_auc(score[whole], wrong),
            "line": line,
            "found": float((wrong < line).mean()),
            "n": float(len(wrong)),
        }
    return table


def _likeness(shows: LinearFit, tokens: NDArray[np.float16]) -> Reals:
    """P×11: the probability of every part, and of none."""
    logits = shows(tokens.astype(np.float32))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def write(folder: Path, tower: Tower, covered: LinearFit, named: LinearFit, shows: LinearFit) -> None:
    """The adapter folder, with limits at one half and no floors until ``calibrate`` has set them."""
    folder.mkdir(parents=True, exist_ok=True)
    # All fits are stored on the first one's standardisation.
    weight, bias = [covered.weight], [covered.bias]
    for other in (named, shows):
        weight.append(other.weight * (covered.spread / other.spread))
        bias.append(other.bias + other.weight @ ((covered.mean - other.mean) / other.spread))
    state = {
        "mean": covered.mean,
        "spread": covered.spread,
        "weight": np.concatenate(weight).T,
        "bias": np.concatenate(bias),
    }
    save_file({name: np.ascontiguousarray(value, dtype=np.float32) for name, value in state.items()}, folder / HEAD)
    card = OcclusionCard(
        name="occlusion",
        version=VERSION,
        base=tower.stamp,
        block=BLOCK,
        margin=SCALE,
        labels=OCCLUDERS,
        limits=dict.fromkeys(PARTS, 0.5),
        floors=dict.fromkeys(PARTS, 0.0),
        edge_floors=dict.fromkeys(PARTS, 0.0),
        doubt_floors=dict.fromkeys(PARTS, 0.0),
        files={HEAD: sha256_of(folder / HEAD)},
    )
    (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")


def training_faces(data: Path, runs: Path, settings: Settings) -> list[LocatedFace]:
    """The faces of all sets, found once and remembered below ``runs``."""
    folders = {name: data / name for name in PICTURES}
    found = (faces_of(name, folders, runs / "faces", settings, most) for name, most in PICTURES.items())
    return list(chain.from_iterable(found))


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
        faces = training_faces(Path(options.data), options.runs, settings)
        save(encode(examples(faces, tower.grid, OBJECTS, options.seed), tower, BLOCK), cache)
    rows = load(cache)
    held_out = np.array([is_held_out(str(source)) for source in rows.source])
    shows = softmax_regression(*part_patches(rows, ~held_out, options.seed), NO_PART + 1, STRENGTH)
    print(json.dumps({"left_out": left_out(rows, held_out), "misplaced": misplaced(rows, held_out, shows)}, indent=1))
    write(options.adapter, tower, *fit(*patches(rows, ~held_out, options.seed)), shows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
