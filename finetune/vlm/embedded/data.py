"""The faces that the embedded model is trained on, with measurements, cached per set.

Labels come from the product's face finder (pose, blendshapes) and from the captions of the sets; nothing is labelled by
hand.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import track

from evals.data.held_out import may_train
from evals.data.synthesis.measured_faces import MeasuredFace, measure_face
from evals.views import portraits
from faceagent.atomic_write import atomic_write
from faceagent.settings import Settings
from finetune.data.sources import located_face

SETS = ("fairface_train_4k", "muxspace_expressions", "frll_london", "sfhq_tiles", "sfhq_t2i_tiles")
"""The sets that the embedded model learns from."""


def read_faces(name: str, folder: Path, cache: Path, settings: Settings) -> list[MeasuredFace]:
    """Every measurable face of a set, one per picture; cached in ``cache`` as JSON lines."""
    memory = cache / f"{name}.jsonl"
    if not memory.is_file():
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            rows = {row["file"]: row for row in csv.DictReader(file) if name != "frll_london" or may_train(row)}
        views = portraits(folder, track(list(rows), description=name), settings)
        found = [measure_face(name, folder, file, view, rows[file]) for file, view in views]
        cache.mkdir(parents=True, exist_ok=True)
        with atomic_write(memory) as temporary:
            temporary.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found if one), encoding="utf-8")
    return [_measured_face(json.loads(line)) for line in memory.read_text(encoding="utf-8").splitlines()]


def read_all_faces(data: Path, cache: Path, settings: Settings) -> list[MeasuredFace]:
    """The faces of all sets of ``SETS``, in their order."""
    return [one for name in SETS for one in read_faces(name, data / name, cache, settings)]


def _measured_face(row: Mapping[str, Any]) -> MeasuredFace:
    return MeasuredFace(located_face(row["found"]), row["yaw"], row["pitch"], row["shapes"], row["caption"])
