"""Same person or not: rates at fixed false accept rates, and the time one face takes.

Two kinds of sets. A list of pairs is taken as it is. A set that names the person on every picture gives all pairs of
its pictures; impostors beyond ``IMPOSTORS`` pairs are drawn, always the same ones. A rate is stated only where there
are impostors enough to speak of it (three expected errors).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, need, translated
from evals.data.pairs import OTHER, SAME
from evals.metrics import ranking, verification
from evals.metrics.arrays import Flags, Reals, Whole, median, share
from evals.metrics.bootstrap import ELEMENTS, Measurement
from evals.plots import Figure, roc
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.errors import InputError
from faceagent.judge.calibrate import Platt, calibration
from faceagent.tools.identity import Identity
from faceagent.tools.identity_evidence import CALIBRATION, comparable

IMPOSTORS = 200_000
FARS = (1e-2, 1e-3, 1e-4, 1e-5)
NAMED_FMR = 1e-3
"""False match rate at which the cosine itself is stated."""
BUDGETS = (100, 500, 1000)
"""Milliseconds per face of the FRUITS tracks (WebFace260M)."""
WORDS = {
    **dict.fromkeys(("same", "1", "true", "genuine", "mated", "yes"), SAME),
    **dict.fromkeys(("different", "other", "0", "false", "impostor", "non_mated", "no"), OTHER),
}


def read(dataset: Dataset, tool: str) -> Cases:
    """Pairs as listed, or every picture with the name of its person."""
    del tool
    if "second" in dataset.columns:
        column = need(dataset, ("label", "same", "is_same", "mated", "genuine"), "identity")
        known, unknown = translated(dataset.items, column, WORDS)
        cases = [
            Case(
                item.id,
                item.file,
                {
                    "same": float(meaning == SAME),
                    "subject": item.labels.get("subject") or item.file,
                    "second": item.labels.get("second_subject") or item.labels["second"],
                    "fold": item.labels.get("fold", ""),
                },
                item.labels.get("subject") or item.file,
                (item.labels["second"],),
            )
            for item, meaning in known
        ]
        return Cases(tuple(cases), tuple(unknown))
    column = need(dataset, SUBJECT, "identity")
    cases, skips = [], []
    for item in dataset.items:
        name = item.labels.get(column, "")
        if name:
            cases.append(Case(item.id, item.file, {"subject": name}, name))
        else:
            skips.append(Skip(item.id, "missing_label", f"{item.id} has no {column}."))
    return Cases(tuple(cases), tuple(skips))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """The embedding of every picture, or the cosine of every pair."""
    tool = runner.tool
    if not isinstance(tool, Identity):
        raise InputError(f"{runner.subject} gives no embeddings.", remedy="Use --tool identity.")
    return [_pair(runner, tool, case) if case.others else _single(runner, tool, case) for case in cases]


def embedding(runner: Runner, tool: Identity, file: str) -> tuple[list[float], float] | Skip:
    """Unit vector and milliseconds from file to vector, or why there is none."""
    started = time.perf_counter()
    face = runner.face(runner.root / file)
    if isinstance(face, Skip):
        return face
    if not comparable(face):
        reason = face.face.reasons["identity"][0] if face.face else "no_face"
        return Skip("", reason, f"{file}: the face cannot be compared ({reason.replace('_', ' ')}).")
    vector = tool.embed([face])[0]
    return [round(float(value), 6) for value in vector], (time.perf_counter() - started) * 1000


def _single(runner: Runner, tool: Identity, case: Case) -> Values | Skip:
    found = embedding(runner, tool, case.file)
    return found._replace(id=case.id) if isinstance(found, Skip) else {"embedding": found[0], "ms": round(found[1], 3)}


def _pair(runner: Runner, tool: Identity, case: Case) -> Values | Skip:
    found = [embedding(runner, tool, file) for file in (case.file, *case.others)]
    vectors, spent = [], 0.0
    for one in found:
        if isinstance(one, Skip):
            return one._replace(id=case.id)
        vectors.append(one[0])
        spent += one[1]
    return {"cosine": float(np.dot(vectors[0], vectors[1])), "ms": round(spent / len(found), 3)}


class Comparisons(NamedTuple):
    """Scores of pairs, which are of one person, and how weights of cases become weights of pairs."""

    score: Reals
    same: Flags
    weigh: Callable[[Reals], Reals]
    cases: tuple[Whole, Whole]
    """Rows of the table that every pair is made of; the same row twice where a row is a pair."""
    listed: bool = False
    """Whether somebody chose the pairs, as in LFW's protocol."""


def comparisons(table: CaseTable) -> Comparisons:
    """All comparisons that a table holds."""
    if not len(table) or "cosine" in table.values[0]:
        rows = np.arange(len(table))
        return Comparisons(
            table.numbers("cosine"), table.truth("same") > 0, lambda weights: weights, (rows, rows), listed=True
        )
    vectors = np.asarray(table.numbers("embedding"))
    people = table.labels("subject")
    names = sorted(set(people))
    who = np.array([names.index(name) for name in people])
    first = np.array([people.index(name) for name in names])
    i, j = pairs_of(who)
    same = who[i] == who[j]
    pairs = verification.Pairs(who[i], who[j])
    score = cosines(vectors, i, j)
    return Comparisons(score, same, lambda weights: pairs.weights(weights[..., first]), (i, j))


def folds_of(table: CaseTable, found: Comparisons) -> Whole | None:
    """The list's own folds, or ten that are dealt out; None where nobody chose the pairs."""
    if not found.listed or not len(table):
        return None
    own = table.labels("fold")
    return np.unique(own, return_inverse=True)[1] if all(own) else verification.dealt(found.score, found.same)


def pairs_of(who: Whole) -> tuple[Whole, Whole]:
    """First and second of every pair of one person, and of impostors: all of them, or ``IMPOSTORS`` drawn.

    Nothing of the size of all pairs is ever made, so that many pictures fit too.
    """
    n = len(who)
    total = n * (n - 1) // 2
    if total <= 2 * IMPOSTORS:
        i, j = np.triu_indices(n, k=1)
        return np.asarray(i, np.int64), np.asarray(j, np.int64)
    groups = [np.flatnonzero(who == name) for name in np.unique(who)]
    own = [rows[np.stack(np.triu_indices(len(rows), k=1))] for rows in groups if len(rows) > 1]
    drawn = np.sort(np.random.default_rng(0).integers(n, size=(2, 3 * IMPOSTORS)), axis=0)
    impostors = np.unique(drawn[:, who[drawn[0]] != who[drawn[1]]], axis=1)
    kept = np.sort(np.random.default_rng(1).permutation(impostors.shape[1])[:IMPOSTORS])
    both = np.concatenate([*own, impostors[:, kept]], axis=1)
    return both[0], both[1]


def cosines(vectors: Reals, i: Whole, j: Whole, at_once: int = 20_000) -> Reals:
    """Cosine of every pair of unit vectors, few at a time: the vectors of all pairs would fill the memory."""
    parts = [
        np.einsum("nd,nd->n", vectors[i[start : start + at_once]], vectors[j[start : start + at_once]])
        for start in range(0, len(i), at_once)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def in_parts(weights: Reals, pairs: int, function: Callable[[Reals], Mapping[str, Reals]]) -> dict[str, Reals]:
    """``function`` over a few rows of weights at a time: there are many more pairs than cases."""
    step = max(1, ELEMENTS // max(pairs, 1))
    parts = [function(weights[start : start + step]) for start in range(0, len(weights), step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def shipped_thresholds() -> dict[str, float]:
    """The tool's own operating points: cosines by a name such as ``fmr_0.1_%``."""
    fitted = calibration(CALIBRATION)
    points = fitted.operating_points if isinstance(fitted, Platt) else ()
    return {point.name.lower().replace(" ", "_"): point.threshold for point in points}


def measurement(table: CaseTable) -> Measurement:
    """AUC, EER, TAR at FAR, FNMR at FMR, both errors at the shipped thresholds, and milliseconds per face."""
    found = comparisons(table)
    ranked = ranking.Ranking(found.score, found.same)
    impostors = int((~found.same).sum())
    spent = table.numbers("ms")
    folds = folds_of(table, found)
    shipped = shipped_thresholds()

    def rates(weights: Reals) -> Mapping[str, Reals]:
        by = found.weigh(weights)
        points = ranked.curve(by)
        values = {"auc": ranking.area(points), "eer": ranking.equal_error(points)}
        for far in FARS:
            stated = verification.supports(far, impostors)
            tar = verification.tar_at_far(points, far)
            name = f"{far:.0e}".replace("e-0", "e-")
            values[f"tar_at_far_{name}"] = tar if stated else np.full(tar.shape, np.nan)
            values[f"fnmr_at_fmr_{name}"] = 1.0 - values[f"tar_at_far_{name}"]
            if far == NAMED_FMR:
                cosine = ranking.threshold_at_fpr(points, far)
                values[f"cosine_at_fmr_{name}"] = cosine if stated else np.full(cosine.shape, np.nan)
        for name, threshold in shipped.items():
            values[f"impostors_accepted_at.{name}"] = share(found.score >= threshold, ~found.same, by)
            values[f"genuine_refused_at.{name}"] = share(found.score < threshold, found.same, by)
        return values

    def measure(weights: Reals) -> Mapping[str, Reals]:
        values = in_parts(weights, len(found.score), rates)
        values["ms_per_face"] = median(spent, weights)
        # The strictest rate that can be stated counts for every track whose time is kept.
        stated = [name for name in values if name.startswith("fnmr") and not np.isnan(values[name]).all()]
        for budget in BUDGETS if stated else ():
            fits = float(median(spent)) <= budget
            values[f"fruits_{budget}ms_{stated[-1]}"] = values[stated[-1]] if fits else np.full(len(weights), np.nan)
        if folds is not None:
            values["accuracy_folds"] = verification.fold_accuracy(found.score, found.same, folds, weights)
        return values

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """ROC and DET over pairs."""
    found = comparisons(table)
    return roc([("pairs", found.score)], found.same)


def failures(table: CaseTable) -> Reals:
    """The least alike pictures of one person and the most alike of two, by their distance from the EER's threshold."""
    found = comparisons(table)
    worst = np.full(len(table), np.nan)
    if found.same.all() or not found.same.any():
        return worst
    threshold = ranking.threshold_at_equal_error(ranking.curve(found.score, found.same))
    beyond = np.where(found.same, threshold - found.score, found.score - threshold)
    wrong = np.flatnonzero(beyond > 0)
    for rows in found.cases:
        np.fmax.at(worst, rows[wrong], beyond[wrong])
    return worst


TASK = EvalTask(
    name="identity",
    title="Same person or not",
    protocol="All pairs of a set that names people, or the pairs of a list; TAR at FAR and EER; both errors at the "
    "shipped thresholds; intervals draw people, and a pair of impostors counts when both are drawn. Time is from file "
    "to embedding.",
    tools=("identity",),
    needs="subject (or person, identity) per picture; or pairs.csv with first, second, label; or LFW's pairs.txt",
    read=read,
    observe=observe,
    measurement=measurement,
    figures=figures,
    failures=failures,
    names=("auc", "eer", "tar_at_far_1e-3"),
)
