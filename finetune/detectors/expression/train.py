"""``python -m finetune.detectors.expression.train --data DIR``: apparent expression, a head on CLIP beside the rules.

Reads muxspace without its label "disgust", Face Research Lab London (training people, neutral and smiling), both SFHQ
sets and OpenPeople, without the people held out for validation. Shrinkage and the weights of both readings are chosen
with whole sets left out. What was computed is kept in ``--runs`` and read again: a command that was stopped goes on.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from evals.data.held_out import is_held_out
from evals.metrics.calibration import ece
from faceagent.encoder.crop import SCALE
from faceagent.encoder.expression_head import NAME, ExpressionCard
from faceagent.encoder.head_card import CARD, HEAD
from faceagent.encoder.tower import CLIP, Tower, load_tower
from faceagent.settings import Settings
from faceagent.weights.store import sha256_of
from finetune.calibration.records import CALIBRATIONS, CalibrationRecord, write_record
from finetune.detectors.expression import fit
from finetune.detectors.expression.data import NAMES, ExpressionRows, copies, extract
from finetune.detectors.expression.fit import LABELS, LEARNT, Pool, Table
from finetune.detectors.linear import LinearFit, Reals
from finetune.detectors.linear_head import ADAPTERS

VERSION = "1.1.0"
BLOCK = 10
"""CLIP's tenth block, which age and gender read too; earlier ones know less of expressions."""
CALIBRATION = "expression/pool-1"
UNKNOWN = (("fear", "surprise"), ("anger", "disgust"), ("sadness", "happy"))
"""Pairs of labels that are left out in turn to see whether confidence drops on what was never learned."""
BINS = 10


def main(arguments: list[str] | None = None) -> int:
    """Extract, choose, fit, calibrate and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.expression.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where features are remembered")
    parser.add_argument("--most", type=int, help="copies that are read, in their order; default: all")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / NAME, help="folder of the head")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings = Settings()
    tower = load_tower(settings, CLIP)
    wanted = copies(Path(options.data))[: options.most]
    if not wanted:
        parser.error(f"none of the sets lies in {options.data}")
    rows = extract(wanted, tower, BLOCK, settings, options.runs / f"{NAME}-{BLOCK}")
    fit_and_write(rows, tower, options.adapter, options.out)
    return 0


def fit_and_write(found: ExpressionRows, tower: Tower, adapter: Path, out: Path) -> None:
    """Choose, fit and calibrate, write head, card and calibration; prints what was chosen and found."""
    everything = fit.table_of(found)
    kept_away = np.array([is_held_out(str(source)) for source in everything.source])
    rows, validation = everything[~kept_away], everything[kept_away]
    count = Counter((str(origin), LABELS[one]) for origin, one in zip(rows.origin, rows.truth, strict=True))
    print(
        f"{len(rows.truth)} copies: {dict(sorted(count.items()))}; {len(validation.truth)} for validation", flush=True
    )
    pool, head = fit.best_pool(rows)
    print(f"least loss with sets left out: {pool}", flush=True)
    _tell("sets left out", rows, head, pool)
    more, low, high = fit.gain(pool.added(head, rows.rules), rows)
    print(f"mean over sets, both less rules: {more:+.3f} [{low:+.3f}, {high:+.3f}]")
    _tell("people left out", rows, fit.left_out(rows, pool.shrinkage, fit.folds(rows)), pool)
    fitted = fit.head_fit(rows, pool.shrinkage)
    if len(validation.truth):
        _tell("validation people", validation, fit.opinions(fitted, validation.features), pool)
    shown = {LABELS[one] for one in rows.truth}
    strangers = {pair: round(fit.open_set_auroc(rows, pool, pair), 3) for pair in UNKNOWN if shown & set(pair)}
    print(f"open set, two labels never seen: {strangers}")
    print(f"wrote {write_record(_calibration(pool.added(head, rows.rules), rows), out)}")
    write_head(adapter, tower, fitted, pool)


def write_head(adapter: Path, tower: Tower, fitted: LinearFit, pool: Pool) -> None:
    """The adapter folder: head and card."""
    adapter.mkdir(parents=True, exist_ok=True)
    parts = {"weight": fitted.weight, "bias": fitted.bias, "mean": fitted.mean, "spread": fitted.spread}
    save_file({key: np.ascontiguousarray(value, np.float32) for key, value in parts.items()}, adapter / HEAD)
    card = ExpressionCard(
        name=NAME,
        version=VERSION,
        base=tower.stamp,
        block=BLOCK,
        margin=SCALE,
        labels=LEARNT,
        zones=NAMES,
        weight=pool.weight,
        rules=pool.share,
        calibration=CALIBRATION,
        files={HEAD: sha256_of(adapter / HEAD)},
    )
    (adapter / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(f"wrote {adapter}")


def _calibration(logits: Reals, rows: Table) -> CalibrationRecord:
    """The temperature with sets left out; loss and ECE on the people that a second one was not fitted on."""
    half = fit.folds(rows) % 2 == 0
    weight = fit.balance(rows)
    held = fit.best_temperature(logits[half], rows.truth[half], weight[half])
    chances = np.exp(fit.log_chances(logits[~half] / held))
    right = chances.argmax(axis=1) == rows.truth[~half]
    return {
        "id": CALIBRATION,
        "kind": "temperature",
        "labels": list(LABELS),
        "T": round(fit.best_temperature(logits, rows.truth, weight), 4),
        "fitted_on": "FRLL training people, SFHQ, SFHQ-T2I, OpenPeople, muxspace without disgust, each set by a head "
        "that did not see it; labels weigh alike",
        "n": len(rows.truth),
        "ece": round(float(ece(chances.max(axis=1), right, BINS, weight[~half])), 4),
        "nll": round(fit.log_loss(logits[~half] / held, rows.truth[~half], weight[~half]), 4),
        "note": "ece and nll on the people that the temperature was not fitted on",
    }


def _tell(how: str, rows: Table, head: Reals, pool: Pool) -> None:
    """Recalls of rules, head and both on all rows, and their mean by kind of copy and by set."""
    print(f"{how}: {len(rows.truth)} rows")
    for name, found in (("rules", rows.rules), ("head", head), ("both", pool.added(head, rows.rules))):
        labels = {label: round(value, 3) for label, value in fit.recalls(found, rows.truth).items()}
        kinds = {
            str(k): round(fit.mean_recall(found[own], rows.truth[own]), 3)
            for k in np.unique(rows.kind)
            if (own := rows.kind == k).any()
        }
        sets = fit.by_set(found, rows)
        print(f"  {name}: mean recall {fit.mean_recall(found, rows.truth):.3f} {labels}; {kinds}")
        print(f"    mean over sets {np.mean(list(sets.values())):.3f} { {k: round(v, 3) for k, v in sets.items()} }")


if __name__ == "__main__":
    sys.exit(main())
