"""Two hundred upright faces of several sources, unaltered, generated, spliced or morphed, and eight recaptured ones.

What verdicts on turned, tilted and framed copies are compared with: test people of FRLL, official portraits, FairFace
pictures, held-out generated faces, and forgeries, morphs and recaptures made from them. The forgery detectors learn
from some of the portraits and of the FairFace pictures; a picture is compared with its own copies only.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from evals.data.folder import label_rows
from evals.data.held_out import FRLL, held_out_files, is_test_person, person
from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.morph import Finish, Method, morph
from evals.data.synthesis.recapture import ATTACKS, recapture
from evals.data.synthesis.records import Portrait
from evals.data.synthesis.splice import draw_regions, splice
from evals.synthetic_data import LabelRow, write_labels
from evals.views import whole
from faceagent.encoder.crop import face_crop
from faceagent.faces import find_faces, main_face
from faceagent.faces.mesh_box import mesh_box
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, View

NAME = "upright_faces_made"
PORTRAITS, FAIRFACE, T2I, SD3 = "us_portraits", "fairface_train_more", "sfhq_t2i_tiles", "faker_sd3"
COUNTS: Mapping[str, int] = {FRLL: 38, PORTRAITS: 42, FAIRFACE: 44, T2I: 16, SD3: 16}
"""Pictures as they are, per set."""
GENERATED = (T2I, SD3)
MORPHS, SPLICES, RECAPTURES = 22, 22, 8
METHODS: tuple[tuple[Method, Finish], ...] = (("full", "matched"), ("splice", "matched"), ("cleaned", "plain"))
UPRIGHT = 8.0
"""Degrees of roll up to which a head counts as upright."""
SIZE, MARGIN = 288, 1.5
"""px of a made picture, and its side over the longer side of the face box."""
SMALLER = 0.6
"""Size that a portrait of FRLL is shrunk to before it is recaptured."""
SEED = 6


def make(data: Path, folder: Path, settings: Settings) -> Path:
    """Write the set into ``folder``: columns label, source; returns the folder. Raises InputError without a source."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: list(_upright(data / name, count, settings)) for name, count in COUNTS.items()}
    rows = [
        _stored(folder, f"{name}_{Path(file).stem}", view.pixels(), "generated" if name in GENERATED else "live", name)
        for name, some in found.items()
        for file, view in some
    ]
    rows += [
        _stored(folder, f"{label}_{index:02}", pixels, label, name)
        for label, name, making in (
            ("morph", FRLL, _morphs(found[FRLL])),
            ("forged", PORTRAITS, _splices(found[PORTRAITS])),
            ("spoof", FRLL, _recaptures(found[FRLL])),
        )
        for index, pixels in enumerate(making)
    ]
    return write_labels(folder, rows)


def _upright(folder: Path, count: int, settings: Settings) -> Iterator[tuple[str, View]]:
    """The first ``count`` upright main faces with landmarks, in an order drawn once."""
    files = _files(folder)
    for index in np.random.default_rng(SEED).permutation(len(files)):
        view = whole(folder / files[index], settings)
        face = None if view is None else main_face(find_faces(view.picture, view.pixels(), settings), view.picture)
        if view is None or face is None or not face.landmarks or abs(mesh_box(face.landmarks)[1]) > UPRIGHT:
            continue
        yield files[index], View(view.picture, view.pixels, view.original, face)
        count -= 1
        if not count:
            return


def _files(folder: Path) -> Sequence[str]:
    rows = label_rows(folder)
    if folder.name == FRLL:
        front = [row["file"] for row in rows if row["set"] in ("neutral_front", "smiling_front")]
        return [file for file in front if is_test_person(int(person(FRLL, file)))]
    return held_out_files(T2I, rows) if folder.name == T2I else [row["file"] for row in rows]


def _stored(folder: Path, stem: str, pixels: Pixels, label: str, source: str) -> LabelRow:
    file = f"{stem}.png"
    cv2.imwrite(str(folder / file), np.ascontiguousarray(pixels[..., ::-1]))
    return {"file": file, "label": label, "source": source}


def _portraits(faces: Sequence[tuple[str, View]]) -> list[Portrait]:
    found = []
    for file, view in faces:
        if view.face is not None:
            crop = face_crop(view.pixels(), view.face.box, size=SIZE, scale=MARGIN)
            found.append(Portrait(crop.pixels, crop.place(np.asarray(view.face.landmarks)), file, NAME))
    return found


def _nearest(people: Sequence[Portrait], one: Portrait) -> Portrait:
    """Another person with a similar face shape."""

    def shape(portrait: Portrait) -> Pixels:
        points = portrait.points - portrait.points.mean(axis=0)
        return np.asarray(points / np.linalg.norm(points))

    others = [other for other in people if person(FRLL, other.source) != person(FRLL, one.source)]
    return min(others, key=lambda other: float(((shape(other) - shape(one)) ** 2).sum()))


def _morphs(faces: Sequence[tuple[str, View]]) -> Iterator[Pixels]:
    people = _portraits(faces)
    for index, one in enumerate(people[:MORPHS]):
        rng = np.random.default_rng((SEED, 1, index))
        made = morph(one, _nearest(people, one), *METHODS[index % len(METHODS)], rng)
        yield degrade(made.pixels, draw_degradation(rng, SIZE, smallest=0.6))


def _splices(faces: Sequence[tuple[str, View]]) -> Iterator[Pixels]:
    people = _portraits(faces)
    for index, one in enumerate(people[:SPLICES]):
        rng = np.random.default_rng((SEED, 2, index))
        others = [other for other in people if other is not one]
        made = splice(one, others[int(rng.integers(len(others)))], draw_regions(rng), rng)
        yield degrade(made.pixels, draw_degradation(rng, SIZE, smallest=0.6))


def _recaptures(faces: Sequence[tuple[str, View]]) -> Iterator[Pixels]:
    for index, (_, view) in enumerate(faces[:RECAPTURES]):
        small = cv2.resize(view.pixels(), None, fx=SMALLER, fy=SMALLER, interpolation=cv2.INTER_AREA)
        rng = np.random.default_rng((SEED, 3, index))
        yield recapture(np.ascontiguousarray(small), ATTACKS[index % len(ATTACKS)], rng)
