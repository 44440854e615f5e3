"""Spliced faces of held-out people: the validation set on which lines between answers are chosen.

Photographs of FairFace's training part, muxspace and FRLL London whose source every training held out. Each stands as
it is, with a degradation of its own, and spliced or self-blended, with the same degradation; the donor is another
held-out person of the same set. Makers and people are those of the validation of the forgery detector; the pictures
are whole crops that the product searches for faces, as it does any picture.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.folder import NAME as LABELS
from evals.data.folder import label_rows
from evals.data.held_out import held_out_files, source_of
from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.records import Portrait
from evals.data.synthesis.splice import draw_regions, self_blend, splice
from evals.synthetic_data import LabelRow, write_labels
from evals.views import portraits
from faceagent.errors import InputError
from faceagent.settings import Settings

NAME = "spliced_validation"
COUNTS = {"fairface_train_4k": 110, "muxspace_expressions": 60, "frll_london": 12}
"""Most people of every set."""
SIZE, MARGIN = 288, 1.6
SMALLEST = 0.4
"""Least share of the crop's resolution that degradation leaves, as in the training of the detector."""
SPLICED = 0.7
"""Share of splices among the forgeries; the others are self-blends."""
CANDIDATES = 12
SEED = 14


def make(data: Path, folder: Path, settings: Settings) -> Path:
    """Write the set into ``folder``; returns the folder. Raises InputError when there is no source of it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[LabelRow] = []
    for name, count in COUNTS.items():
        if (data / name / LABELS).is_file():
            rows += _of_set(_located(data, name, count, settings), name, folder)
    if not rows:
        raise InputError(f"None of {', '.join(COUNTS)} is below {data}.")
    return write_labels(folder, rows)


def _of_set(faces: list[LocatedFace], name: str, folder: Path) -> Iterator[LabelRow]:
    for index, face in enumerate(faces):
        rng = np.random.default_rng((SEED, index))
        base = portrait(face, SIZE, MARGIN)
        for kind, pixels in _versions(base, face, faces, rng):
            file = f"{name}_{index:03}_{kind}.png"
            cv2.imwrite(str(folder / file), np.ascontiguousarray(pixels[..., ::-1]))
            label = "fake" if kind in ("splice", "self_blend") else "real"
            yield {"file": file, "label": label, "method": kind, "source": face.source, "split": "val"}


def _versions(
    base: Portrait, face: LocatedFace, faces: list[LocatedFace], rng: np.random.Generator
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The photograph, the degraded photograph, and its forgery with the same degradation."""
    regions = draw_regions(rng)
    forged = None
    if rng.random() < SPLICED:
        drawn = [faces[int(place)] for place in rng.integers(len(faces), size=CANDIDATES)]
        others = [one for one in drawn if one.source != face.source]
        if others:
            donor = min(others, key=face.shape_distance)
            forged = splice(base, portrait(donor, SIZE, MARGIN), regions, rng)
    if forged is None:
        forged = self_blend(base, regions, rng)
    how = draw_degradation(rng, SIZE, smallest=SMALLEST)
    yield "photograph", base.pixels
    yield "degraded", degrade(base.pixels, how)
    yield str(forged.parameters["maker"]), degrade(forged.pixels, how)


def _located(data: Path, name: str, count: int, settings: Settings) -> list[LocatedFace]:
    files = held_out_files(name, label_rows(data / name))
    chosen = [files[place] for place in sorted(np.random.default_rng(SEED).permutation(len(files))[:count].tolist())]
    return [
        LocatedFace(name, str(data / name / file), source_of(name, file), view.face.box, view.face.landmarks)
        for file, view in portraits(data / name, chosen, settings)
        if view is not None and view.face is not None and view.face.landmarks
    ]
