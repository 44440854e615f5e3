"""Apparent age and gender: error in years, groups, and gender of adults and of everybody.

A label may be a year or a band ("30-39", "more than 70"); errors are measured to the middle of a band. Gender is
judged on adults (18 and older by label), because that is what the tool is stated for; everybody is given beside it.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering, find
from evals.metrics import regression
from evals.metrics.arrays import Flags, Reals, mean, mean_among, median, share
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner, skip_reason
from evals.task import CaseTable, EvalTask, Values
from faceagent.errors import InputError
from faceagent.tools.base import View
from faceagent.types import Evidence

AGE = ("age", "age_years", "years", "age_group")
GENDER = ("gender", "sex")
WORDS = {
    **dict.fromkeys(("male", "man", "m", "boy"), "male"),
    **dict.fromkeys(("female", "woman", "f", "girl"), "female"),
}
OLDEST = 80
"""Upper end of an open band such as "more than 70"."""
ADULT = 18
GROUPS = (0, 3, 10, 20, 30, 40, 50, 60, 70, 200)
"""FairFace's bands, in which group accuracy is counted."""
BAND = re.compile(r"^(\d{1,3})\s*(?:-|to|–)\s*(\d{1,3})$")
OPEN = re.compile(r"^(?:more than|over|above|>=?)\s*(\d{1,3})$|^(\d{1,3})\s*\+$")


def years(label: str) -> tuple[float, float] | None:
    """First and last year that an age label stands for, or None when it is not understood."""
    text = label.strip().lower()
    if band := BAND.match(text):
        return float(band[1]), float(band[2])
    if over := OPEN.match(text):
        first = float(over[1] or over[2])
        return first, max(first, float(OLDEST))
    try:
        value = float(text)
    except ValueError:
        return None
    return (value, value) if 0 <= value < 130 else None


def read(dataset: Dataset, tool: str) -> Cases:
    """One case per picture with a known age or gender."""
    del tool
    age, gender = find(dataset, AGE), find(dataset, GENDER)
    if age is None and gender is None:
        raise InputError(
            f"{dataset.name} has neither age nor gender; it has: {', '.join(dataset.columns) or 'only file'}.",
            remedy="Call the columns age (years or a band such as 30-39) and gender (male, female).",
        )
    grouped, note = clustering(dataset, SUBJECT)
    cases, skips = [], []
    for item in dataset.items:
        truth: dict[str, str | float] = {}
        span = years(item.labels.get(age, "")) if age else None
        if span is not None:
            truth |= {"age_from": span[0], "age_to": span[1]}
        word = WORDS.get(item.labels.get(gender, "").strip().lower()) if gender else None
        if word is not None:
            truth["gender"] = word
        if truth:
            cases.append(Case(item.id, item.file, truth, cluster_of(item, grouped)))
        else:
            said = ", ".join(f"{name} {item.labels.get(name, '')!r}" for name in (age, gender) if name)
            skips.append(Skip(item.id, "unknown_label", f"{item.id}: {said} is not understood."))
    return Cases(tuple(cases), tuple(skips), () if note is None else (note,))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Age with its interval, and gender."""
    return runner.faces(cases, reading)


def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
    """``age``, ``low``, ``high`` in years and ``gender``, what there is of them."""
    del view
    values: dict[str, float | str] = {}
    for item in evidence:
        # What rests on another item, the distance from the training faces, is no estimate.
        if item.status != "ok" or item.score is None or item.cites:
            continue
        if item.question == "age":
            values["age"] = item.score.value
            if item.score.low is not None and item.score.high is not None:
                values |= {"low": item.score.low, "high": item.score.high}
        elif item.question == "gender" and item.label:
            values["gender"] = item.label
    return values or skip_reason(evidence)


class AttributeColumns:
    """Truth and answers as arrays."""

    def __init__(self, table: CaseTable) -> None:
        self.first, self.last = table.truth("age_from"), table.truth("age_to")
        self.middle: Reals = (self.first + self.last) / 2
        self.age = table.numbers("age")
        self.low, self.high = table.numbers("low"), table.numbers("high")
        self.aged: Flags = ~np.isnan(self.middle) & ~np.isnan(self.age)
        truth, answer = np.array(table.labels("gender")), np.array(table.words("gender"))
        self.gendered: Flags = (truth != "") & (answer != "")
        self.right: Flags = truth == answer
        self.truth = truth
        # A set without ages is taken at its word that it shows adults.
        self.adult: Flags = np.isnan(self.first) | (self.first >= ADULT)


def group(ages: Reals) -> Reals:
    """Index of the band that each age falls into."""
    return np.searchsorted(np.array(GROUPS), np.floor(ages), side="right").astype(float)


def bands(columns: AttributeColumns) -> dict[str, Flags]:
    """Rows with an age in every band that occurs."""
    labelled = group(columns.middle)
    found = {}
    for index in range(1, len(GROUPS)):
        rows = columns.aged & (labelled == index)
        if rows.any():
            found[f"{GROUPS[index - 1]}-{GROUPS[index] - 1}" if index < len(GROUPS) - 1 else "70+"] = rows
    return found


def measurement(table: CaseTable) -> Measurement:
    """Age error, over all and per band, bias, CS@5, group accuracy, interval coverage; gender accuracy."""
    columns = AttributeColumns(table)
    rows = columns.aged
    truth, age = columns.middle[rows], np.maximum(columns.age[rows], 0.0)
    low, high = columns.low[rows], columns.high[rows]
    covered = (low - 0.5 <= truth) & (truth <= high + 0.5)
    same_group = group(truth) == group(age)
    by_band = {name: band[rows] for name, band in bands(columns).items()}

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found: dict[str, Reals] = {}
        if rows.any():
            mine = weights[..., rows]
            found |= {
                "age_mae": regression.mae(truth, age, mine),
                "age_bias": regression.bias(truth, age, mine),
                "cs_5": regression.cumulative_score(truth, age, 5.0, mine),
                "age_group_accuracy": mean(same_group, mine),
                **{f"age_mae.{name}": mean_among(np.abs(truth - age), band, mine) for name, band in by_band.items()},
            }
            if not np.isnan(low).any():
                found["age_interval_coverage"] = mean(covered, mine)
        if columns.gendered.any():
            found["gender_accuracy"] = share(columns.right, columns.gendered & columns.adult, weights)
            found["gender_accuracy_everybody"] = share(columns.right, columns.gendered, weights)
            for name in ("female", "male"):
                among = columns.gendered & columns.adult & (columns.truth == name)
                found[f"gender_accuracy.{name}"] = share(columns.right, among, weights)
        return found

    return measure


def constant(table: CaseTable) -> Measurement:
    """Always the set's median age, and always its more frequent gender."""
    columns = AttributeColumns(table)
    rows = columns.aged
    truth = columns.middle[rows]
    guess = np.full(len(truth), float(median(truth)) if len(truth) else np.nan)
    among = columns.gendered & columns.adult
    names, counts = np.unique(columns.truth[among], return_counts=True)
    top = names[int(np.argmax(counts))] if len(names) else ""

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found: dict[str, Reals] = {}
        if rows.any():
            found["median_age_mae"] = regression.mae(truth, guess, weights[..., rows])
        if among.any():
            found["majority_gender_accuracy"] = share(columns.truth == top, among, weights)
        return found

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Age error per band."""
    names = tuple(bands(AttributeColumns(table)))
    return (
        (Bars("Mean absolute age error per band, years", tuple((n, f"age_mae.{n}") for n in names)),) if names else ()
    )


def failures(table: CaseTable) -> Reals:
    """The largest age errors; a wrong gender counts as ten years."""
    columns = AttributeColumns(table)
    error = np.nan_to_num(np.abs(columns.age - columns.middle)) + 10.0 * (columns.gendered & ~columns.right)
    return np.where(error >= 5, error, np.nan)


TASK = EvalTask(
    name="attributes",
    title="Apparent age and gender",
    protocol="Mean absolute error to the label, or to the middle of its band; CS@5; FairFace's bands for group "
    "accuracy. gender_accuracy is of adults.",
    tools=("attributes",),
    needs="age (years or a band) and gender; one of them suffices",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=constant,
    figures=figures,
    failures=failures,
    names=("age_mae", "gender_accuracy"),
)
