"""``python -m finetune.add_family DIR --name NAME``: teach the forgery detector another generator or manipulation.

DIR has labels.csv with the columns ``file`` and ``label`` (real, fake): a few hundred faces of the family, and
photographs from as many sources as can be had. The family becomes a linear branch on frozen features with a
calibration of its own, so nothing that was learnt before changes. Prints what the fused score is worth for every
family, before and after: average AUC and forgetting, as in incremental detection (SUR-LID, Cheng et al. 2025).
"""

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evals.data.fingerprint import fingerprint
from evals.data.folder import label_rows
from faceagent.encoder.branch import load_branch, read_config, shipped
from faceagent.encoder.tower import CLIP, EMBEDDED, Tower, load_tower
from faceagent.errors import InputError, ModelUnavailable
from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings, load
from faceagent.tools.added_families import PREFIX
from faceagent.tools.forgery import SPLICE, SPLICE_FAST
from finetune.calibration.records import CALIBRATIONS, write_record
from finetune.detectors.added.data import (
    DEPTHS,
    PHOTOGRAPH,
    SPLICED,
    FamilyRows,
    detector_branches,
    family_rows,
    head_scores,
    labelled_crops,
)
from finetune.detectors.added.fit import (
    FamilyFit,
    Reals,
    Worth,
    family_record,
    fit_family,
    forgetting,
    log_ratios,
    worth,
)
from finetune.detectors.linear_head import ADAPTERS, write_linear_head

VERSION = "1.0.0"
RESERVED = frozenset({SPLICED, PHOTOGRAPH})
ROWS, SCORES = "rows.npz", "scores.npy"


def main(arguments: list[str] | None = None) -> int:
    """Read, fit, calibrate, write and report; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.add_family", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", help="of the family; default: the folder's")
    parser.add_argument("--tower", choices=EMBEDDED, default=CLIP)
    parser.add_argument("--runs", type=Path, default=Path("runs/families"), help="what is kept of every family")
    parser.add_argument("--adapters", type=Path, default=ADAPTERS, help="where the branch is written")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS, help="where the calibration is written")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    family = options.name or options.folder.resolve().name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", family) or family in RESERVED:
        raise InputError(f"{family!r} is no name for a family.", remedy="Use small letters, digits and underscores.")
    settings = load()
    tower = load_tower(settings, options.tower)
    detectors = [read_config(shipped(name)).files for name in detector_branches(settings)]
    mark = fingerprint(label_rows(options.folder), family, tower.stamp.sha256, DEPTHS, detectors, options.seed)
    home = options.runs / family
    rows = FamilyRows.load(home / ROWS, mark)
    if rows is None:
        rows = family_rows(labelled_crops(options.folder, family, settings, options.seed), tower, settings)
        rows.save(home / ROWS, mark)
    fitted = fit_family(rows, family)
    np.save(home / SCORES, fitted.scores)
    target = options.adapters / f"{PREFIX}{family}"
    write_linear_head(
        target, tower, fitted.linear, name=target.name, version=VERSION, labels=(family,), taps=fitted.taps
    )
    record = family_record(rows, fitted, family, target.name)
    path = write_record(record, options.out)
    print(_table(_worths(rows, fitted, Platt.model_validate(record), family, tower, settings, options), family))
    print(f"wrote {target} and {path}")
    return 0


def _worths(
    rows: FamilyRows,
    fitted: FamilyFit,
    record: Platt,
    family: str,
    tower: Tower,
    settings: Settings,
    where: argparse.Namespace,
) -> dict[str, Worth]:
    """What the fused score is worth for splices, for every family added earlier, and for this one."""
    earlier = {path.parent.name: path.parent for path in sorted(where.runs.glob(f"*/{ROWS}"))}
    del earlier[family]
    branches, records, detector = {}, {}, _detector_record(settings)
    for name in list(earlier):
        try:
            branches[name] = load_branch(where.adapters / f"{PREFIX}{name}", tower)
        except ModelUnavailable as error:
            print(f"{name} is left out: {error}")
            del earlier[name]
            continue
        kept = where.out / f"forgery-{PREFIX}{name}-1.json"
        records[name] = Platt.model_validate_json(kept.read_text(encoding="utf-8"))

    def before(some: FamilyRows, own: str) -> list[Reals]:
        """log10 LR of the rows by the shipped detector and every earlier family; ``own`` by fits without the row."""
        found = [log_ratios(detector, some.splice)]
        for name, branch in branches.items():
            scores = np.load(earlier[name] / SCORES) if name == own else head_scores(branch, some)
            found.append(log_ratios(records[name], scores))
        return found

    found = {
        kind: worth(rows, kind, before(rows, family), log_ratios(record, fitted.scores)) for kind in (SPLICED, family)
    }
    for name, folder in earlier.items():
        some = FamilyRows.load(folder / ROWS)
        if some is not None:
            by_new = log_ratios(record, fitted.linear(some.beside(fitted.taps))[:, 0])
            found[name] = worth(some, name, before(some, name), by_new)
    return found


def _detector_record(settings: Settings) -> Platt:
    name = SPLICE_FAST if settings.detectors == "fast" else SPLICE
    record = calibration(name)
    if not isinstance(record, Platt):
        raise TypeError(f"{name} is no likelihood ratio")
    return record


def _table(found: Mapping[str, Worth], family: str) -> str:
    """AUC per family before and after, their mean after, and forgetting."""
    wide = max(map(len, found))
    lines = [f"{'family':{wide}}  AUC before  AUC now"]
    lines += [f"{name:{wide}}  {one.before:10.3f}  {one.after:7.3f}" for name, one in found.items()]
    average = np.mean([one.after for one in found.values()])
    return "\n".join([*lines, f"average AUC {average:.3f}, forgetting {forgetting(found, family):.3f}"])


if __name__ == "__main__":
    sys.exit(main())
