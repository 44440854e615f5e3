"""Morphs of FRLL's test people, whom no fit has seen: a labelled set made from pictures that may be made into one.

Every document picture (neutral) and its morphs with the two people of the nearest face shape are scaled and
recompressed in the same way, so that only the morphing tells them apart. ``reference`` names a smiling picture of the
same sitting, degraded in a way of its own, for detectors that compare: one sitting is kinder to them than the field.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data import open_dataset
from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.morph import Finish, Method, morph
from evals.data.synthesis.records import Portrait
from evals.synthetic_data import write_labels
from evals.views import portraits
from faceagent.encoder.crop import face_crop
from faceagent.settings import Settings
from faceagent.tools.base import View

NAME, SOURCE = "frll_morphs_made", "frll_london"
SIZE, MARGIN = 288, 1.5
KINDS: tuple[tuple[Method, Finish], ...] = (
    ("full", "matched"),
    ("splice", "matched"),
    ("full", "unsharp"),
    ("poisson", "plain"),
)
"""Families of the set; the last two are kept from every fit."""
NEAREST = 2


def make(data: Path, folder: Path, settings: Settings) -> Path:
    """Write the set into ``folder`` unless it is there; returns the folder. Raises InputError without FRLL."""
    if (folder / "labels.csv").is_file():
        return folder
    people = subjects(data, settings)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, (name, (document, later)) in enumerate(sorted(people.items())):
        degradation = draw_degradation(np.random.default_rng((0, index)), SIZE, smallest=0.5)
        reference = _write(
            folder, f"{name}_live.png", degrade(later.pixels, draw_degradation(np.random.default_rng((1, index)), SIZE))
        )
        made = {("bona_fide", ""): document.pixels}
        for place, other in enumerate(nearest(people, name)[:NEAREST]):
            for method, finish in KINDS:
                rng = np.random.default_rng((2, index, place))
                record = morph(document, people[other][0], method, finish, rng)
                made[("morph", f"{method}_{finish}_{other}")] = record.pixels
        for (label, kind), pixels in made.items():
            file = _write(folder, f"{name}_{kind or 'document'}.png", degrade(pixels, degradation))
            family = kind.rpartition("_")[0]
            rows.append({"file": file, "label": label, "family": family, "subject": name, "reference": reference})
    return write_labels(folder, rows)


def subjects(data: Path, settings: Settings) -> dict[str, tuple[Portrait, Portrait]]:
    """Crops of the neutral and the smiling picture of every test person. Raises InputError without FRLL."""
    dataset = open_dataset(data / SOURCE, export=data, split="test")
    asked = {item.file: item.labels for item in dataset.items if item.labels.get("subject")}
    found: dict[str, dict[str, Portrait]] = {}
    for file, view in portraits(dataset.root, sorted(asked), settings):
        if view is not None and view.face is not None and view.face.landmarks:
            found.setdefault(asked[file]["subject"], {})[asked[file]["emotion"]] = _crop(view, asked[file]["subject"])
    return {name: (both["neutral"], both["happy"]) for name, both in found.items() if len(both) == 2}


def _crop(view: View, name: str) -> Portrait:
    if view.face is None:
        raise ValueError("a view of a face is needed")
    crop = face_crop(view.pixels(), view.face.box, size=SIZE, scale=MARGIN)
    return Portrait(crop.pixels, crop.place(np.asarray(view.face.landmarks)), name, SOURCE)


def nearest(people: dict[str, tuple[Portrait, Portrait]], name: str) -> list[str]:
    """Everybody else, the most similar face shape first, as somebody who makes morphs would choose."""
    mine = _shape(people[name][0])
    others = sorted(other for other in people if other != name)
    return sorted(others, key=lambda other: float(((_shape(people[other][0]) - mine) ** 2).sum()))


def _shape(one: Portrait) -> NDArray[np.float64]:
    points = one.points - one.points.mean(axis=0)
    return np.asarray((points / np.linalg.norm(points)).ravel(), dtype=np.float64)


def _write(folder: Path, file: str, pixels: NDArray[np.uint8]) -> str:
    cv2.imwrite(str(folder / file), np.ascontiguousarray(pixels[..., ::-1]))
    return file
