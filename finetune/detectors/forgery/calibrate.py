"""``python -m finetune.detectors.forgery.calibrate RECIPE --data DIR``: from splice logit to likelihood ratio.

Scores pictures as the tool does, by both towers' branches and with copies saved again: the pairs of the validation
side, and undegraded faces of the same people, because bona fide pictures are seldom degraded like the pairs.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from evals.data.held_out import VALIDATION_PERCENT
from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.data.training_sets import TRAINING_SETS
from faceagent.encoder.branch import Branch, load_branch, shipped
from faceagent.encoder.crop import turned_crop
from faceagent.encoder.tower import DINOV2, load_tower
from faceagent.faces.mesh_box import mesh_box
from faceagent.settings import load
from faceagent.tools.forgery import LEAST_RESAVED
from faceagent.tools.resaved import scores_resaved
from faceagent.tools.splice_branches import FAST, WEIGHTS
from finetune.calibration.curves import draw_reliability
from finetune.calibration.records import (
    CALIBRATIONS,
    CalibrationRecord,
    Reals,
    binary_record,
    operating_point,
    write_record,
)
from finetune.data.precision import autocast
from finetune.detectors.forgery import data as pairs
from finetune.detectors.forgery.recipe import LABELS, ForgeryRecipe, load_recipe

FALSE_ALARMS = (0.02, 0.01)
"""Rates of bona fide faces flagged at the operating points; the first is the default."""
FITTED_ON = "validation side of FairFace train, portraits, muxspace and FRLL; forgeries made from the same pictures"
SPLICE = LABELS.index("splice")
"""Place of the logit, the same in both branches."""
BATCH = 8
MOST_FACES = 90
"""Held-out pictures of every set that are looked at; each photograph among them is scored undegraded too."""
FLOOR = -0.3
"""Least log10 LR, one half: a forgery by a maker that is far from ours leaves no sign of it."""
NOTE = (
    "Forgeries are our own: parts of other people, self-blends, swaps, moved mouths and eyes, in-fills. "
    "Scores are means over a crop and copies of it that were saved again."
)


class Scores(NamedTuple):
    """N scores, and the source that each picture is from."""

    values: Reals
    sources: Sequence[str]


def tool_scores(branches: Sequence[Branch], crops: Sequence[NDArray[np.uint8]]) -> Reals:
    """N scores of size×size×3 uint8 RGB crops as the tool gives them."""
    score = partial(mean_logits, branches)
    return np.array([one.mean for one in scores_resaved(score, crops, score(crops), least=LEAST_RESAVED)])


def mean_logits(branches: Sequence[Branch], crops: Sequence[NDArray[np.uint8]]) -> Reals:
    """N weighted means of the branches' splice logits."""
    weights = [WEIGHTS[one.config.name] for one in branches]
    return np.asarray(np.average([splice_logits(one, crops) for one in branches], axis=0, weights=weights), np.float64)


def splice_logits(branch: Branch, crops: Sequence[NDArray[np.uint8]]) -> Reals:
    """N splice logits of the crops as they are."""
    tower, found = branch.tower, []
    for start in track(range(0, len(crops), BATCH), description="crops"):
        with torch.inference_mode(), autocast(tower.device):
            *_, (_, tokens) = tower.steps(tower.tensor(list(crops[start : start + BATCH])), branch.start)
            found.append(branch(tokens)[0][:, SPLICE].double().cpu().numpy())
    return np.concatenate(found) if found else np.zeros(0)


def product_crop(face: LocatedFace, margin: float) -> NDArray[np.uint8]:
    """The crop that tools read of a face with landmarks."""
    box, degrees = mesh_box(face.points)
    return turned_crop(read_pixels(face), box, degrees, scale=margin).pixels


def validation_plan(recipe: ForgeryRecipe) -> pairs.PairPlan:
    """The recipe's pairs for the held-out side alone: as many as are held out of each set, from few pictures."""
    counts = {name: max(1, round(count * VALIDATION_PERCENT / 100)) for name, count in recipe.data.counts.items()}
    return pairs.PairPlan(counts, dict.fromkeys(counts, MOST_FACES), recipe.data.makers, recipe.data.seed)


def calibrate(forged: Scores, untouched: Scores, faces: Scores) -> CalibrationRecord:
    """The record of the splice score: forged photographs against untouched ones and undegraded bona fide faces.

    The operating points are those of the undegraded faces.
    """
    bona_fide = np.concatenate([untouched.values, faces.values])
    points = _points(forged.values, faces.values)
    record = binary_record(
        "forgery/splice-1",
        "logit",
        ("forged", "bona_fide"),
        (forged.values, bona_fide),
        (_groups(forged.sources), _groups([*untouched.sources, *faces.sources])),
        points,
        fitted_on=FITTED_ON,
        note=NOTE,
    )
    clean = clean_line(forged.values, bona_fide)
    lean = points[0]["threshold"]
    return {
        **record,
        "floor_log10": FLOOR,
        "clean_below": None if clean is None else round(min(clean, lean), 4),
        "attack_type": "spliced or swapped",
    }


def clean_line(forged: Reals, bona_fide: Reals) -> float | None:
    """The highest score below which forgeries lie no more than 10^FLOOR times as often as bona fide faces.

    A result below it is one outcome, nothing found, with that ratio. A line as high as can be is one that few bona fide
    faces are near, so that their answers do not change with small changes of the picture. None where there is no such
    score.
    """
    scores = np.unique(np.concatenate([forged, bona_fide]))
    shares = [np.searchsorted(np.sort(side), scores) / len(side) for side in (forged, bona_fide)]
    fits = (shares[0] <= 10**FLOOR * shares[1]) & (shares[1] > 0)
    return float(scores[fits].max()) if fits.any() else None


def _points(attack: Reals, faces: Reals) -> list[CalibrationRecord]:
    return [
        operating_point(
            f"BPCER {rate:.0%}".replace("%", " %"),
            threshold,
            {"bpcer": rate, "apcer": float(np.mean(attack < threshold))},
        )
        for rate in FALSE_ALARMS
        for threshold in [float(np.quantile(faces, 1 - rate))]
    ]


def _plot(target: Path, record: CalibrationRecord, attacks: Reals, others: Reals) -> None:
    """Reliability diagram at even prior odds, as in the fit."""
    sides = [attacks, others]
    given = [1 / (1 + np.exp(-(record["slope"] * one + record["intercept"]))) for one in sides]
    weight = np.concatenate([np.full(len(one), 1 / len(one)) for one in sides])
    truth = np.repeat([True, False], [len(one) for one in sides])
    draw_reliability(target, "splices", np.concatenate(given), truth, weight)


def _groups(sources: Sequence[str]) -> NDArray[np.int64]:
    return np.asarray(np.unique(np.asarray(sources), return_inverse=True)[1], dtype=np.int64)


def main(arguments: list[str] | None = None) -> int:
    """Fit and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.forgery.calibrate", description=__doc__)
    environment = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, default=environment, required=environment is None)
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="where finetune.detectors.forgery.train left its run"
    )
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    recipe, settings = load_recipe(options.recipe), load()
    folder = options.runs / recipe.name
    branch = load_branch(folder / "adapter", load_tower(settings, recipe.tower))
    branches = [branch, load_branch(shipped(FAST), load_tower(settings, DINOV2))]
    plan = validation_plan(recipe)
    found = pairs.gather_faces(
        plan, {name: options.data / name for name in plan.counts}, options.runs / "faces", settings, held_out=True
    )
    halves = [pair for pair in pairs.make_pairs(plan, found) if not TRAINING_SETS[pair[0].record.origin].synthetic]
    people = [one for name, some in found.items() if not TRAINING_SETS[name].synthetic for one in some]
    untouched, forged = (
        Scores(
            tool_scores(branches, [pair[side].record.pixels for pair in halves]),
            [pair[side].record.source for pair in halves],
        )
        for side in (0, 1)
    )
    crops = [product_crop(one, branch.config.margin) for one in people]
    faces = Scores(tool_scores(branches, crops), [one.source for one in people])
    record = calibrate(forged, untouched, faces)
    _plot(folder / "reliability.png", record, forged.values, np.concatenate([untouched.values, faces.values]))
    print(json.dumps(record, indent=1))
    print(f"wrote {write_record(record, options.out)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
