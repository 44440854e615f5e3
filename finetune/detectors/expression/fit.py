"""The fit of the expression head, and its weight beside the rules: every choice is made on sets that a fit did not see.

Within a set the head learns the set's own style: with people left out it looks best with little shrinkage, on another
set worst. So shrinkage and weights are those of least loss when each set in turn is left out whole.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceagent.tools.expression import read
from faceagent.tools.facs import table
from finetune.detectors.expression.data import CODES, OTHER, ExpressionRows
from finetune.detectors.linear import LinearFit, Reals, Shrinkage, discriminant, fold_of

LABELS = table().labels
LEARNT = tuple(label for label in LABELS if label != OTHER)
"""What the head knows. "Other" is no look of its own: a head that learns it from smirks and tongues calls a seventh of
all sad and quiet faces that."""
SHRINKAGES = tuple(Shrinkage(even, apart) for even, apart in product((1.0, 3.0, 10.0, 30.0), (0.0, 3.0, 10.0)))
WEIGHTS = (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Of the head's log probabilities."""
SHARES = tuple(round(0.1 * step, 1) for step in range(13))
"""Of the rules' logits."""


@dataclass(frozen=True)
class Table:
    """Rows as arrays: features N×F, logits of the rules N×labels, label indices, sets, sources and kinds of copy."""

    features: NDArray[np.float32]
    rules: Reals
    truth: NDArray[np.int64]
    origin: NDArray[np.str_]
    source: NDArray[np.str_]
    kind: NDArray[np.str_]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Table":
        return Table(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


class Pool(NamedTuple):
    """How the head is fitted, and how its log probabilities and the rules' logits are added."""

    shrinkage: Shrinkage
    weight: float
    share: float

    def added(self, head: Reals, rules: Reals) -> Reals:
        """N×labels logits."""
        return self.weight * head + self.share * rules


def table_of(rows: ExpressionRows) -> Table:
    """The rows that show every zone, with the rules' logits."""
    rules = []
    for row in rows.deviations:
        logits = read(dict(zip(CODES, map(float, row), strict=True))).logits
        rules.append([logits[label] for label in LABELS])
    truth = np.array([LABELS.index(str(label)) for label in rows.label], dtype=np.int64)
    features = rows.features.astype(np.float32)
    shown = np.asarray((np.abs(features).max(axis=2) > 0).all(axis=1), dtype=np.bool_)
    found = Table(features.reshape(len(truth), -1), np.array(rules), truth, rows.origin, rows.source, rows.kind)
    return found[shown]


def balance(rows: Table) -> Reals:
    """A weight per row: every label counts alike, and within a label every set by the root of its number."""
    pairs = list(zip(rows.truth.tolist(), rows.origin.tolist(), strict=True))
    count = Counter(pairs)
    total = Counter[int]()
    for (label, _), number in count.items():
        total[label] += number**0.5
    return np.array([count[pair] ** -0.5 / total[pair[0]] for pair in pairs])


def head_fit(rows: Table, shrinkage: Shrinkage) -> LinearFit:
    """The head on the rows whose label it learns; outputs in the order of ``LEARNT``."""
    known = rows[np.isin(rows.truth, [LABELS.index(label) for label in LEARNT])]
    places = np.array([LEARNT.index(LABELS[one]) for one in known.truth], dtype=np.int64)
    return discriminant(known.features, places, len(LEARNT), shrinkage, balance(known), known.origin)


def opinions(fitted: LinearFit, features: NDArray[np.float32]) -> Reals:
    """N×labels log probabilities by the head; of a label that it does not know it has no opinion."""
    found = np.full((len(features), len(LABELS)), -np.inf)
    found[:, [LABELS.index(label) for label in LEARNT]] = log_chances(fitted(features))
    return np.where(np.isneginf(found), -np.log(len(LABELS)), found)


def log_chances(logits: Reals) -> Reals:
    """N×labels log probabilities."""
    lowered = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(lowered - np.log(np.exp(lowered).sum(axis=1, keepdims=True)))


def left_out(rows: Table, shrinkage: Shrinkage, groups: NDArray[np.generic]) -> Reals:
    """N×labels log probabilities; every row by a fit without its group."""
    found = np.zeros((len(rows.truth), len(LABELS)))
    for group in np.unique(groups):
        out = groups == group
        found[out] = opinions(head_fit(rows[~out], shrinkage), rows[out].features)
    return found


def folds(rows: Table) -> NDArray[np.int64]:
    """The fold of every row, by its source."""
    return np.array([fold_of(str(source)) for source in rows.source])


def best_pool(rows: Table) -> tuple[Pool, Reals]:
    """The pool of least loss with whole sets left out, and the head's log probabilities in that case.

    The loss is over labels that the fit without the set had rows of: what it could not know speaks for no reading.
    """
    known = _known(rows)
    counts = known[np.arange(len(rows.truth)), rows.truth]
    weight, truth = balance(rows)[counts], rows.truth[counts]
    tried: list[tuple[float, Pool, Reals]] = []
    for shrinkage in SHRINKAGES:
        head = left_out(rows, shrinkage, rows.origin)
        for pool in (Pool(shrinkage, *both) for both in product(WEIGHTS, SHARES)):
            logits = np.where(known, pool.added(head, rows.rules), -np.inf)
            tried.append((log_loss(logits[counts], truth, weight), pool, head))
    _, pool, head = min(tried, key=lambda one: one[0])
    return pool, head


def _known(rows: Table) -> NDArray[np.bool_]:
    """N×labels: whether the sets other than a row's own show the label, and the head learns it."""
    found = np.zeros((len(rows.truth), len(LABELS)), dtype=np.bool_)
    for origin in np.unique(rows.origin):
        own = rows.origin == origin
        found[own] = np.isin(np.arange(len(LABELS)), rows.truth[~own])
    found[:, LABELS.index(OTHER)] = False
    return found


def best_temperature(logits: Reals, truth: NDArray[np.int64], weight: Reals) -> float:
    """The temperature of least weighted log loss, in steps of 1 %."""
    tried = np.exp(np.arange(np.log(0.1), np.log(20.0), 0.01))
    return float(min(tried, key=lambda heat: log_loss(logits / heat, truth, weight)))


def log_loss(logits: Reals, truth: NDArray[np.int64], weight: Reals) -> float:
    """Weighted mean of the negative log probability of the truth."""
    chance = log_chances(logits)[np.arange(len(truth)), truth]
    return float(np.average(-chance, weights=weight))


def recalls(logits: Reals, truth: NDArray[np.int64], weight: Reals | None = None) -> dict[str, float]:
    """Share of every label's faces for which it comes first; "other" is no label to be found."""
    guess = logits.argmax(axis=1)
    weight = np.ones(len(truth)) if weight is None else weight
    return {
        LABELS[one]: float(np.average(guess[truth == one] == one, weights=weight[truth == one]))
        for one in np.unique(truth)
        if LABELS[one] in LEARNT and weight[truth == one].any()
    }


def mean_recall(logits: Reals, truth: NDArray[np.int64], weight: Reals | None = None) -> float:
    """Unweighted average recall."""
    return float(np.mean(list(recalls(logits, truth, weight).values())))


def by_set(logits: Reals, rows: Table, weight: Reals | None = None) -> Mapping[str, float]:
    """The mean recall within every set."""
    weight = np.ones(len(rows.truth)) if weight is None else weight
    return {
        str(one): mean_recall(logits[own], rows.truth[own], weight[own])
        for one in np.unique(rows.origin)
        if (own := rows.origin == one).any() and weight[own].any()
    }


def gain(both: Reals, rows: Table, rounds: int = 1000) -> tuple[float, float, float]:
    """By how much the mean over sets exceeds that of the rules, and a 95 % interval; people are drawn together."""
    people, place = np.unique(rows.source, return_inverse=True)
    rng = np.random.default_rng(0)

    def more(weight: Reals) -> float:
        means = [float(np.mean(list(by_set(one, rows, weight).values()))) for one in (both, rows.rules)]
        return means[0] - means[1]

    def again() -> Reals:
        times = np.bincount(rng.integers(len(people), size=len(people)), minlength=len(people))
        return np.asarray(times[place], dtype=np.float64)

    drawn = [more(again()) for _ in range(rounds)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return more(np.ones(len(rows.truth))), float(low), float(high)


def open_set_auroc(rows: Table, pool: Pool, unknown: Sequence[str]) -> float:
    """AUROC of the best label's probability, of known against unknown labels, by fits that never saw the unknown ones.

    Every known row by a fit without its fold. Rows of "other" take no part.
    """
    rows = rows[rows.truth != LABELS.index(OTHER)]
    strange = np.isin(rows.truth, [LABELS.index(name) for name in unknown])
    keep = np.array([name not in (*unknown, OTHER) for name in LABELS])
    fold, head = folds(rows), np.zeros((len(rows.truth), len(LABELS)))
    for number in np.unique(fold):
        out = fold == number
        head[out] = opinions(head_fit(rows[~out & ~strange], pool.shrinkage), rows[out].features)
    sure = log_chances(pool.added(head, rows.rules)[:, keep]).max(axis=1)
    known, new = sure[~strange], sure[strange]
    return float(np.mean(known[:, np.newaxis] > new) + 0.5 * np.mean(known[:, np.newaxis] == new))
