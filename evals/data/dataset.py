"""The nouns of labelled data: rows as they stand in a descriptor, cases as a task asks for them, and what is left out.

Nothing here holds pixels, so that a set of any size fits in memory as a few hundred bytes per row.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

CHUNK = 1 << 20


class Skip(NamedTuple):
    """A row that is not measured, or a picture that could not be."""

    id: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Item:
    """One row: a picture (path below the set's root) and its labels as text."""

    id: str
    file: str
    labels: Mapping[str, str]


class Case(NamedTuple):
    """One thing to measure. ``others`` are further pictures: the second of a pair, a reference."""

    id: str
    file: str
    truth: Mapping[str, str | float]
    cluster: str
    others: tuple[str, ...] = ()


class Cases(NamedTuple):
    """What a task reads out of a set."""

    cases: tuple[Case, ...]
    skips: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Rows in the order of their ids, and the rows that could not be taken."""

    name: str
    root: Path
    columns: tuple[str, ...]
    items: tuple[Item, ...]
    skips: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = ()

    def only(self, split: str, column: str = "split") -> "Dataset":
        """The rows of one split."""
        return replace(self, items=tuple(item for item in self.items if item.labels.get(column) == split))


class _TrackedLabels(dict[str, str]):
    """Labels that remember which of them were looked at, for all rows of a set together."""

    __slots__ = ("_seen",)

    def __init__(self, labels: Mapping[str, str], seen: set[str]) -> None:
        super().__init__(labels)
        self._seen = seen

    def __getitem__(self, name: str) -> str:
        self._seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None, /) -> Any:
        self._seen.add(name)
        return super().get(name, default)


def track_columns(dataset: Dataset) -> tuple[Dataset, set[str]]:
    """The same set, and the names of the labels that are looked at in it from now on."""
    seen: set[str] = set()
    items = tuple(replace(item, labels=_TrackedLabels(item.labels, seen)) for item in dataset.items)
    return replace(dataset, items=items), seen


def deduplicated(items: Iterable[Item]) -> tuple[tuple[Item, ...], tuple[Skip, ...]]:
    """Items sorted by id, each once.

    Rows that repeat a picture with the same labels count once; rows that contradict each other about a picture are
    all left out, because no order of the rows may decide which one is believed.
    """
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.id, []).append(item)
    kept, skips = [], []
    for name in sorted(groups):
        rows = groups[name]
        distinct = {tuple(sorted(row.labels.items())) for row in rows}
        if len(distinct) > 1:
            words = f"{len(rows)} rows say different things about {name}; none of them is used."
            skips += [Skip(name, "contradicting_rows", words)] * len(rows)
            continue
        kept.append(rows[0])
        skips += [Skip(name, "duplicate_row", f"{name} stands in {len(rows)} rows; it counts once.")] * (len(rows) - 1)
    return tuple(kept), tuple(skips)


def inside(root: Path, file: str) -> bool:
    """Whether a row's path stays below the set's folder."""
    base = os.path.realpath(root)
    return not os.path.isabs(file) and os.path.commonpath((base, os.path.realpath(os.path.join(base, file)))) == base


def digest(root: Path, cases: Iterable[Case]) -> str:
    """sha256 over the bytes of every picture and the truth of every case, whatever their config.

    Two results may be compared when their digests are equal: same pictures, same labels, same selection.
    """
    lines = []
    for case in cases:
        truth = ";".join(f"{key}={value}" for key, value in sorted(case.truth.items()))
        pictures = ",".join(_picture(root / file) for file in (case.file, *case.others))
        lines.append(f"{case.id}\t{pictures}\t{truth}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def differ(roots: tuple[Path, Path], case: Case) -> bool:
    """Whether a case's pictures below two folders are others; those that are gone cannot be told apart."""
    for file in (case.file, *case.others):
        paths = [root / file for root in roots]
        if all(path.is_file() for path in paths) and _picture(paths[0]) != _picture(paths[1]):
            return True
    return False


def _picture(path: Path) -> str:
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                found.update(block)
    except OSError as error:
        return type(error).__name__
    return found.hexdigest()
