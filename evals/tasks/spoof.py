"""Presentation attacks: ISO/IEC 30107-3 at the shipped threshold, and HTER at a threshold from a development split.

Faces for which the tool gave no answer are no errors; they are counted apart, as APNRR and BPNRR.
"""

from collections.abc import Mapping

from evals.metrics import ranking
from evals.metrics.arrays import Reals, share
from evals.metrics.bootstrap import Measurement
from evals.task import CaseTable, EvalTask
from evals.tasks import attack_detection

KINDS = ("print", "replay", "photo", "poster", "screen", "display", "video", "cut", "mask", "3d_mask", "paper", "pad",
         "phone", "pc", "a4", "face_mask", "upper_body_mask", "region_mask")  # fmt: skip
SPOOF = ("spoof", "attack", "fake", "spoofing", "1", "true", "yes", *KINDS)
LIVE = ("live", "bona_fide", "bonafide", "real", "genuine", "0", "false", "no")


def measurement(table: CaseTable) -> Measurement:
    """AUC and EER; errors at the shipped threshold; HTER with a threshold from the development rows."""
    columns = attack_detection.AttackColumns(table)
    threshold = columns.equal_error_threshold()
    rest = ~columns.validation

    def measure(weights: Reals) -> Mapping[str, Reals]:
        points = columns.ranking.curve(weights)
        found = {
            "auc": ranking.area(points),
            "eer": ranking.equal_error(points),
            **attack_detection.pad_errors(columns, points, weights),
            **attack_detection.decisions(columns, weights),
        }
        if threshold is not None:
            called = columns.score >= threshold
            missed = share(~called, columns.attack & rest, weights)
            found["hter"] = (missed + share(called, ~columns.attack & rest, weights)) / 2
        return found

    return measure


TASK = EvalTask(
    name="spoof",
    title="Print, replay and mask attacks",
    protocol="APCER per attack type and the worst, BPCER and ACER at the shipped threshold; BPCER at APCER 10, 5, 1 %; "
    "HTER with the equal-error threshold of a development split, where the set has one; APNRR and BPNRR are the shares "
    "without an answer.",
    tools=("spoof",),
    needs="label (live, spoof); attack for the type; split (dev for a threshold); subject",
    read=attack_detection.reader("spoof", SPOOF, LIVE),
    observe=attack_detection.observer("spoof"),
    measurement=measurement,
    baselines=attack_detection.trivial,
    responses=attack_detection.non_response,
    figures=attack_detection.curves,
    failures=attack_detection.wrongness,
    names=("auc", "eer", "d_eer", "apcer_max", "bpcer", "acer"),
)
