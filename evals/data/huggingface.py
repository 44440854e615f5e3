"""Hugging Face ``datasets`` with an Image column: made by ``save_to_disk``, parquet files, or an image folder.

Pictures are written, byte for byte as they are stored, into a folder beside the run, and read from there like any
other: the product's own intake must be what decodes them. Rows are exported one at a time. Nothing is fetched.
"""

import gc
import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.data.dataset import Dataset, Item, Skip, deduplicated
from faceagent.errors import InputError, ModelUnavailable

SAVED = ("dataset_info.json", "dataset_dict.json", "state.json")
LISTED = ("*.parquet", "data/*.parquet", "metadata.csv", "metadata.jsonl", "*/metadata.csv", "*/metadata.jsonl")


def recognises(root: Path) -> bool:
    """Whether ``root`` looks like such a dataset."""
    return any((root / mark).is_file() for mark in SAVED) or _listed(root)


def _listed(root: Path) -> bool:
    return any(next(root.glob(pattern), None) for pattern in LISTED)


def read(root: Path, export: Path) -> Dataset:
    """The dataset in ``root``, its pictures written below ``export``. Raises ModelUnavailable without the library."""
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as error:
        raise ModelUnavailable(
            f"{root} is a Hugging Face dataset and the package 'datasets' is not installed.",
            remedy="pip install --editable '.[evals]'",
        ) from error
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            # datasets leaves the list of an image folder open; it is collected here, where nobody is told about it.
            warnings.simplefilter("ignore", ResourceWarning)
            if _listed(root):
                loaded = datasets.load_dataset(str(root), cache_dir=str(export / "arrow"))
            else:
                loaded = datasets.load_from_disk(str(root))
            gc.collect()
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise InputError(
            f"{root} cannot be read as a Hugging Face dataset ({type(error).__name__}: {error}).",
            remedy="Save it again with save_to_disk, or describe its pictures in labels.csv.",
        ) from error
    splits = loaded if isinstance(loaded, Mapping) else {"": loaded}
    items, skips, notes = [], [], []
    columns: dict[str, None] = {}
    for split, table in splits.items():
        images = [name for name, feature in table.features.items() if isinstance(feature, datasets.Image)]
        if not images:
            raise InputError(
                f"{root} has no column of pictures; its columns are: {', '.join(table.features)}.",
                remedy="Cast the column that holds them: dataset.cast_column('image', datasets.Image()).",
            )
        if len(images) > 1:
            notes.append(f"Of the columns of pictures ({', '.join(images)}) the first is looked at.")
        raw = table.cast_column(images[0], datasets.Image(decode=False)).remove_columns(images[1:])
        for number, row in enumerate(raw):
            labels = {"split": split} if split else {}
            labels |= {
                name: _word(value, table.features[name])
                for name, value in row.items()
                if isinstance(value, str | int | float | bool)
            }
            columns.update(dict.fromkeys(labels))
            file = f"{split or 'all'}/{number:07}"
            data = _bytes(row[images[0]])
            if data is None:
                skips.append(Skip(file, "no_picture", f"Row {number} of {split or root.name} holds no picture."))
                continue
            path = export / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            items.append(Item(file, file, labels))
    kept, repeated = deduplicated(items)
    return Dataset(root.name, export, tuple(columns), kept, (*skips, *repeated), tuple(notes))


def _bytes(picture: Mapping[str, Any] | None) -> bytes | None:
    """What a cell holds, or what lies in the file that it names; None for neither."""
    if picture is None:
        return None
    if picture["bytes"]:
        return bytes(picture["bytes"])
    try:
        return Path(picture["path"] or "").read_bytes()
    except OSError:
        return None


def _word(value: object, feature: object) -> str:
    names = getattr(feature, "names", None)
    return str(names[value]) if names and isinstance(value, int) else str(value)
