"""Lists of picture pairs, for verification and differential morph detection.

Two spellings: a CSV with ``first``, ``second`` and a label, and LFW's ``pairs.txt``.
"""

from collections.abc import Iterator
from pathlib import Path

from evals.data import spreadsheet
from evals.data.dataset import Dataset, Item, Skip, deduplicated, inside
from faceagent.errors import InputError

FIRST = ("first", "file1", "probe", "image1", "suspected")
SECOND = ("second", "file2", "reference", "image2", "trusted")
SAME, OTHER = "same", "different"
Pair = tuple[str, str, dict[str, str]]
"""First picture, second picture, labels."""


def read(path: Path, root: Path | None = None) -> Dataset:
    """The pairs in ``path``; pictures are below ``root``, by default the list's folder."""
    base = root or path.parent
    rows, notes = (_lfw(path), ()) if path.suffix == ".txt" else _table(path)
    items, skips = [], []
    columns: dict[str, None] = {"second": None}
    for first, second, labels in rows:
        name = f"{first}|{second}"
        columns.update(dict.fromkeys(labels))
        if not first or not second:
            skips.append(Skip(name, "no_file", f"A row names only one picture ({first or second or 'none'})."))
        elif inside(base, first) and inside(base, second):
            items.append(Item(name, first, {**labels, "second": second}))
        else:
            skips.append(Skip(name, "outside", f"{name} is not below {base.name}."))
    if not items and not skips:
        raise InputError(f"{path} lists no pair.", remedy="One pair per line is needed.")
    kept, repeated = deduplicated(items)
    return Dataset(path.parent.name, base, tuple(columns), kept, (*skips, *repeated), notes)


def _table(path: Path) -> tuple[Iterator[Pair], tuple[str, ...]]:
    table = spreadsheet.read(path)
    first = next((name for name in FIRST if name in table.columns), None)
    second = next((name for name in SECOND if name in table.columns), None)
    if first is None or second is None:
        raise InputError(
            f"{path} does not say which pictures are paired; its columns are: {', '.join(table.columns)}.",
            remedy=f"Call the columns {FIRST[0]} and {SECOND[0]}.",
        )
    both = {first, second}
    pairs = (
        (row[first], row[second], {key: value for key, value in row.items() if key not in both})
        for _, row in table.rows
    )
    return pairs, table.notes


def _lfw(path: Path) -> Iterator[Pair]:
    """``name i j`` for one person, ``name i other j`` for two; the first line holds counts."""
    fold = 0
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    size = _fold_size(lines)
    for number, line in enumerate(line.split() for line in lines[1:] if line.strip()):
        fold = number // (2 * size) if size else 0
        if len(line) == 3:
            person, one, other = line
            yield _name(person, one), _name(person, other), _labels(SAME, person, person, fold)
        elif len(line) == 4:
            person, one, impostor, other = line
            yield _name(person, one), _name(impostor, other), _labels(OTHER, person, impostor, fold)
        else:
            raise InputError(f"{path}: {' '.join(line)!r} is no pair.", remedy="Three or four words are expected.")


def _fold_size(lines: list[str]) -> int:
    counts = lines[0].split() if lines else []
    return int(counts[-1]) if counts and counts[-1].isdigit() else 0


def _name(person: str, number: str) -> str:
    return f"{person}/{person}_{int(number):04}.jpg"


def _labels(label: str, person: str, other: str, fold: int) -> dict[str, str]:
    return {"label": label, "subject": person, "second_subject": other, "fold": str(fold)}
