"""What the model is shown while it learns: face crops of the sets that may ship, each with what was measured on it.

The labels come from the product's own face finder (pose, blendshapes) and from the sets' captions; nobody labelled
anything by hand. Knows no question and no model.
"""

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.records import Portrait
from evals.views import portraits
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.vlm.portrait import SCALE
from finetune.sources import SETS, Found, may_train, person
from finetune.sources import portrait as framed

SIZE = 224


@dataclass(frozen=True)
class Shown:
    """One face of one picture.

    ``shapes``: the 52 blendshapes; ``yaw`` and ``pitch`` in degrees; ``caption``: the set's own columns.
    """

    found: Found
    yaw: float
    pitch: float
    shapes: Mapping[str, float]
    caption: Mapping[str, str]

    @property
    def held_out(self) -> bool:
        """Whether its source belongs to validation."""
        return self.found.held_out

    def portrait(self) -> Portrait:
        """The crop the model sees, with its mesh points in crop px."""
        return framed(self.found, SIZE, SCALE)


def shown(name: str, folder: Path, cache: Path, settings: Settings) -> list[Shown]:
    """Every measurable face of a set, one per picture; remembered in ``cache`` as JSON lines."""
    memory = cache / f"{name}.jsonl"
    if not memory.is_file():
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            rows = {row["file"]: row for row in csv.DictReader(file) if name != "frll_london" or may_train(row)}
        views = portraits(folder, track(list(rows), description=name), settings)
        found = [measured(name, folder, file, view, rows[file]) for file, view in views]
        cache.mkdir(parents=True, exist_ok=True)
        draft = memory.with_suffix(".draft")
        draft.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found if one), encoding="utf-8")
        draft.rename(memory)
    return [_shown(json.loads(line)) for line in memory.read_text(encoding="utf-8").splitlines()]


def everything(data: Path, cache: Path, settings: Settings) -> list[Shown]:
    """The faces of all sets, in the order of ``SETS``."""
    return [one for name in SETS for one in shown(name, data / name, cache, settings)]


def luma(pixels: NDArray[np.uint8]) -> float:
    """Mean brightness of the inner half of a crop, 0-255 (ITU-R BT.601)."""
    edge = pixels.shape[0] // 4
    inner = pixels[edge:-edge, edge:-edge].reshape(-1, 3)
    return float(inner.mean(axis=0) @ np.array([0.299, 0.587, 0.114]))


def measured(name: str, folder: Path, file: str, view: View | None, row: Mapping[str, str]) -> Shown | None:
    """The face of a picture with what the finder measured; None without landmarks or pose."""
    face = None if view is None else view.face
    if face is None or not face.landmarks or face.pose is None:
        return None
    found = Found(name, str(folder / file), f"{name}/{person(name, file)}", face.box, face.landmarks)
    caption = {key: re.sub(r"\s+", " ", value) for key, value in row.items() if key != "race"}
    return Shown(found, face.pose.yaw, face.pose.pitch, dict(face.blendshapes), caption)


def _shown(row: dict[str, object]) -> Shown:
    raw = dict(row.pop("found"))  # type: ignore[call-overload]
    points = tuple((float(x), float(y)) for x, y in raw.pop("points"))
    box = tuple(float(x) for x in raw.pop("box"))
    return Shown(Found(**raw, box=box, points=points), **row)  # type: ignore[arg-type]
