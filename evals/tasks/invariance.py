"""Invariance: whether the same face gets the same verdict when its picture is turned, tilted, mirrored or framed.

The label of the verdict on every copy is compared with that on the picture as it is, question by question;
"inconclusive" is a label of its own, so that an answer which becomes open counts as changed. Whether the verdict is
firm or leans is compared as well, and reported apart. A face that is no longer found counts as changed everywhere.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import need
from evals.data.synthesis.picture_changes import CHANGES
from evals.metrics.arrays import Reals, mean, mean_among
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from evals.views import drawn, portrait
from faceagent import judge
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, Tool, View, measure
from faceagent.types import INCONCLUSIVE, Question

QUESTIONS: tuple[Question, ...] = ("forgery", "morph", "spoof", "gender")
TOOLS = ("forgery", "morph", "spoof", "attributes")
PLAIN, SPOOF = "plain", "spoof"
LOST, LEANS = "no face", "leans to "
FAMILIES = tuple(dict.fromkeys(change.family for change in CHANGES))
BARRED = ("turn", "tilt_20")
"""Families under which every verdict must hold."""


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture with its label: "spoof" for one that was printed or shown on a screen."""
    del tool
    need(dataset, ("label",), "invariance")
    return Cases(tuple(Case(item.id, item.file, {"label": item.labels["label"]}, item.id) for item in dataset.items))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """The verdicts on the picture as it is, and on every changed copy: one word per question and change."""
    return [_observe(runner, case) for case in cases]


def _observe(runner: Runner, case: Case) -> Values | Skip:
    view = runner.look(runner.root / case.file)
    if isinstance(view, Skip):
        return view._replace(id=case.id)
    pixels, tools = view.pixels(), [runner.tools[name] for name in TOOLS]
    plain = verdicts(pixels, tools, runner.settings)
    if plain is None:
        return Skip(case.id, "no_face", f"No face was found in {case.file}.")
    found: dict[str, str] = _keyed(PLAIN, plain)
    for change in CHANGES:
        found |= _keyed(change.name, verdicts(change.change(pixels), tools, runner.settings))
    return dict(found)


def verdicts(pixels: Pixels, tools: Sequence[Tool], settings: Settings) -> Mapping[Question, str] | None:
    """The verdicts on the main face of H×W×3 RGB pixels, "live" or "leans to live", or None without a face."""
    view: View | None = portrait(drawn(np.ascontiguousarray(pixels)), settings)
    if view is None or view.face is None:
        return None
    evidence = tuple(item for tool in tools for item in measure(tool, [view])[0])
    found = {question: judge.weigh(question, view.face, evidence) for question in QUESTIONS}
    return {question: f"{LEANS * (one.status == 'leans')}{one.label}" for question, one in found.items()}


def _keyed(change: str, labels: Mapping[Question, str] | None) -> dict[str, str]:
    return {f"{question}.{change}": LOST if labels is None else labels[question] for question in QUESTIONS}


def measurement(table: CaseTable) -> Measurement:
    """Shares of equal and of opposite verdicts, and of pictures without attack that a margin turned into a spoof."""
    plain = {question: _labels(table, question, PLAIN) for question in QUESTIONS}
    equal: dict[tuple[Question, str], Reals] = {}
    firmness: dict[Question, list[Reals]] = {question: [] for question in QUESTIONS}
    opposite: dict[Question, list[Reals]] = {question: [] for question in QUESTIONS}
    turned = np.zeros(len(table), dtype=bool)
    presented = np.array(table.labels("label")) != SPOOF
    for change in CHANGES:
        for question in QUESTIONS:
            now = _labels(table, question, change.name)
            equal[question, change.name] = (now == plain[question]).astype(float)
            if change.family in BARRED:
                words = (table.words(f"{question}.{name}") for name in (PLAIN, change.name))
                firmness[question].append(np.array([one == other for one, other in zip(*words, strict=True)], float))
            decided = ~np.isin(now, (INCONCLUSIVE, LOST)) & (plain[question] != INCONCLUSIVE)
            opposite[question].append((decided & (now != plain[question])).astype(float))
            if question == "spoof" and change.family == "margin":
                turned |= (now == SPOOF) & (plain[question] != SPOOF)

    def measure_shares(weights: Reals) -> Mapping[str, Reals]:
        found: dict[str, Reals] = {}
        for question in QUESTIONS:
            each = {name: mean(values, weights) for (one, name), values in equal.items() if one == question}
            families = {
                family: np.mean([each[change.name] for change in CHANGES if change.family == family], axis=0)
                for family in FAMILIES
            }
            found[f"equal.{question}"] = np.min([families[family] for family in BARRED], axis=0)
            found |= {f"equal_{family}.{question}": share for family, share in families.items()}
            found[f"equal_and_firmness.{question}"] = np.mean(
                [mean(one, weights) for one in firmness[question]], axis=0
            )
            found[f"opposite.{question}"] = np.mean([mean(one, weights) for one in opposite[question]], axis=0)
        found["false_alarm_margin"] = mean_among(turned.astype(float), presented, weights)
        return found

    return measure_shares


def _labels(table: CaseTable, question: Question, change: str) -> NDArray[np.str_]:
    return np.array([word.removeprefix(LEANS) for word in table.words(f"{question}.{change}")], dtype=np.str_)


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Shares of equal verdicts by family of changes, question by question."""
    del table
    return tuple(
        Bars(
            f"Equal verdicts, {question}",
            tuple((family.replace("_", " "), f"equal_{family}.{question}") for family in FAMILIES),
        )
        for question in QUESTIONS
    )


TASK = EvalTask(
    name="invariance",
    title="The same face, the same verdict",
    protocol="Every picture turned by 90 and 180 degrees, tilted by 15, 20 and 30 on a black canvas, mirrored, "
    "in grey, and with nine margins, frames and shapes; verdicts are compared with those on the picture as it is.",
    tools=("analyze",),
    needs="label (spoof for a recaptured picture, anything else for others)",
    read=read,
    observe=observe,
    measurement=measurement,
    figures=figures,
    names=(*(f"equal.{question}" for question in QUESTIONS), "false_alarm_margin"),
)
