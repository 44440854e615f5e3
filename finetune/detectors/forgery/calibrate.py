"""``python -m finetune.detectors.forgery.calibrate RECIPE --data DIR``: from splice logit to likelihood ratio.

Reads the trained adapter and the validation side: the pairs in the run's cache, and undegraded faces of the same
people, because bona fide pictures are seldom degraded like the pairs.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.data.training_sets import TRAINING_SETS
from faceagent.encoder.branch import Branch, load_branch
from faceagent.encoder.crop import turned_crop
from faceagent.encoder.tower import load_tower
from faceagent.faces.mesh_box import mesh_box
from faceagent.settings import load
from finetune.calibration.curves import draw_reliability
from finetune.calibration.records import (
    CALIBRATIONS,
    CalibrationRecord,
    Groups,
    Reals,
    binary_record,
    operating_point,
    write_record,
)
from finetune.data.precision import autocast
from finetune.detectors.forgery import data as pairs
from finetune.detectors.forgery.features import FeatureCache, load_features
from finetune.detectors.forgery.recipe import LABELS, load_recipe

FALSE_ALARMS = (0.02, 0.01)
"""Rates of bona fide faces flagged at the operating points; the first is the default."""
FITTED_ON = "validation side of FairFace train, portraits, muxspace and FRLL; forgeries made from the same pictures"
SPLICE = LABELS.index("splice")
FLOOR = -0.3
"""Least log10 LR, one half: a forgery by a maker that is far from ours leaves no sign of it."""
NOTE = "Forgeries are our own: parts of other people, self-blends, swaps, moved mouths and eyes, in-fills."


def tokens_logits(branch: Branch, data: FeatureCache, rows: NDArray[np.int64]) -> Reals:
    """N×labels logits of rows of the cache."""
    found = []
    for start in track(range(0, len(rows), 16), description="validation pairs"):
        tokens = torch.from_numpy(data.tokens[rows[start : start + 16]].astype(np.float32))
        with torch.inference_mode(), autocast(branch.tower.device):
            found.append(branch(tokens.to(branch.tower.device))[0].double().cpu().numpy())
    return np.concatenate(found)


def face_logits(branch: Branch, faces: Sequence[LocatedFace]) -> Reals:
    """N×labels logits of undegraded faces, cropped as the tool crops them."""
    tower, found = branch.tower, []
    for start in track(range(0, len(faces), 8), description="bona fide faces"):
        crops = [product_crop(one, branch.config.margin) for one in faces[start : start + 8]]
        with torch.inference_mode(), autocast(tower.device):
            *_, (_, tokens) = tower.steps(tower.tensor(crops), branch.start)
            found.append(branch(tokens)[0].double().cpu().numpy())
    return np.concatenate(found)


def product_crop(face: LocatedFace, margin: float) -> NDArray[np.uint8]:
    """The crop that tools read of a face with landmarks."""
    box, degrees = mesh_box(face.points)
    return turned_crop(read_pixels(face), box, degrees, scale=margin).pixels


def calibrate(
    data: FeatureCache, logits: Reals, rows: NDArray[np.int64], faces: Reals, people: Sequence[str]
) -> CalibrationRecord:
    """The record of the splice logit: spliced photographs against untouched photographs.

    Args:
        data: The cache; ``rows`` are row indices of its validation side.
        logits: N splice logits of those rows.
        rows: N row indices.
        faces: M splice logits of undegraded bona fide faces.
        people: M sources of those faces.
    """
    photographs, forged, source = photographs_of(data)[rows], data.forged[rows], data.source[rows]
    attacks, bona_fide = photographs & forged, photographs & ~forged
    groups = _groups(source[attacks]), _groups(np.concatenate([source[bona_fide], np.asarray(people)]))
    record = binary_record(
        "forgery/splice-1",
        "logit",
        ("forged", "bona_fide"),
        (logits[attacks], np.concatenate([logits[bona_fide], faces])),
        groups,
        _points(logits[attacks], faces),
        fitted_on=FITTED_ON,
        note=NOTE,
    )
    return {**record, "floor_log10": FLOOR, "attack_type": "spliced or swapped"}


def photographs_of(data: FeatureCache) -> NDArray[np.bool_]:
    """Per row: whether its picture was taken, not generated."""
    return np.array([not TRAINING_SETS[str(name)].synthetic for name in data.origin])


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


def _plot(
    target: Path, record: CalibrationRecord, data: FeatureCache, logits: Reals, rows: NDArray[np.int64], faces: Reals
) -> None:
    """Reliability diagram at even prior odds, as in the fit."""
    photographs, forged = photographs_of(data)[rows], data.forged[rows]
    sides = [logits[photographs & forged], np.concatenate([logits[photographs & ~forged], faces])]
    given = [1 / (1 + np.exp(-(record["slope"] * one + record["intercept"]))) for one in sides]
    weight = np.concatenate([np.full(len(one), 1 / len(one)) for one in sides])
    truth = np.repeat([True, False], [len(one) for one in sides])
    draw_reliability(target, "splices", np.concatenate(given), truth, weight)


def _groups(sources: NDArray[np.str_]) -> Groups:
    return np.asarray(np.unique(sources, return_inverse=True)[1], dtype=np.int64)


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
    data = load_features(folder / "features")
    first = data.pairs(held_out=True)
    rows = np.stack([first, first + 1], axis=1).ravel()
    plan = pairs.PairPlan(**recipe.data.model_dump())
    found = pairs.gather_faces(
        plan, {name: options.data / name for name in plan.counts}, options.runs / "faces", settings
    )
    people = [one for name, some in found.items() for one in some if one.held_out and not TRAINING_SETS[name].synthetic]
    logits, faces = tokens_logits(branch, data, rows), face_logits(branch, people)
    record = calibrate(data, logits[:, SPLICE], rows, faces[:, SPLICE], [one.source for one in people])
    _plot(folder / "reliability.png", record, data, logits[:, SPLICE], rows, faces[:, SPLICE])
    print(json.dumps(record, indent=1))
    print(f"wrote {write_record(record, options.out)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
