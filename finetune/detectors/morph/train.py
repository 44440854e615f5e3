"""``python -m finetune.detectors.morph.train --data DIR``: the single-image morph detector and its calibration.

A ridge regression on frozen features of pairs (``data``), exported as a head without blocks of its own; what changes
in the features when a picture is tilted is kept from moving it. Everything is chosen and calibrated out of fold: no
score comes from a fit that saw the person. The thresholds are those of undegraded
faces, by the strictest set, because bona fide pictures are seldom degraded like the pairs. The unsharp mask and the
Poisson method are kept for testing.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.fingerprint import fingerprint
from evals.data.training_sets import TRAINING_SETS
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.crop import SCALE
from faceagent.encoder.tower import load_tower
from faceagent.settings import Settings
from finetune.calibration.records import CALIBRATIONS, CalibrationRecord, write_record
from finetune.data.sources import faces_of
from finetune.detectors.linear import LinearFit, Nuisance, Reals, fold_of, out_of_fold, ridge
from finetune.detectors.linear_head import ADAPTERS, write_linear_head
from finetune.detectors.morph.calibrate import single_image_record
from finetune.detectors.morph.data import SIZE, TILT, MorphHalf, morph_pairs
from finetune.detectors.morph.features import DEPTHS, MorphRows, load_or_extract, undegraded_halves

Flags = NDArray[np.bool_]

VERSION = "2.0.0"
COUNTS = {"frll_london": 190, "fairface_train_4k": 220, "muxspace_expressions": 160, "sfhq_t2i_tiles": 40}
"""Pairs per set."""
PLAIN = {"frll_london": 120, "fairface_train_4k": 220, "muxspace_expressions": 120}
"""Undegraded faces per set, for the thresholds."""
CHOICES: tuple[tuple[int, ...], ...] = ((6,), (8,), (10,), (4, 8), (6, 10), (4, 6, 8, 10))
STRENGTHS = (0.01, 0.1, 1.0)
STEADINESS = (0.0, 2.0, 16.0)
"""Weights of the changes between twins, see ``Nuisance``."""
GIVEN_UP = 0.01
"""Mean AUC that may be given up for scores that change less between twins."""
LOCATED = {"fairface_train_4k": 700, "muxspace_expressions": 500, "sfhq_t2i_tiles": 150}
"""Pictures in which faces are looked for, where a set has many more than are needed."""


class Choice(NamedTuple):
    """Blocks and penalties of a fit."""

    taps: tuple[int, ...]
    strength: float
    steadiness: float


class OutOfFold(NamedTuple):
    """Scores of pairs, their twins, undegraded faces, and their twins; each by a fit without its fold."""

    pairs: Reals
    pair_twins: Reals
    plain: Reals
    plain_twins: Reals

    @property
    def change(self) -> float:
        """Standard deviation of the change between twins, over that of the undegraded faces' scores."""
        return float(np.std(self.plain_twins - self.plain) / np.std(self.plain))


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


def fit(rows: MorphRows, plain: MorphRows, choice: Choice, seen: Flags, plain_seen: Flags) -> LinearFit:
    """The fit on the pairs that are ``seen``, steadied by their twins and those of undegraded faces."""
    truth, share = targets(rows)
    changes = [rows.twin_changes(choice.taps)[seen], plain.twin_changes(choice.taps)[plain_seen]]
    nuisance = Nuisance(np.concatenate(changes), choice.steadiness) if choice.steadiness else None
    return ridge(rows.beside(choice.taps)[seen], truth[seen], choice.strength, share[seen], nuisance)


def out_of_fold_scores(rows: MorphRows, plain: MorphRows, choice: Choice) -> OutOfFold:
    """Scores of everything, by fits that saw neither the person nor the contributor."""
    fold, other = (np.array([fold_of(str(source)) for source in one.source]) for one in (rows, plain))
    found = OutOfFold(*(np.zeros(len(one)) for one in (fold, fold, other, other)))
    parts = [(one.beside(choice.taps), one.twin_changes(choice.taps)) for one in (rows, plain)]
    for number in np.unique(fold):
        fitted = fit(rows, plain, choice, fold != number, other != number)
        for (own, changes), mine, (scores, twins) in zip(
            parts, (fold == number, other == number), (found[:2], found[2:]), strict=True
        ):
            scores[mine] = fitted(own[mine])[:, 0]
            twins[mine] = fitted(own[mine] + changes[mine])[:, 0]
    return found


def choose_taps(rows: MorphRows) -> tuple[tuple[int, ...], float]:
    """Blocks and strength with the best mean of ``auc_per_set``, out of fold and without their twins."""
    truth, share = targets(rows)
    best: tuple[tuple[tuple[int, ...], float], float] = ((), 0.0), -1.0
    for taps in CHOICES:
        for strength in STRENGTHS:
            scores = out_of_fold(rows.beside(taps), truth, rows.source.tolist(), strength, share)[:, 0]
            mean = float(np.mean(list(auc_per_set(rows, scores).values())))
            print(f"{taps} {strength}: {mean:.4f}", flush=True)
            best = ((taps, strength), mean) if mean > best[1] else best
    return best[0]


def choose_steadiness(rows: MorphRows, plain: MorphRows, taps: tuple[int, ...], strength: float) -> Choice:
    """Of the fits whose mean of ``auc_per_set`` is within ``GIVEN_UP`` of the best the one that changes least."""
    found: list[tuple[float, float, Choice]] = []
    for weight in STEADINESS:
        choice = Choice(taps, strength, weight)
        scores = out_of_fold_scores(rows, plain, choice)
        mean = float(np.mean(list(auc_per_set(rows, scores.pairs).values())))
        print(f"steadiness {weight}: AUC {mean:.4f}, change between twins {scores.change:.3f}", flush=True)
        found.append((mean, scores.change, choice))
    best = max(mean for mean, _, _ in found)
    return min((change, choice) for mean, change, choice in found if mean >= best - GIVEN_UP)[1]


def auc_left_out(rows: MorphRows, plain: MorphRows, choice: Choice) -> dict[str, float]:
    """AUC on every set of photographs by a fit without that set."""
    found, x = {}, rows.beside(choice.taps)
    for name in COUNTS:
        mine = rows.origin == name
        scores = fit(rows, plain, choice, ~mine, plain.origin != name)(x[mine])[:, 0]
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
    cache = options.runs / "faces"
    faces = {name: faces_of(name, where, cache, settings, LOCATED.get(name)) for name in COUNTS}
    mark = fingerprint(COUNTS, PLAIN, LOCATED, TILT, options.seed, SIZE, DEPTHS, tower.stamp.sha256)
    rng = np.random.default_rng(options.seed)
    some = [faces[name][index] for name, n in PLAIN.items() for index in rng.permutation(len(faces[name]))[:n]]
    cached = options.runs / "morph"

    def made() -> list[MorphHalf]:
        pairs = track(morph_pairs(faces, COUNTS, options.seed), description="pairs", total=sum(COUNTS.values()))
        return [half for pair in pairs for half in pair]

    rows = load_or_extract(cached / "pairs.npz", mark, made, tower)
    plain = load_or_extract(cached / "plain.npz", mark, lambda: undegraded_halves(some), tower)
    choice = choose_steadiness(rows, plain, *choose_taps(rows))
    fitted, record = _fit_and_calibrate(rows, plain, choice)
    write_linear_head(
        options.adapter,
        tower,
        fitted,
        name="morph",
        version=VERSION,
        labels=("morph",),
        taps=choice.taps,
    )
    print(json.dumps(record, indent=1))
    print(f"wrote {options.adapter} (crop {SCALE}) and {write_record(record, options.out)}")
    return 0


def _fit_and_calibrate(rows: MorphRows, plain: MorphRows, choice: Choice) -> tuple[LinearFit, CalibrationRecord]:
    """The fit on all rows, and the calibration of its out-of-fold scores; prints the results."""
    truth, share = targets(rows)
    scores = out_of_fold_scores(rows, plain, choice)
    baseline = out_of_fold(rows.spectrum, truth, rows.source.tolist(), 0.01, share)[:, 0]
    spectral = auc_per_set(rows, baseline)
    for name, value in auc_per_set(rows, scores.pairs).items():
        print(f"{name} matched: AUC {value:.3f}, radial spectrum {spectral[name]:.3f}")
    print("a set never seen:", {name: round(value, 3) for name, value in auc_left_out(rows, plain, choice).items()})
    print(f"change between twins: {scores.change:.3f} of the scores' standard deviation")
    everything = fit(rows, plain, choice, np.ones(len(rows.source), bool), np.ones(len(plain.source), bool))
    return everything, single_image_record(rows, scores.pairs, plain, scores.plain)


if __name__ == "__main__":
    sys.exit(main())
