"""Morphing attack detection: ISO/IEC 20059 names, per morph family and the worst, which is what an attacker takes.

Two ways of detecting. A single suspected picture (S-MAD), or a suspected picture beside a trusted one of the person
who claims it (D-MAD); the second needs to be told which pictures belong together. BPCER and BSCER are the same rate:
NIST calls it BSCER where the attack is a morph. Both names are given, as are APNRR, BPNRR and BSNRR.
"""

from collections.abc import Mapping

import numpy as np

from evals.data import Cases, Dataset, Skip
from evals.data.columns import find
from evals.data.dataset import inside
from evals.metrics import pad, ranking
from evals.metrics.arrays import Reals
from evals.metrics.bootstrap import Measurement
from evals.task import CaseTable, EvalTask
from evals.tasks import attack_detection
from faceagent.errors import InputError

MORPH = ("morph", "morphed", "attack", "fake", "1", "true", "yes")
BONA_FIDE = ("bona_fide", "bonafide", "real", "genuine", "original", "0", "false", "no")


DIFFERENTIAL = "morph_differential"
LISTED = "second"
TRUSTED = ("reference", "trusted", "live", LISTED)
_labelled = attack_detection.reader("morph", MORPH, BONA_FIDE)


def read(dataset: Dataset, tool: str) -> Cases:
    """Suspected pictures; each with its trusted picture where the tool compares them."""
    column = find(dataset, TRUSTED)
    if tool != DIFFERENTIAL:
        if column == LISTED:
            # One suspected picture may stand in many pairs; it would count as often.
            raise InputError(
                f"{dataset.name} is a list of pairs, of which {tool} looks at the first pictures only.",
                remedy=f"Use --tool {DIFFERENTIAL}, or describe the suspected pictures in labels.csv.",
            )
        return _labelled(dataset, tool)
    if column is None:
        raise InputError(
            f"{dataset.name} does not say which trusted picture each suspected one is compared with; it has: "
            f"{', '.join(dataset.columns) or 'only file'}.",
            remedy="Add a column reference to labels.csv, or write pairs.csv with suspected, trusted, label.",
        )
    trusted = {item.id: item.labels.get(column, "") for item in dataset.items}
    found = _labelled(dataset, tool)
    cases, skips = [], list(found.skips)
    for case in found.cases:
        file = trusted[case.id]
        if not file:
            skips.append(Skip(case.id, "no_reference", f"{case.id} has no {column}."))
        elif not inside(dataset.root, file):
            skips.append(Skip(case.id, "outside", f"{case.id}: {file} is not below {dataset.root.name}."))
        else:
            # Pairs of one suspected picture are no independent cases.
            cases.append(case._replace(others=(file,), cluster=case.file if case.cluster == case.id else case.cluster))
    return Cases(tuple(cases), tuple(skips), found.notes)


def measurement(table: CaseTable) -> Measurement:
    """D-EER, AUC, APCER and BPCER overall; D-EER, AUC and BPCER at APCER 10 % per family, and the worst of each."""
    columns = attack_detection.AttackColumns(table)
    families = {
        name: (rows, ranking.Ranking(columns.score[rows], columns.attack[rows]))
        for name, rows in columns.by_type().items()
    }

    def measure(weights: Reals) -> Mapping[str, Reals]:
        points = columns.ranking.curve(weights)
        found = attack_detection.pad_errors(columns, points, weights)
        found |= {f"bscer{name.removeprefix('bpcer')}": rate for name, rate in found.items() if name[:5] == "bpcer"}
        found["auc"] = ranking.area(points)
        if families:
            curves = {name: one.curve(weights[..., rows]) for name, (rows, one) in families.items()}
            rates = {f"d_eer.{name}": pad.detection_eer(one) for name, one in curves.items()}
            at_ten = {f"bpcer_at_apcer_10.{name}": pad.bpcer_at_apcer(one, 0.1) for name, one in curves.items()}
            found |= rates | at_ten | {f"auc.{name}": ranking.area(one) for name, one in curves.items()}
            found["d_eer_worst"] = np.max(np.stack(list(rates.values())), axis=0)
            found["bpcer_at_apcer_10_worst"] = np.max(np.stack(list(at_ten.values())), axis=0)
        return found

    return measure


def responses(table: CaseTable) -> Measurement:
    """Non-response rates, the bona fide one under both names."""
    inner = attack_detection.non_response(table)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found = inner(weights)
        return {**found, "bsnrr": found["bpnrr"]}

    return measure


TASK = EvalTask(
    name="morph",
    title="Morphs of two people",
    protocol="Single pictures, or pictures beside a trusted one of the claimed person (morph_differential). APCER is "
    "the worst family's, at the shipped threshold; D-EER and BPCER (= BSCER) at APCER 10, 5 and 1 %, over all morphs "
    "and per family; APNRR and BPNRR (= BSNRR) are the shares without an answer.",
    tools=("morph", DIFFERENTIAL),
    needs="label (bona_fide, morph); family; subject; reference (the trusted picture) for morph_differential",
    read=read,
    observe=attack_detection.observer("morph"),
    measurement=measurement,
    baselines=attack_detection.trivial,
    responses=responses,
    figures=attack_detection.curves,
    failures=attack_detection.wrongness,
    names=("d_eer", "apcer_max", "bpcer", "bscer", "auc"),
)
