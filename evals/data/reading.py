"""From a path to a set: which kind of descriptor it is, and what to do when there is none."""

from pathlib import Path

from evals.data import catalog, deepfakebench, folder, huggingface, pairs, typed
from evals.data.dataset import Dataset
from faceagent.errors import InputError

PAIRS = ("pairs.csv", "pairs.txt")
KINDS = (
    "a folder with labels.csv (a column 'file' and label columns), a folder with pairs.csv or LFW's pairs.txt, "
    "a DeepfakeBench .json descriptor, a Hugging Face dataset saved to disk, or .jsonl lines of labelled queries"
)


def open_dataset(path: Path, *, export: Path, split: str | None = None, root: Path | None = None) -> Dataset:
    """The set at ``path``. ``export`` is a folder for pictures that are not files yet; ``split`` keeps one split.

    ``root`` is where the pictures of a JSON descriptor or a list of pairs lie, when that is not beside it.

    Raises InputError that says what to do: obtain a named benchmark, or write a descriptor.
    """
    if not path.exists():
        known = catalog.find(path.name)
        raise InputError(
            f"There is nothing at {path}.",
            remedy=f"Give the folder of a labelled set: {KINDS}." if known is None else known.how(),
        )
    found = _read(path, export, root)
    if split is None:
        return found
    part = found.only(split)
    if not part.items:
        there = sorted({item.labels.get("split", "") for item in found.items} - {""})
        raise InputError(
            f"{path} has no rows of the split {split!r}.", remedy=f"Its splits are: {', '.join(there) or 'none'}."
        )
    return part


def _read(path: Path, export: Path, root: Path | None) -> Dataset:
    if path.is_file():
        return _described(path, root)
    if (path / folder.NAME).is_file():
        return folder.read(path)
    for name in PAIRS:
        if (path / name).is_file():
            return pairs.read(path / name, root)
    if huggingface.recognises(path):
        return huggingface.read(path, export)
    descriptors = sorted(path.glob("*.json"))
    if len(descriptors) == 1:
        return deepfakebench.read(descriptors[0], root)
    if len(descriptors) > 1:
        names = ", ".join(one.name for one in descriptors)
        raise InputError(f"{path} holds several descriptors.", remedy=f"Give one of them: {names}.")
    known = catalog.find(path.name)
    below = sorted(one.parent.name for one in path.glob(f"*/{folder.NAME}"))
    if below:
        remedy = f"It holds sets; give one of them: {', '.join(below)}."
    else:
        remedy = f"Expected: {KINDS}." if known is None else known.how()
    raise InputError(f"{path} has no description of its pictures.", remedy=remedy)


def _described(path: Path, root: Path | None) -> Dataset:
    """The set that one file describes."""
    if path.name == folder.NAME:
        return folder.read(path.parent)
    if path.suffix == ".jsonl":
        return typed.read(path)
    if path.suffix == ".json":
        return deepfakebench.read(path, root)
    if path.suffix in (".csv", ".txt"):
        return pairs.read(path, root)
    raise InputError(f"{path} describes no set.", remedy=f"Give {KINDS}.")
