"""Fairness: the tool's errors per group, and the widest gap between groups.

Groups are the set's own words for race, gender and age; faceagent itself never estimates race. Small groups
(``SMALL``) are given but take no part in the gap. Errors that are equal because they are equally bad are not fair:
read the gap beside the overall error.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import find
from evals.metrics.arrays import Flags, Reals, mean_among
from evals.metrics.bootstrap import Measurement
from evals.plots import Figure, GroupTable
from evals.runner import Reading, Runner
from evals.task import UNPRESENTED, CaseTable, EvalTask, Values
from evals.tasks import attack_detection, attributes, expression
from evals.tasks.robustness import BASES
from faceagent.errors import InputError

GROUPINGS = ("race", "ethnicity", "skin_tone", "skin", "gender", "sex", "age", "age_group")
SMALL = 20
TOOLS = ("attributes", "forgery", "spoof", "morph", "expression")


def read(dataset: Dataset, tool: str) -> Cases:
    """Cases of the tool's own task with their groups; for a detector, a set of unaltered faces needs no label."""
    columns = [column for name in GROUPINGS if (column := find(dataset, (name,)))]
    if not columns:
        raise InputError(
            f"{dataset.name} names no groups; it has: {', '.join(dataset.columns) or 'only file'}.",
            remedy=f"Call the columns any of: {', '.join(GROUPINGS)}.",
        )
    note = None
    if tool in BASES and (tool in ("attributes", "expression") or find(dataset, attack_detection.LABEL)):
        found = BASES[tool].task.read(dataset, tool)
    else:
        note = f"No labels for {tool}: the pictures are taken for unaltered, so errors are false alarms."
        found = Cases(
            tuple(Case(item.id, item.file, {"class": attack_detection.BONA_FIDE}, item.id) for item in dataset.items)
        )
    labels = {item.id: item.labels for item in dataset.items}
    cases = tuple(
        case._replace(truth={**case.truth, "tool": tool, **{f"group_{name.lower()}": _group(labels[case.id][name], name)
                                                            for name in columns if labels[case.id].get(name)}})
        for case in found.cases
    )  # fmt: skip
    return Cases(cases, found.skips, (*found.notes, *(() if note is None else (note,))))


def _group(word: str, column: str) -> str:
    """Single years become bands of ten; everything else is taken as it is written."""
    if column.lower().startswith("age") and word.replace(".", "", 1).isdigit():
        first = int(float(word)) // 10 * 10
        return f"{first}-{first + 9}"
    return word.strip().replace(" ", "_")


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """The tool's answer, or that there was none: a face that is not found is an error of its own."""
    reading: Reading = BASES[runner.subject].reading
    found: list[Values | Skip] = []
    for answer in runner.faces(cases, reading):
        if not isinstance(answer, Skip):
            found.append({**answer, "answered": 1.0})
        else:
            found.append(answer if answer.reason in UNPRESENTED else {"answered": 0.0})
    return found


def errors(table: CaseTable) -> dict[str, Reals]:
    """Errors by name, NaN where they do not apply."""
    tool = table.labels("tool")[0]
    answered = table.numbers("answered") > 0
    found: dict[str, Reals] = {"non_response": (~answered).astype(float)}
    if tool == "attributes":
        columns = attributes.AttributeColumns(table)
        found["gender_error"] = np.where(columns.gendered & columns.adult, ~columns.right, np.nan)
        found["age_error"] = np.where(columns.aged, np.abs(columns.age - columns.middle), np.nan)
    elif tool == "expression":
        rows = table.keep(answered)
        wrong = np.full(len(table), np.nan)
        if len(rows):
            answers = expression.ExpressionAnswers(rows)
            wrong[answered] = np.where(answers.known, answers.guess != answers.truth, np.nan)
        found["expression_error"] = wrong
    else:
        attack = np.array([label == attack_detection.ATTACK for label in table.labels("class")], dtype=bool)
        called = table.numbers("called")
        found["false_alarm"] = np.where(attack, np.nan, called)
        if attack.any():
            found["miss"] = np.where(attack, 1.0 - called, np.nan)
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def groups(table: CaseTable) -> dict[str, dict[str, Flags]]:
    """Rows of every group of every grouping."""
    kinds = sorted({key for case in table.cases for key in case.truth if key.startswith("group_")})
    found = {}
    for kind in kinds:
        words = np.array(table.labels(kind))
        names = sorted(set(words.tolist()) - {""}, key=_place)
        found[kind.removeprefix("group_")] = {word: words == word for word in names}
    return found


def _place(word: str) -> tuple[float, str]:
    """Bands of numbers in the order of their first, words after them by the alphabet."""
    first = re.match(r"\d+", word)
    return (float(first[0]) if first else np.inf, word)


def measurement(table: CaseTable) -> Measurement:
    """Every error overall and per group, and per grouping the gap between the worst and the best group."""
    wrong, members = errors(table), groups(table)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found: dict[str, Reals] = {}
        gaps: dict[str, Reals] = {}
        for error, values in wrong.items():
            known = ~np.isnan(values)
            found[error] = mean_among(values, known, weights)
            for grouping, rows in members.items():
                rates = {}
                for word, mine in rows.items():
                    if (known & mine).any():
                        found[f"{error}.{grouping}.{word}"] = rate = mean_among(values, known & mine, weights)
                        if (known & mine).sum() >= SMALL:
                            rates[word] = rate
                if len(rates) > 1:
                    stack = np.stack(list(rates.values()))
                    gaps[f"gap_{error}.{grouping}"] = stack.max(axis=0) - stack.min(axis=0)
        shares = [gap for name, gap in gaps.items() if "age_error" not in name]
        worst = {"worst_gap": np.max(np.stack(shares), axis=0)} if shares else {}
        return {**worst, **found, **gaps}

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """One table per grouping: every error of every group, everybody's below, and the gap."""
    names = tuple(errors(table))
    titles = tuple(name.replace("_", " ") for name in names)
    return tuple(
        GroupTable(
            f"Errors by {grouping.replace('_', ' ')}",
            (grouping.replace("_", " "), "faces", *titles),
            (
                *(
                    (word.replace("_", " "), str(int(mine.sum())), tuple(f"{name}.{grouping}.{word}" for name in names))
                    for word, mine in rows.items()
                ),
                ("everybody", str(len(table)), names),
                (f"gap, groups of {SMALL} and more", "", tuple(f"gap_{name}.{grouping}" for name in names)),
            ),
        )
        for grouping, rows in groups(table).items()
    )


TASK = EvalTask(
    name="fairness",
    title="Errors per group",
    protocol=f"Error per group with its interval; gap between the worst and the best group of at least {SMALL} "
    "faces; a face without an answer is an error called non_response. worst_gap is over shares (not years).",
    tools=TOOLS,
    needs="race, gender, age or another grouping, and the labels of the tool's own task",
    read=read,
    observe=observe,
    measurement=measurement,
    figures=figures,
    names=("worst_gap",),
)
