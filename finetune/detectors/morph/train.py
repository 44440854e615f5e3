"""``python -m finetune.detectors.morph.train --data DIR``: the single-image morph detector and its calibration.

A ridge regression on frozen features of pairs (``data``), exported as a head without blocks of its own. Everything is
chosen and calibrated out of fold: no score comes from a fit that saw the person. The thresholds are those of undegraded
faces, by the strictest set, because bona fide pictures are seldom degraded like the pairs. The unsharp mask and the
Poisson method are kept for testing.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from evals.data.fingerprint import fingerprint
from evals.data.training_sets import TRAINING_SETS
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.crop import SCALE
from faceagent.encoder.tower import load_tower
from faceagent.settings import Settings
from finetune.calibration.records import CALIBRATIONS, CalibrationRecord, write_record
from finetune.data.sources import faces_of
from finetune.detectors.linear import LinearFit, Reals, fold_of, out_of_fold, ridge
from finetune.detectors.linear_head import ADAPTERS, write_linear_head
from finetune.detectors.morph.calibrate import single_image_record
from finetune.detectors.morph.data import SIZE, MorphHalf, morph_pairs
from finetune.detectors.morph.features import DEPTHS, MorphRows, load_or_extract, undegraded_halves

VERSION = "1.0.0"
COUNTS = {"frll_london": 190, "fairface_train_4k": 220, "muxspace_expressions": 160, "sfhq_t2i_tiles": 40}
"""Pairs per set."""
PLAIN = {"frll_london": 120, "fairface_train_4k": 220, "muxspace_expressions": 120}
"""Undegraded faces per set, for the thresholds."""
CHOICES: tuple[tuple[int, ...], ...] = ((6,), (8,), (10,), (4, 8), (6, 10), (4, 6, 8, 10))
STRENGTHS = (0.01, 0.1, 1.0)


def targets(rows: MorphRows) -> tuple[Reals, Reals]:
    """N×1 of ±1, and row weights by which all sets count the same."""
    share = np.zeros(len(rows.origin))
    for name in np.unique(rows.origin):
        mine = rows.origin == name
        share[mine] = 1 / np.sqrt(mine.sum())
    return np.where(rows.morphed, 1.0, -1.0)[:, np.newaxis], share


def auc_per_set(rows: MorphRows, scores: Reals) -> dict[str, float]:
    """AUC per set of photographs and morph method with finish "matched", against bona fide pictures of the set."""
    found = {}
    for name in (one for one in np.unique(rows.origin) if not TRAINING_SETS[str(one)].synthetic):
        mine = rows.origin == name
        for method in ("full", "splice", "cleaned"):
            attack = mine & (rows.method == method) & (rows.finish == "matched")
            if attack.any():
                found[f"{name} {method}"] = two_sample_auc(scores[attack], scores[mine & ~rows.morphed])
    return found


def choose_taps(rows: MorphRows) -> tuple[tuple[int, ...], float]:
    """Blocks and strength with the best mean of ``auc_per_set``, out of fold."""
    truth, share = targets(rows)
    best: tuple[tuple[tuple[int, ...], float], float] = ((), 0.0), -1.0
    for taps in CHOICES:
        for strength in STRENGTHS:
            scores = out_of_fold(rows.beside(taps), truth, rows.source.tolist(), strength, share)[:, 0]
            mean = float(np.mean(list(auc_per_set(rows, scores).values())))
            print(f"{taps} {strength}: {mean:.4f}", flush=True)
            best = ((taps, strength), mean) if mean > best[1] else best
    return best[0]


def auc_left_out(rows: MorphRows, taps: Sequence[int], strength: float) -> dict[str, float]:
    """AUC on every set of photographs by a fit without that set."""
    truth, share = targets(rows)
    found, x = {}, rows.beside(taps)
    for name in COUNTS:
        mine = rows.origin == name
        scores = ridge(x[~mine], truth[~mine], strength, share[~mine])(x[mine])[:, 0]
        found[name] = two_sample_auc(scores[rows.morphed[mine]], scores[~rows.morphed[mine]])
    return found


def main(arguments: list[str] | None = None) -> int:
    """Make, fit, calibrate and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.morph.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where faces and features are remembered")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / "morph")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings = Settings()
    tower = load_tower(settings)
    where = {name: Path(options.data) / name for name in COUNTS}
    faces = {name: faces_of(name, where, options.runs / "faces", settings) for name in COUNTS}
    mark = fingerprint(COUNTS, PLAIN, options.seed, SIZE, DEPTHS, tower.stamp.sha256)
    rng = np.random.default_rng(options.seed)
    some = [faces[name][index] for name, n in PLAIN.items() for index in rng.permutation(len(faces[name]))[:n]]
    cached = options.runs / "morph"

    def made() -> list[MorphHalf]:
        pairs = track(morph_pairs(faces, COUNTS, options.seed), description="pairs", total=sum(COUNTS.values()))
        return [half for pair in pairs for half in pair]

    rows = load_or_extract(cached / "pairs.npz", mark, made, tower)
    plain = load_or_extract(cached / "plain.npz", mark, lambda: undegraded_halves(some), tower)
    taps, strength = choose_taps(rows)
    fitted, record = _fit_and_calibrate(rows, plain, taps, strength)
    write_linear_head(
        options.adapter,
        tower,
        name="morph",
        version=VERSION,
        labels=("morph",),
        taps=taps,
        weight=fitted.weight,
        bias=fitted.bias,
        mean=fitted.mean,
        spread=fitted.spread,
    )
    print(json.dumps(record, indent=1))
    print(f"wrote {options.adapter} (crop {SCALE}) and {write_record(record, options.out)}")
    return 0


def _fit_and_calibrate(
    rows: MorphRows, plain: MorphRows, taps: Sequence[int], strength: float
) -> tuple[LinearFit, CalibrationRecord]:
    """The fit on all rows, and the calibration of its out-of-fold scores; prints the results."""
    truth, share = targets(rows)
    x, natural = rows.beside(taps), plain.beside(taps)
    fold, other = (np.array([fold_of(str(source)) for source in one.source]) for one in (rows, plain))
    scores, plain_scores = np.zeros(len(fold)), np.zeros(len(other))
    for number in np.unique(fold):
        part = ridge(x[fold != number], truth[fold != number], strength, share[fold != number])
        scores[fold == number] = part(x[fold == number])[:, 0]
        plain_scores[other == number] = part(natural[other == number])[:, 0]
    baseline = out_of_fold(rows.spectrum, truth, rows.source.tolist(), 0.01, share)[:, 0]
    spectral = auc_per_set(rows, baseline)
    for name, value in auc_per_set(rows, scores).items():
        print(f"{name} matched: AUC {value:.3f}, radial spectrum {spectral[name]:.3f}")
    print("a set never seen:", {name: round(value, 3) for name, value in auc_left_out(rows, taps, strength).items()})
    return ridge(x, truth, strength, share), single_image_record(rows, scores, plain, plain_scores)


if __name__ == "__main__":
    sys.exit(main())
