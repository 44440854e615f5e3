"""A folder with ``labels.csv``: a ``file`` column and label columns, one row per picture."""

import csv
from pathlib import Path

from evals.data.dataset import Dataset, Item, Skip, inside, settled
from evals.data.layouts import complete
from faceagent.errors import InputError

NAME = "labels.csv"


def read(root: Path) -> Dataset:
    """The set in ``root``. Raises InputError when labels.csv has no ``file`` column or no rows."""
    path = root / NAME
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        table = csv.DictReader(file)
        columns = tuple(name.strip() for name in table.fieldnames or () if name)
        if "file" not in columns:
            raise InputError(
                f"{path} has no column called 'file'; it has: {', '.join(columns) or 'nothing'}.",
                remedy="The first line must name the columns: file, and one per label.",
            )
        items, skips = [], []
        for number, row in enumerate(table, start=2):
            name = (row.get("file") or "").strip()
            if not name:
                skips.append(Skip(f"line {number}", "no_file", f"Line {number} names no file."))
            elif not inside(root, name):
                skips.append(Skip(name, "outside", f"Line {number}: {name} is not below {root.name}."))
            else:
                labels = {key.strip(): (value or "").strip() for key, value in row.items() if key and key != "file"}
                items.append(Item(name, name, labels))
    if not items and not skips:
        raise InputError(f"{path} has no rows.", remedy="One row per picture is needed.")
    kept, repeated = settled(items)
    kept, columns = complete(kept, tuple(name for name in columns if name != "file"))
    return Dataset(root.name, root, columns, kept, (*skips, *repeated))
