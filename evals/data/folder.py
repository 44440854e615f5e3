"""A folder with ``labels.csv``: a ``file`` column and label columns, one row per picture."""

import csv
from pathlib import Path

from evals.data import spreadsheet
from evals.data.dataset import Dataset, Item, Skip, deduplicated, inside
from evals.data.layouts import complete
from faceagent.errors import InputError

NAME = "labels.csv"
FILE = "file"


def label_rows(root: Path) -> list[dict[str, str]]:
    """The rows of ``root/labels.csv`` as they stand, unchecked. Raises InputError when there is no such file."""
    path = root / NAME
    if not path.is_file():
        raise InputError(
            f"{root.name} is not below {root.parent}.", remedy="Name the folder that holds the labelled sets."
        )
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read(root: Path) -> Dataset:
    """The set in ``root``. Raises InputError when labels.csv has no ``file`` column or no rows."""
    path = root / NAME
    table = spreadsheet.read(path)
    column = next((name for name in table.columns if name.lower() == FILE), None)
    if column is None:
        raise InputError(
            f"{path} has no column called '{FILE}'; it has: {', '.join(table.columns) or 'nothing'}.",
            remedy="The first line must name the columns: file, and one per label.",
        )
    items, skips = [], []
    for number, row in table.rows:
        name = row[column]
        if not name:
            skips.append(Skip(f"line {number}", "no_file", f"Line {number} names no file."))
        elif not inside(root, name):
            skips.append(Skip(name, "outside", f"Line {number}: {name} is not below {root.name}."))
        else:
            items.append(Item(name, name, {key: value for key, value in row.items() if key != column}))
    if not items and not skips:
        raise InputError(f"{path} has no rows.", remedy="One row per picture is needed.")
    kept, repeated = deduplicated(items)
    kept, columns = complete(kept, tuple(name for name in table.columns if name != column))
    return Dataset(root.name, root, columns, kept, (*skips, *repeated), table.notes)
