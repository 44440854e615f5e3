"""The located faces of a training set, found by the product's own face finder and cached."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import track

from evals.data.held_out import is_held_out, may_train, source_of
from evals.data.synthesis.located_faces import LocatedFace
from evals.data.training_sets import TRAINING_SETS
from evals.views import whole
from faceagent.errors import InputError
from faceagent.faces import find_faces, main_face
from faceagent.settings import Settings


def faces_of(
    name: str,
    folders: dict[str, Path],
    cache: Path,
    settings: Settings,
    most: int | None = None,
    *,
    held_out: bool | None = None,
) -> list[LocatedFace]:
    """Every usable face of a set, one per picture, with landmarks; cached as ``cache/NAME.json``.

    With ``most`` only so many of its pictures, evenly spread, are looked at (``cache/NAME-MOST.json``), with
    ``held_out`` only those of one side of the split (``cache/NAME-held-MOST.json``).
    Raises InputError for a set that may not be trained on, and for a set without faces.
    """
    if name not in TRAINING_SETS:
        raise InputError(
            f"{name!r} is not a set that shipped weights may learn from.", remedy=f"Use: {', '.join(TRAINING_SETS)}."
        )
    folder = folders[name]
    parts = [name, *{None: (), True: ("held",), False: ("seen",)}[held_out], *(() if most is None else (str(most),))]
    memory = cache / f"{'-'.join(parts)}.json"
    if memory.is_file():
        return [located_face(row) for row in json.loads(memory.read_text(encoding="utf-8"))]
    files = [file for file in _files(name, folder) if held_out in (None, is_held_out(source_of(name, file)))]
    if most is not None and most < len(files):
        files = [files[index * len(files) // most] for index in range(most)]
    rows = (_locate(name, folder, file, settings) for file in track(files, description=name))
    found = [row for row in rows if row is not None]
    if not found:
        raise InputError(f"No face was found in {name}.", remedy=f"Is {folder} the right folder?")
    cache.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps([asdict(row) for row in found]), encoding="utf-8")
    return found


def _files(name: str, folder: Path) -> Iterator[str]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if name == "frll_london" and not may_train(row):
                continue
            yield row["file"]


def _locate(name: str, folder: Path, file: str, settings: Settings) -> LocatedFace | None:
    view = whole(folder / file, settings)
    # What covers the face does not matter here, and finding it takes as long as finding the face.
    face = None if view is None else main_face(find_faces(view.picture, view.pixels(), settings), view.picture)
    if face is None or not face.landmarks:
        return None
    return LocatedFace(name, str(folder / file), source_of(name, file), face.box, face.landmarks)


def located_face(row: Mapping[str, Any]) -> LocatedFace:
    """A face from its JSON form, as ``asdict`` wrote it."""
    x0, y0, x1, y1 = map(float, row["box"])
    points = tuple((float(x), float(y)) for x, y in row["points"])
    return LocatedFace(str(row["origin"]), str(row["path"]), str(row["source"]), (x0, y0, x1, y1), points)
