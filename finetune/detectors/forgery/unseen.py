"""``python -m finetune.detectors.forgery.unseen RECIPE --data DIR``: swaps by a method that training never saw.

People of the validation side, swapped by ``multiband_swap``, against the same pictures untouched; both are frames of a
compressed video. Prints the AUC of the tool's score, without copies saved again, with its interval, and that of the
finest detail alone.
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
from evals.data.training_sets import TRAINING_SETS
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.encoder import load_encoder
from faceagent.settings import Settings, load
from faceagent.tools.splice_branches import BRANCH, FAST, SpliceBranches
from finetune.detectors.forgery import data as pairs
from finetune.detectors.forgery.recipe import load_recipe

MOST = 60
"""Pictures per set."""
ROUNDS = 500
FINEST = 16
"""Rings of the spectrum, the outermost."""


def unseen_pairs(
    faces: Mapping[str, Sequence[LocatedFace]], seed: int = 0
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Crops of held-out photographs, untouched and swapped, after one history that ends as a video frame."""
    for name, rows in faces.items():
        people = [one for one in rows if one.held_out]
        if TRAINING_SETS[name].synthetic or len({one.source for one in people}) < 2:
            continue
        for index, target in enumerate(people[:MOST]):
            rng = np.random.default_rng((seed, index))
            base = portrait(target, pairs.WORK, pairs.MARGIN)
            donor = portrait(pairs.similar_face(target, people, rng), pairs.WORK, pairs.MARGIN)
            halves = pairs.with_history(base, [untouched(base), multiband_swap(base, donor, rng)], rng, video=True)
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
    options = parser.parse_args(arguments)
    recipe, settings = load_recipe(options.recipe), load()
    plan = pairs.PairPlan(**recipe.data.model_dump())
    folders = {name: options.data / name for name in plan.counts}
    found = list(unseen_pairs(pairs.gather_faces(plan, folders, options.runs / "faces", settings)))
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
