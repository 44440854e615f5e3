"""Picture quality: does discarding the worst pictures make the others' errors smaller (ISO/IEC 29794-1)?

Quality has no truth of its own; it is judged by the errors of a tool on the same pictures. Which error depends on
what the set labels: non-matches of the same person at FMR 1 %, landmark errors, age errors, wrong genders, or faces on
the wrong side of the forgery detector's threshold of equal errors.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.metrics import quality, ranking
from evals.metrics.arrays import Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.metrics.landmarks import normalised_error
from evals.plots import Figure, Plot, line
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from evals.tasks import attributes, forgery, identity, landmarks
from evals.tasks.attack_detection import ATTACK
from evals.tasks.attack_scores import score_of
from faceagent.errors import InputError
from faceagent.faces.quality import COMPONENTS
from faceagent.tools.base import measure as measured
from faceagent.tools.identity import Identity
from faceagent.tools.identity_evidence import comparable

NAMES = ("unified", *COMPONENTS)
FMR = 0.01
SHARES = (0.1, 0.2, 0.4)


def read(dataset: Dataset, tool: str) -> Cases:
    """Cases of the first of landmarks, identity, attributes and forgery that the set has labels for."""
    del tool
    judges = {"nme": landmarks, "mate": identity, "age": attributes, "forgery": forgery}
    for outcome, task in ((name, module.TASK) for name, module in judges.items()):
        if outcome == "mate" and "second" in dataset.columns:
            continue
        try:
            found = task.read(dataset, task.tools[0])
        except InputError:
            continue
        people = [case.cluster for case in found.cases]
        if outcome == "mate" and len(set(people)) == len(people):
            continue
        cases = tuple(case._replace(truth={**case.truth, "outcome": outcome}) for case in found.cases)
        note = {"nme": "landmark errors", "mate": f"non-matches at FMR {FMR:.0%}", "age": "age and gender errors"}
        note["forgery"] = "faces on the wrong side of the forgery detector's threshold of equal errors"
        return Cases(cases, found.skips, (*found.notes, f"Quality is judged by {note[outcome]}."))
    raise InputError(
        f"{dataset.name} has no labels by which quality could be judged; it has: {', '.join(dataset.columns)}.",
        remedy="Label people (subject), 68 points (x0, y0, ...), age and gender, or what is forged.",
    )


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Quality components of every face, and what the outcome needs."""
    return [_observe(runner, case) for case in cases]


def _observe(runner: Runner, case: Case) -> Values | Skip:
    view = runner.face(runner.root / case.file)
    if isinstance(view, Skip) or view.face is None:
        skip = view if isinstance(view, Skip) else Skip("", "no_face", "No face was found.")
        return skip._replace(id=case.id)
    values: dict[str, object] = {f"q_{name}": float(getattr(view.face.quality, name)) for name in NAMES}
    outcome = case.truth["outcome"]
    if outcome == "nme":
        truth = np.array([[float(case.truth[f"{axis}{i}"]) for axis in "xy"] for i in range(landmarks.COUNT)])
        values["nme"] = float(normalised_error(truth, landmarks.located(view)))
    elif outcome == "mate":
        tool = runner.tools["identity"]
        if not isinstance(tool, Identity) or not comparable(view):
            return Skip(case.id, "face_unusable", f"{case.id}: the face cannot be compared.")
        values["embedding"] = [round(float(value), 6) for value in tool.embed([view])[0]]
    elif outcome == "forgery":
        answer = score_of(measured(runner.tools["forgery"], [view])[0], "forgery")
        if isinstance(answer, Skip):
            return answer._replace(id=case.id)
        values["score"] = answer["score"]
    else:
        answer = attributes.reading(measured(runner.tools["attributes"], [view])[0], view)
        if isinstance(answer, Skip):
            return answer._replace(id=case.id)
        values |= answer
    return values


class QualityOutcome:
    """Quality and error of what is discarded: pictures, or pairs of one person (the worse picture counts)."""

    def __init__(self, table: CaseTable) -> None:
        kind = table.labels("outcome")[0] if len(table) else ""
        self.rows = np.arange(len(table))
        self.partners = self.rows
        if kind == "mate":
            self._match(table)
        elif kind == "nme":
            self.error = table.numbers("nme")
        elif kind == "forgery":
            scores, attack = table.numbers("score"), np.array([label == ATTACK for label in table.labels("class")])
            line = ranking.threshold_at_equal_error(ranking.curve(scores, attack))
            self.error = ((scores >= line) != attack).astype(float)
        else:
            columns = attributes.AttributeColumns(table)
            years = np.abs(columns.age - columns.middle)
            self.error = years if columns.aged.any() else (~columns.right).astype(float)
            self.rows = self.partners = np.flatnonzero(~np.isnan(self.error))
            self.error = self.error[self.rows]
        self.quality = {
            name: np.minimum(table.numbers(f"q_{name}")[self.rows], table.numbers(f"q_{name}")[self.partners])
            for name in NAMES
        }

    def _match(self, table: CaseTable) -> None:
        vectors, names = np.asarray(table.numbers("embedding")), table.labels("subject")
        who = np.unique(names, return_inverse=True)[1].astype(np.int64)
        i, j = identity.pairs_of(who)
        cosines, same = identity.cosines(vectors, i, j), who[i] == who[j]
        accepted = np.quantile(cosines[~same], 1 - FMR) if (~same).any() else np.nan
        self.rows, self.partners = i[same], j[same]
        self.error = (cosines[same] < accepted).astype(float)

    def weigh(self, weights: Reals) -> Reals:
        """Both pictures of a pair are of one person, and so drawn together."""
        return weights[..., self.rows]


def measurement(table: CaseTable) -> Measurement:
    """Error at 0, 10, 20 and 40 % discarded, the gain over all shares, and the gain of every component."""
    found = QualityOutcome(table)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        mine = found.weigh(weights)
        unified = found.quality["unified"]
        return {
            "edc_gain": quality.discard_gain(unified, found.error, mine),
            "error_without_discard": mean(found.error, mine),
            **{
                f"error_at_discard_{share:.0%}".rstrip("%"): quality.error_after_discard(
                    unified, found.error, share, mine
                )
                for share in SHARES
            },
            **{
                f"edc_gain.{name}": quality.discard_gain(values, found.error, mine)
                for name, values in found.quality.items()
                if name != "unified"
            },
        }

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Error over the share discarded, by the unified score and by every component."""
    found = QualityOutcome(table)
    series = []
    for name, values in found.quality.items():
        curve = quality.error_versus_discard(values, found.error)
        series.append(line(name, curve.discarded, curve.error))
    return (Plot("Error versus discard", "share discarded", "mean error of the rest", tuple(series), unit=False),)


TASK = EvalTask(
    name="quality",
    title="Picture quality",
    protocol="Error-versus-discard characteristic; edc_gain is 0 when quality says nothing about errors and negative "
    "when it misleads.",
    tools=("quality",),
    needs="subject with several pictures each, or 68 points, or age and gender, or what is forged",
    read=read,
    observe=observe,
    measurement=measurement,
    figures=figures,
    names=("edc_gain",),
)
