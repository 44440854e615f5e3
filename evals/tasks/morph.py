"""Morphing attack detection: ISO/IEC 20059 names, per morph family and the worst, which is what an attacker takes.

BPCER and BSCER are the same rate: NIST calls it BSCER where the attack is a morph. Both names are given.
"""

from collections.abc import Mapping

import numpy as np

from evals.metrics import pad, ranking
from evals.metrics.arrays import Reals
from evals.metrics.bootstrap import Measurement
from evals.task import EvalTask, Table
from evals.tasks import detection

MORPH = ("morph", "morphed", "attack", "fake", "1", "true", "yes")
BONA_FIDE = ("bona_fide", "bonafide", "real", "genuine", "original", "0", "false", "no")


def measurement(table: Table) -> Measurement:
    """D-EER, APCER and BPCER overall; D-EER and BPCER at APCER 10 % per family, and the worst of each."""
    columns = detection.Columns(table)
    families = {
        name: (rows, ranking.Ranking(columns.score[rows], columns.attack[rows]))
        for name, rows in columns.by_type().items()
    }

    def measure(weights: Reals) -> Mapping[str, Reals]:
        points = columns.ranking.curve(weights)
        found = detection.pad_errors(columns, points, weights)
        found |= {f"bscer{name.removeprefix('bpcer')}": rate for name, rate in found.items() if name[:5] == "bpcer"}
        found["auc"] = ranking.area(points)
        if families:
            curves = {name: one.curve(weights[..., rows]) for name, (rows, one) in families.items()}
            rates = {f"d_eer.{name}": pad.detection_eer(one) for name, one in curves.items()}
            at_ten = {f"bpcer_at_apcer_10.{name}": pad.bpcer_at_apcer(one, 0.1) for name, one in curves.items()}
            found |= rates | at_ten
            found["d_eer_worst"] = np.max(np.stack(list(rates.values())), axis=0)
            found["bpcer_at_apcer_10_worst"] = np.max(np.stack(list(at_ten.values())), axis=0)
        return found

    return measure


TASK = EvalTask(
    name="morph",
    title="Morphs of two people",
    protocol="Single pictures. APCER is the worst family's, at the shipped line; D-EER and BPCER (= BSCER) at APCER "
    "10, 5 and 1 %, over all morphs and per family.",
    tools=("morph",),
    needs="label (bona_fide, morph); family; subject",
    read=detection.reader("morph", MORPH, BONA_FIDE),
    observe=detection.observer("morph"),
    measurement=measurement,
    baselines=detection.trivial,
    figures=detection.curves,
    failures=detection.wrongness,
    names=("d_eer", "apcer_max", "bpcer", "bscer", "auc"),
)
