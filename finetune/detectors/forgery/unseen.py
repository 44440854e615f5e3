"""``python -m finetune.detectors.forgery.unseen RECIPE --data DIR``: forgeries by methods that training never saw.

People of the validation side against the same pictures untouched: swapped by ``multiband_swap``, both frames of a
compressed video, or with ``--method parts`` given parts of another person by ``transplant``. Prints the AUC of the
tool's score, without copies saved again, with its interval, and that of the finest detail alone.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.multiband_swap import multiband_swap
from evals.data.synthesis.spectrum import radial_profile
from evals.data.synthesis.splice import untouched
from evals.data.synthesis.transplant import transplant
from evals.data.training_sets import TRAINING_SETS
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.encoder import load_encoder
from faceagent.settings import Settings, load
from faceagent.tools.splice_branches import BRANCH, FAST, SpliceBranches
from finetune.detectors.forgery import data as pairs
from finetune.detectors.forgery.recipe import load_recipe

METHODS = {"swaps": multiband_swap, "parts": transplant}
MOST = 60
"""Pictures per set."""
ROUNDS = 500
FINEST = 16
"""Rings of the spectrum, the outermost."""


def unseen_pairs(
    faces: Mapping[str, Sequence[LocatedFace]], method: str, seed: int = 0
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Crops of held-out photographs, untouched and forged, after one history; that of swaps ends as a video frame."""
    for rows in faces.values():
        if len({one.source for one in rows}) < 2:
            continue
        for index, target in enumerate(rows):
            rng = np.random.default_rng((seed, index))
            base = portrait(target, pairs.WORK, pairs.MARGIN)
            donor = portrait(pairs.similar_face(target, rows, rng), pairs.WORK, pairs.MARGIN)
            made = [untouched(base), METHODS[method](base, donor, rng)]
            halves = pairs.with_history(base, made, rng, video=method == "swaps")
            yield halves[0][0].pixels, halves[1][0].pixels


def interval(clean: NDArray[np.float64], forged: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the AUC, pairs drawn together."""
    rng, count = np.random.default_rng(0), len(clean)
    drawn = (rng.integers(count, size=count) for _ in range(ROUNDS))
    found = [two_sample_auc(forged[rows], clean[rows]) for rows in drawn]
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def main(arguments: list[str] | None = None) -> int:
    """Make, score and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.forgery.unseen", description=__doc__)
    environment = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, default=environment, required=environment is None)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where faces are remembered")
    parser.add_argument("--method", choices=METHODS, default="swaps", help="what the forgeries are made by")
    options = parser.parse_args(arguments)
    recipe, settings = load_recipe(options.recipe), load()
    names = [name for name in recipe.data.counts if not TRAINING_SETS[name].synthetic]
    plan = pairs.PairPlan(dict.fromkeys(names, MOST), dict.fromkeys(names, MOST))
    folders = {name: options.data / name for name in names}
    faces = pairs.gather_faces(plan, folders, options.runs / "faces", settings, held_out=True)
    found = list(unseen_pairs(faces, options.method))
    clean, forged = (_scores([pair[side] for pair in found], settings) for side in (0, 1))
    low, high = interval(clean, forged)
    fine = [np.array([radial_profile(pair[side])[-FINEST:].mean() for pair in found]) for side in (0, 1)]
    trivial = two_sample_auc(fine[0], fine[1])
    print(f"{len(found)} pairs: AUC {two_sample_auc(forged, clean):.3f} [{low:.3f}, {high:.3f}]")
    print(f"fine detail alone: {max(trivial, 1 - trivial):.3f}")
    return 0


def _scores(crops: list[NDArray[np.uint8]], settings: Settings) -> NDArray[np.float64]:
    return SpliceBranches({name: load_encoder(settings, (name,)) for name in (BRANCH, FAST)}).scores(crops)


if __name__ == "__main__":
    sys.exit(main())
