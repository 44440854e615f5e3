"""Finding the columns that a task needs, under the names that sets give them, and reading their words.

Every word that is not understood leaves its row out with a message; nothing is guessed.
"""

from collections.abc import Iterable, Mapping, Sequence

from evals.data.dataset import Dataset, Item, Skip
from faceagent.errors import InputError

SUBJECT = ("subject", "person", "identity", "subject_id", "person_id", "id_name")
SOURCE = ("video", "source_id", "clip", *SUBJECT)
TYPE = ("attack", "attack_type", "manipulation", "method", "family", "generator", "source", "type", "difficulty")
CLUSTERS = 10
"""Fewer clusters than this say nothing about their spread; then every row stands for itself."""


def find(dataset: Dataset, names: Sequence[str]) -> str | None:
    """The first of ``names`` that the set has, case ignored."""
    there = {column.lower(): column for column in dataset.columns}
    return next((there[name.lower()] for name in names if name.lower() in there), None)


def need(dataset: Dataset, names: Sequence[str], task: str) -> str:
    """As ``find``. Raises InputError that names what is there and what is wanted."""
    found = find(dataset, names)
    if found is None:
        raise InputError(
            f"{dataset.name} has no column that the task {task} could read; it has: "
            f"{', '.join(dataset.columns) or 'only file'}.",
            remedy=f"Call the column one of: {', '.join(names)}.",
        )
    return found


def translated(
    items: Iterable[Item], column: str, words: Mapping[str, str]
) -> tuple[list[tuple[Item, str]], list[Skip]]:
    """Items with the meaning of their label, and the items whose label is missing or not understood."""
    found, skips = [], []
    for item in items:
        raw = item.labels.get(column, "")
        meaning = words.get(_plain(raw))
        if not raw:
            skips.append(Skip(item.id, "missing_label", f"{item.id} has no {column}."))
        elif meaning is None:
            known = ", ".join(sorted(set(words)))
            skips.append(Skip(item.id, "unknown_label", f"{item.id}: {column} {raw!r} is none of: {known}."))
        else:
            found.append((item, meaning))
    return found, skips


def number(item: Item, column: str) -> float | Skip:
    """A labelled number, or why there is none."""
    raw = item.labels.get(column, "")
    if not raw:
        return Skip(item.id, "missing_label", f"{item.id} has no {column}.")
    try:
        value = float(raw)
    except ValueError:
        return Skip(item.id, "unknown_label", f"{item.id}: {column} {raw!r} is no number.")
    if value != value or value in (float("inf"), float("-inf")):
        return Skip(item.id, "missing_label", f"{item.id}: {column} is {raw}.")
    return value


def clustering(dataset: Dataset, names: Sequence[str] = SOURCE) -> tuple[str | None, str | None]:
    """The column whose values are drawn together in a bootstrap, and a note when there is none worth it."""
    column = find(dataset, names)
    if column is None:
        return None, None
    count = len({item.labels.get(column, "") for item in dataset.items} - {""})
    if count >= CLUSTERS:
        return column, None
    return None, f"The column {column} has only {count} values; intervals are over single pictures."


def cluster_of(item: Item, column: str | None) -> str:
    """The cluster of an item: what its column says, else itself."""
    return (item.labels.get(column, "") if column else "") or item.id


def _plain(word: str) -> str:
    return word.strip().lower().replace(" ", "_").replace("-", "_")
