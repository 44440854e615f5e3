"""Action units: F1 of presence per unit, ICC of intensities, and F1 with thresholds chosen on other people.

A set's unit is present when its label is 1 in a set of zeros and ones, or at intensity 2 and more (DISFA's rule) in
a set with intensities. 9 and empty mean unknown (BP4D). Nothing is trained here; the subject-exclusive folds choose
one threshold per unit on two thirds of the people and judge the rest.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering, find, number
from evals.metrics import classification, ranking, regression
from evals.metrics.arrays import Flags, Reals, mean_among, nanmean
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner, skip_reason
from evals.task import CaseTable, EvalTask, Values
from faceagent.errors import InputError
from faceagent.tools.base import View
from faceagent.types import Evidence

UNIT = re.compile(r"^au[ _]?0*(\d{1,2})(?:_?(?:c|r|int|intensity|presence))?$", re.IGNORECASE)
UNKNOWN = 9.0
PRESENT = 2.0
"""Intensity from which DISFA's protocol calls a unit present."""
FOLDS = 3
SMILING = {"happy": 1.0, "happiness": 1.0, "smiling": 1.0, "neutral": 0.0}
"""Expressions that say whether somebody smiles."""
SMILE_UNITS = ("AU6", "AU12")
"""Cheek raiser and lip corner puller, the units of a smile (FACS)."""


def read(dataset: Dataset, tool: str) -> Cases:
    """One case per picture with at least one known unit; truth holds ``AU12`` as labelled."""
    del tool
    columns = {name: f"AU{int(found[1])}" for name in dataset.columns if (found := UNIT.match(name))}
    if not columns:
        raise InputError(
            f"{dataset.name} has no column for an action unit; it has: {', '.join(dataset.columns) or 'only file'}.",
            remedy="Call the columns AU1, AU2, ...: 0 and 1 for presence, or 0 to 5 for intensity.",
        )
    grouped, note = clustering(dataset, SUBJECT)
    emotion = find(dataset, ("emotion", "expression"))
    cases, skips = [], []
    for item in dataset.items:
        values = {unit: number(item, name) for name, unit in columns.items()}
        known = {unit: value for unit, value in values.items() if not isinstance(value, Skip) and value != UNKNOWN}
        if known:
            shown = (
                {"smiling": SMILING[word]} if (word := item.labels.get(emotion or "", "").lower()) in SMILING else {}
            )
            cases.append(Case(item.id, item.file, {**known, **shown}, cluster_of(item, grouped)))
        else:
            skips.append(Skip(item.id, "missing_label", f"{item.id} has no known action unit."))
    return Cases(tuple(cases), tuple(skips), () if note is None else (note,))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Intensity and presence of every unit that could be measured."""
    return runner.faces(cases, reading)


def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
    """``AU12`` (0-5) and ``AU12_present`` (0, 1) per unit."""
    del view
    values: dict[str, float] = {}
    for item in evidence:
        name = item.id.rpartition(":")[2]
        if item.status == "ok" and item.score is not None and name.startswith("AU"):
            values |= {name: item.score.value, f"{name}_present": float(item.label == "present")}
    return values or skip_reason(evidence)


class UnitColumns:
    """One unit's rows: which pictures have it labelled and measured, and what both say."""

    def __init__(self, table: CaseTable, name: str, folds: Reals) -> None:
        truth, found = table.truth(name), table.numbers(name)
        self.rows: Flags = ~np.isnan(truth) & ~np.isnan(found)
        self.graded = bool((truth[self.rows] > 1).any())
        self.truth, self.intensity = truth[self.rows], found[self.rows]
        self.present: Flags = self.truth >= (PRESENT if self.graded else 1.0)
        self.answer: Flags = table.numbers(f"{name}_present")[self.rows] > 0
        self.chosen = self._by_fold(folds[self.rows])

    def _by_fold(self, folds: Reals) -> Flags:
        """The answer with a threshold chosen on the other folds' people: the one with the best balanced accuracy."""
        answer = self.answer.copy()
        for index in range(FOLDS):
            train, test = folds != index, folds == index
            kinds = self.present[train]
            if test.any() and kinds.any() and not kinds.all():
                threshold = ranking.threshold_of_best_accuracy(self.intensity[train], kinds)
                answer[test] = self.intensity[test] >= threshold
        return answer


def units(table: CaseTable) -> dict[str, UnitColumns]:
    """Every unit that is both labelled and measured somewhere."""
    names = sorted(
        {name for case in table.cases for name in case.truth if UNIT.match(name)}, key=lambda name: int(name[2:])
    )
    people = sorted(set(table.clusters))
    folds = np.array([people.index(name) % FOLDS for name in table.clusters], dtype=float)
    found = {name: UnitColumns(table, name, folds) for name in names}
    return {name: unit for name, unit in found.items() if unit.rows.any()}


def higher_when_smiling(table: CaseTable) -> tuple[Flags, dict[str, Reals]]:
    """One row per person with a neutral and a smiling picture, and per smile unit whether its intensity rose there."""
    smiling, people = table.truth("smiling"), np.array(table.clusters)
    rows = np.zeros(len(table), dtype=bool)
    intensity = {name: table.numbers(name) for name in SMILE_UNITS}
    rose = {name: np.zeros(len(table)) for name in SMILE_UNITS}
    for person in sorted(set(people[~np.isnan(smiling)].tolist())):
        pair = [np.flatnonzero((people == person) & (smiling == kind)) for kind in (0, 1)]
        if all(len(one) == 1 for one in pair):
            neutral, smile = pair[0][0], pair[1][0]
            rows[smile] = True
            for name, found in intensity.items():
                rose[name][smile] = float(found[smile] > found[neutral])
    return rows, rose


def measurement(table: CaseTable) -> Measurement:
    """F1 per unit and mean; the same with thresholds from other people; AUC; ICC where intensities are labelled."""
    found = units(table)
    pairs, rose = higher_when_smiling(table)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        metrics: dict[str, Reals] = {}
        if pairs.any():
            metrics = {
                f"higher_when_smiling.{name}": mean_among(values, pairs, weights) for name, values in rose.items()
            }
        for name, unit in found.items():
            mine = weights[..., unit.rows]
            metrics[f"f1.{name}"] = classification.binary_f1(unit.present, unit.answer, mine)
            metrics[f"f1_folds.{name}"] = classification.binary_f1(unit.present, unit.chosen, mine)
            metrics[f"auc.{name}"] = ranking.auc(unit.intensity, unit.present, mine)
            if unit.graded:
                metrics[f"icc.{name}"] = regression.icc(unit.truth, unit.intensity, mine)
                metrics[f"intensity_mae.{name}"] = regression.mae(unit.truth, unit.intensity, mine)
        for family, title in (("f1.", "f1_macro"), ("f1_folds.", "f1_folds_macro"), ("icc.", "icc_mean")):
            members = [values for name, values in metrics.items() if name.startswith(family)]
            if members:
                metrics[title] = nanmean(np.stack(members))
        return metrics

    return measure


def always(table: CaseTable) -> Measurement:
    """Every unit called present everywhere: the F1 that prevalence alone gives."""
    found = units(table)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        scores = [
            classification.binary_f1(unit.present, np.ones(len(unit.present), dtype=bool), weights[..., unit.rows])
            for unit in found.values()
        ]
        return {"always_present_f1_macro": np.mean(np.nan_to_num(np.stack(scores)), axis=0)} if scores else {}

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """F1 per unit."""
    names = tuple(units(table))
    return (Bars("F1 per action unit", tuple((name, f"f1.{name}") for name in names)),) if names else ()


def failures(table: CaseTable) -> Reals:
    """Pictures by the share of their labelled units that were called wrongly."""
    wrong, known = np.zeros(len(table)), np.zeros(len(table))
    for unit in units(table).values():
        wrong[unit.rows] += unit.answer != unit.present
        known[unit.rows] += 1
    return np.where(wrong > 0, wrong / np.maximum(known, 1), np.nan)


TASK = EvalTask(
    name="action_units",
    title="Action units",
    protocol="F1 of presence at the tool's own threshold, macro mean; again with thresholds chosen on other "
    "people (three subject-exclusive folds); ICC(3,1) and mean absolute error where intensities are labelled; of "
    "people with a neutral and a smiling picture, the share whose AU6 and AU12 are higher when smiling.",
    tools=("action_units",),
    needs="AU1, AU2, ... (0 and 1, or 0-5); subject",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=always,
    figures=figures,
    failures=failures,
    names=("f1_macro",),
)
