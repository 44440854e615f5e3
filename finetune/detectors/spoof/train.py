"""``python -m finetune.detectors.spoof.train --data DIR``: the spoof detector's branch on CLIP, and both calibrations.

A ridge regression on frozen features of live faces and simulated recaptures (``data``), exported as a head without
blocks of its own. What changes in the features when a live picture is tilted is kept from moving it. Blocks and
penalties are chosen by the worst set of photographs that is left out; all scores behind the calibrations come from fits
without the set that the take belongs to. Goes on where it was interrupted.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.tower import CLIP, Tower, load_tower
from faceagent.settings import Settings
from faceagent.tools.spoof import BRANCH
from finetune.calibration.records import CALIBRATIONS, write_record
from finetune.detectors.linear import LinearFit, Nuisance, Reals, ridge
from finetune.detectors.linear_head import ADAPTERS, write_linear_head
from finetune.detectors.spoof.calibrate import fit_room, fit_tower, joined_record, networks_record
from finetune.detectors.spoof.data import Takes, TiltChanges, load_or_make, load_or_make_changes

VERSION = "1.1.0"
CHOICES: tuple[tuple[int, ...], ...] = ((4,), (6,), (8,), (10,), (4, 8), (6, 10), (4, 6, 8, 10))
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
STEADINESS = (0.0, 1.0, 4.0, 16.0, 64.0)
"""Weights of the changes under a tilt, see ``Nuisance``."""
GIVEN_UP = 0.003
"""AUC of the worst set that may be given up for scores that change less."""
LABELS = ("recaptured",)


class Choice(NamedTuple):
    """Blocks and penalties of a fit."""

    taps: tuple[int, ...]
    strength: float
    steadiness: float = 0.0


class LeftOut(NamedTuple):
    """Scores of every take, and how those of tilted live pictures change; each by a fit without its set."""

    scores: Reals
    changes: Reals


def fit(takes: Takes, changes: TiltChanges, choice: Choice, without: str | None = None) -> LinearFit:
    """The fit on all takes, or without a set; sets, and both classes of each, weigh the same."""
    share = np.zeros(len(takes.kind))
    for name in np.unique(takes.origin):
        for mine in ((takes.origin == name) & takes.attack, (takes.origin == name) & ~takes.attack):
            share[mine] = 1 / np.sqrt(max(1, mine.sum()))
    seen, moved = takes.origin != without, changes.beside(choice.taps)[changes.origin != without]
    truth = np.where(takes.attack, 1.0, -1.0)[:, np.newaxis]
    nuisance = Nuisance(moved, choice.steadiness) if choice.steadiness and len(moved) else None
    return ridge(takes.beside(choice.taps)[seen], truth[seen], choice.strength, share[seen], nuisance)


def left_out(takes: Takes, changes: TiltChanges, choice: Choice) -> LeftOut:
    """Scores and changes of every set by a fit without it."""
    found = LeftOut(np.zeros(len(takes.kind)), np.zeros(len(changes.origin)))
    for name in np.unique(takes.origin):
        fitted = fit(takes, changes, choice, without=name)
        mine, moved = takes.origin == name, changes.origin == name
        found.scores[mine] = fitted(takes.beside(choice.taps)[mine])[:, 0]
        found.changes[moved] = (changes.beside(choice.taps)[moved] / fitted.spread @ fitted.weight.T)[:, 0]
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


def choose(takes: Takes, changes: TiltChanges) -> Choice:
    """Blocks and penalty with the best worst AUC over sets and attacks, then the steadiest of about as good fits."""
    tried = [Choice(taps, strength) for taps in CHOICES for strength in STRENGTHS]
    best = max(tried, key=lambda one: _worst(takes, changes, one)[0])
    steadier = [best._replace(steadiness=weight) for weight in STEADINESS]
    found = {one: _worst(takes, changes, one) for one in steadier}
    least = max(worst for worst, _ in found.values()) - GIVEN_UP
    return min((one for one in steadier if found[one][0] >= least), key=lambda one: found[one][1])


def _worst(takes: Takes, changes: TiltChanges, choice: Choice) -> tuple[float, float]:
    """The worst AUC over sets and attacks, and the change under a tilt over the spread of live scores; printed."""
    found = left_out(takes, changes, choice)
    areas, live = auc_per_set(takes, found.scores), found.scores[~takes.attack]
    worst, change = min(areas.values()), float(np.sqrt(np.mean(found.changes**2)) / np.std(live))
    print(f"{choice}: worst {worst:.4f}, mean {np.mean(list(areas.values())):.4f}, change {change:.3f}", flush=True)
    return worst, change


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
    changes = load_or_make_changes(options.runs / "spoof" / "twins", Path(options.data), tower, settings)
    fit_and_write(takes, changes, tower, options.adapter, options.out)
    return 0


def fit_and_write(takes: Takes, changes: TiltChanges, tower: Tower, adapter: Path, out: Path) -> None:
    """Choose, fit, calibrate, and write the head and both records; prints the search and the figures."""
    choice = choose(takes, changes)
    branch, scale = left_out(takes, changes, choice).scores, fit_room(takes)
    line = fit_tower(takes, branch, scale)
    fitted = fit(takes, changes, choice)
    write_linear_head(
        adapter,
        tower,
        fitted,
        name=BRANCH,
        version=VERSION,
        labels=LABELS,
        taps=choice.taps,
    )
    for name, scores in (("networks", takes.networks), ("branch", branch)):
        print(name, {key: round(value, 3) for key, value in auc_per_set(takes, scores).items()})
    for record in (networks_record(takes, scale), joined_record(takes, branch, scale, line)):
        print(record["id"], record["cllr"], record["operating_points"])
        print(f"wrote {write_record(record, out)}")


if __name__ == "__main__":
    sys.exit(main())
