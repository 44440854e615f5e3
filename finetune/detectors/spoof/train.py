"""``python -m finetune.detectors.spoof.train --data DIR``: the spoof detector's branch on CLIP, and both calibrations.

A ridge regression on frozen features of live faces and simulated recaptures (``data``), exported as a head without
blocks of its own. Blocks and penalty are chosen by the worst set of photographs that is left out; all scores behind the
calibrations come from fits without the set that the take belongs to. Goes on where it was interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.tower import CLIP, Tower, load_tower
from faceagent.settings import Settings
from faceagent.tools.spoof import BRANCH
from finetune.calibration.records import CALIBRATIONS, write_record
from finetune.detectors.linear import LinearFit, Reals, ridge
from finetune.detectors.linear_head import ADAPTERS, write_linear_head
from finetune.detectors.spoof.calibrate import fit_room, fit_tower, joined_record, networks_record
from finetune.detectors.spoof.data import Takes, load_or_make

VERSION = "1.0.0"
CHOICES: tuple[tuple[int, ...], ...] = ((4,), (6,), (8,), (10,), (4, 8), (6, 10), (4, 6, 8, 10))
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
LABELS = ("recaptured",)


def fit(takes: Takes, seen: NDArray[np.bool_], taps: Sequence[int], strength: float) -> LinearFit:
    """The fit on the takes that are ``seen``; sets, and both classes of each, weigh the same."""
    share = np.zeros(len(takes.kind))
    for name in np.unique(takes.origin):
        for mine in ((takes.origin == name) & takes.attack, (takes.origin == name) & ~takes.attack):
            share[mine] = 1 / np.sqrt(max(1, mine.sum()))
    truth = np.where(takes.attack, 1.0, -1.0)[:, np.newaxis]
    return ridge(takes.beside(taps)[seen], truth[seen], strength, share[seen])


def left_out_scores(takes: Takes, taps: Sequence[int], strength: float) -> Reals:
    """N scores; every take by a fit without its set."""
    found = np.zeros(len(takes.kind))
    for name in np.unique(takes.origin):
        mine = takes.origin == name
        found[mine] = fit(takes, ~mine, taps, strength)(takes.beside(taps)[mine])[:, 0]
    return found


def auc_per_set(takes: Takes, scores: Reals) -> dict[str, float]:
    """AUC per set and kind of attack."""
    found = {}
    for name in np.unique(takes.origin):
        live = (takes.origin == name) & ~takes.attack
        for kind in ("print", "replay"):
            attack = (takes.origin == name) & (takes.kind == kind)
            found[f"{name} {kind}"] = two_sample_auc(scores[attack], scores[live])
    return found


def choose(takes: Takes) -> tuple[tuple[int, ...], float]:
    """Blocks and penalty with the best worst AUC over sets and attacks, each by fits without the set."""
    best: tuple[tuple[int, ...], float] = (CHOICES[0], STRENGTHS[0])
    most = -1.0
    for taps in CHOICES:
        for strength in STRENGTHS:
            found = auc_per_set(takes, left_out_scores(takes, taps, strength))
            worst, mean = min(found.values()), float(np.mean(list(found.values())))
            print(f"{taps} {strength}: worst {worst:.4f}, mean {mean:.4f}", flush=True)
            if worst > most:
                best, most = (taps, strength), worst
    return best


def main(arguments: list[str] | None = None) -> int:
    """Make the takes, choose, fit, calibrate and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.spoof.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where takes are remembered")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / BRANCH, help="folder of the head")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings = Settings()
    tower = load_tower(settings, CLIP)
    takes = load_or_make(options.runs / "spoof" / "takes", Path(options.data), tower, settings)
    fit_and_write(takes, tower, options.adapter, options.out)
    return 0


def fit_and_write(takes: Takes, tower: Tower, adapter: Path, out: Path) -> None:
    """Choose, fit, calibrate, and write the head and both records; prints the search and the figures."""
    taps, strength = choose(takes)
    branch, scale = left_out_scores(takes, taps, strength), fit_room(takes)
    line = fit_tower(takes, branch, scale)
    fitted = fit(takes, np.ones(len(takes.kind), bool), taps, strength)
    write_linear_head(
        adapter,
        tower,
        fitted,
        name=BRANCH,
        version=VERSION,
        labels=LABELS,
        taps=taps,
    )
    for name, scores in (("networks", takes.networks), ("branch", branch)):
        print(name, {key: round(value, 3) for key, value in auc_per_set(takes, scores).items()})
    for record in (networks_record(takes, scale), joined_record(takes, branch, scale, line)):
        print(record["id"], record["cllr"], record["operating_points"])
        print(f"wrote {write_record(record, out)}")


if __name__ == "__main__":
    sys.exit(main())
