"""``python -m finetune.detectors.generated.train --data DIR``: the detector of generated faces.

One head with three parts: generated or photograph, the generator family, and the whitened axes in which the distance
from all training faces is measured. Blocks and strength are chosen on sets of photographs that the fit did not see.
"""

import argparse
import json
import os
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evals.data.fingerprint import fingerprint
from evals.metrics.ranking import two_sample_auc
from faceagent.encoder.tower import load_tower
from faceagent.settings import Settings
from finetune.calibration.records import CALIBRATIONS, write_record
from finetune.data.sources import faces_of
from finetune.detectors.generated.calibrate import calibration_records
from finetune.detectors.generated.data import (
    COUNTS,
    DEPTHS,
    FAMILIES,
    GENERATORS,
    SMALL,
    GeneratedRows,
    draw_faces,
    generator_names,
    load_or_extract,
)
from finetune.detectors.generated.fit import AXES, fit_detector, fit_families, fit_whitening, select_rows, stack_fits
from finetune.detectors.linear_head import ADAPTERS, write_linear_head

NAME, VERSION = "forgery_generated", "2.0.0"
CHOICES: tuple[tuple[int, ...], ...] = ((4,), (6,), (8,), (4, 6), (4, 8), (6, 8), (4, 6, 8))
STRENGTHS = (0.5, 2.0)
LABELS = ("synthetic", *FAMILIES, *(f"axis_{number}" for number in range(1, AXES + 1)))


def transfer_auc(rows: GeneratedRows, taps: Sequence[int], strength: float) -> dict[tuple[str, str, bool], float]:
    """AUC by (set of photographs, generator, degraded), by fits without that set and without the scored faces.

    Half of the sources of every generator train, the other half are scored.
    """
    seen = np.array([zlib.crc32(source.encode()) % 2 == 0 for source in rows.source])
    found, synthetic = {}, rows.synthetic
    for name in np.unique(rows.made_by[~synthetic]):
        fitted = fit_detector(select_rows(rows, (rows.made_by != name) & (~synthetic | seen)), taps, strength)
        scores = fitted(rows.beside(taps))[:, 0]
        for family in GENERATORS:
            for late in (False, True):
                attack = (rows.made_by == family) & ~seen & (rows.moved == late)
                bona_fide = (rows.made_by == name) & (rows.moved == late)
                found[str(name), family, late] = two_sample_auc(scores[attack], scores[bona_fide])
    return found


def choose_taps(rows: GeneratedRows) -> tuple[tuple[int, ...], float]:
    """Blocks and strength with the best mean of ``transfer_auc`` on degraded rows, where size does not help."""
    best: tuple[tuple[tuple[int, ...], float], float] = ((), 0.0), -1.0
    for taps in CHOICES:
        for strength in STRENGTHS:
            found = transfer_auc(rows, taps, strength)
            late = [value for (_, _, moved_on), value in found.items() if moved_on]
            early = [value for (_, _, moved_on), value in found.items() if not moved_on]
            print(
                f"{taps} {strength}: degraded {np.mean(late):.4f} (least {min(late):.3f}), "
                f"undegraded {np.mean(early):.4f} (least {min(early):.3f})",
                flush=True,
            )
            best = ((taps, strength), float(np.mean(late))) if np.mean(late) > best[1] else best
    return best[0]


def main(arguments: list[str] | None = None) -> int:
    """Extract, choose, fit, calibrate and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.generated.train", description=__doc__)
    environment = os.environ.get("FACEAGENT_DATA")
    parser.add_argument("--data", type=Path, default=environment, required=environment is None)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where faces and features are remembered")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / NAME)
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args(arguments)
    settings = Settings()
    tower = load_tower(settings)
    where = {name: options.data / name for name in COUNTS}
    faces = draw_faces({name: faces_of(name, where, options.runs / "faces", settings) for name in COUNTS}, options.seed)
    mark = fingerprint(COUNTS, options.seed, SMALL, DEPTHS, tower.stamp.sha256)
    rows = GeneratedRows(
        load_or_extract(options.runs / NAME / "features.npz", mark, faces, tower),
        np.array(2 * generator_names(options.data, faces)),
        np.array(2 * [one.source for one in faces]),
        np.repeat([False, True], len(faces)),
    )
    taps, strength = choose_taps(rows)
    fitted = stack_fits(
        [fit_detector(rows, taps, strength), fit_families(rows, taps, strength), fit_whitening(rows, taps)]
    )
    write_linear_head(
        options.adapter,
        tower,
        fitted,
        name=NAME,
        version=VERSION,
        labels=LABELS,
        taps=taps,
    )
    for record in calibration_records(rows, taps, strength, options.runs / NAME):
        print(json.dumps(record, indent=1))
        print(f"wrote {write_record(record, options.out)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
