"""Hugging Face ``datasets`` with an Image column: a folder made by ``save_to_disk``, or one of parquet files.

Pictures are written, byte for byte as they are stored, into a folder beside the run, and read from there like any
other: the product's own intake must be what decodes them. Rows are exported one at a time.
"""

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evals.data.dataset import Dataset, Item, Skip, settled
from faceagent.errors import ModelUnavailable

MARKS = ("dataset_info.json", "dataset_dict.json", "state.json")


def recognises(root: Path) -> bool:
    """Whether ``root`` looks like such a dataset."""
    return any((root / mark).is_file() for mark in MARKS) or any(root.glob("*.parquet"))


def read(root: Path, export: Path) -> Dataset:
    """The dataset in ``root``, its pictures written below ``export``. Raises ModelUnavailable without the library."""
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as error:
        raise ModelUnavailable(
            f"{root} is a Hugging Face dataset and the package 'datasets' is not installed.",
            remedy="pip install 'faceagent[train]'",
        ) from error
    if any(root.glob("*.parquet")):
        loaded = datasets.load_dataset("parquet", data_files=sorted(map(str, root.glob("*.parquet"))))
    else:
        loaded = datasets.load_from_disk(str(root))
    splits = loaded if isinstance(loaded, Mapping) else {"": loaded}
    rows: list[tuple[str, Iterable[Mapping[str, Any]], Mapping[str, Any]]] = []
    for split, table in splits.items():
        images = [name for name, feature in table.features.items() if type(feature).__name__ == "Image"]
        for name in images:
            table = table.cast_column(name, datasets.Image(decode=False))
        rows.append((split, table, table.features))
    return collect(root.name, rows, export)


def collect(
    name: str, splits: Iterable[tuple[str, Iterable[Mapping[str, Any]], Mapping[str, Any]]], export: Path
) -> Dataset:
    """Export the pictures of every split and keep the other columns as labels, class numbers by their names."""
    items, skips = [], []
    columns: dict[str, None] = {}
    for split, rows, features in splits:
        for number, row in enumerate(rows):
            file = f"{split or 'all'}/{number:07}"
            labels = {"split": split} if split else {}
            data = None
            for key, value in row.items():
                if isinstance(value, Mapping) and "bytes" in value:
                    data = value["bytes"]
                elif isinstance(value, str | int | float | bool):
                    labels[key] = _word(value, features.get(key))
            columns.update(dict.fromkeys(labels))
            if not data:
                skips.append(Skip(file, "no_picture", f"Row {number} of {split or name} holds no picture."))
                continue
            path = export / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            items.append(Item(file, file, labels))
    kept, repeated = settled(items)
    return Dataset(name, export, tuple(columns), kept, (*skips, *repeated))


def _word(value: object, feature: object) -> str:
    names = getattr(feature, "names", None)
    return str(names[value]) if names and isinstance(value, int) else str(value)
