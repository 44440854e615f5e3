"""Per copy of a held-out face: its quality components and what three tools get wrong on it.

The pictures are of sources that no training saw, so that the errors are those on new faces. Every face is copied a few
times: covered, darkened, lit from the side, blurred, shrunk, noisy, compressed, by amounts drawn at random from nothing
to far too much. A copy goes through the product's own face finder.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.multiband_swap import multiband_swap
from evals.data.synthesis.occluders import cover
from evals.data.synthesis.transplant import transplant
from evals.metrics.landmarks import normalised_error
from evals.views import drawn
from evals.views import portrait as main_view
from faceagent.encoder.crop import SCALE as CROP
from faceagent.encoder.crop import crop_face
from faceagent.encoder.encoder import load_encoder
from faceagent.faces import find_faces, main_face
from faceagent.faces.ibug68 import ibug68
from faceagent.faces.quality import COMPONENTS
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.identity import Identity
from faceagent.tools.splice_branches import BRANCH, FAST, SpliceBranches
from faceagent.types import OCCLUDERS
from finetune.data.sources import faces_of
from finetune.detectors.forgery.data import similar_face

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

PICTURES: Mapping[str, int] = {
    "fairface_train_4k": 50,
    "fairface_train_more": 50,
    "muxspace_expressions": 40,
    "us_portraits": 40,
    "frll_london": 40,
    "sfhq_t2i_tiles": 25,
}
"""Pictures of each set that are looked at, of those that are held out; some sets have fewer."""
SIDE, MARGIN = 384, 1.8
"""Px of the crop that copies are made of, and its size over that of the face box."""
COPIES = 3
COVERED, DIMMED, SHADED = 0.2, 0.35, 0.25
"""Shares of copies."""
SMALLEST = 0.1
ASKED = 2
"""One face in so many is forged too, and the forgery detector asked about a copy of both."""


class QualityRows(NamedTuple):
    """One row per copy: components N×C 0-100, confidence 0-1, errors, and what the errors of pairs need.

    ``landmarks``: mean distance of 68 points from those of the uncopied face, over that of its outer eye corners;
    ``embedding`` and ``reference``: N×128 unit vectors of the copy and of the face; ``score``: logit of the forgery
    tool, nan where it was not asked; ``forged``: whether parts of another person are in it. The landmarks and vectors
    of forged copies are nan.
    """

    components: Reals
    confidence: Reals
    landmarks: Reals
    embedding: Reals
    reference: Reals
    score: Reals
    forged: NDArray[np.bool_]
    source: NDArray[np.str_]
    origin: NDArray[np.str_]


def extract(data: Path, settings: Settings, cache: Path) -> QualityRows:
    """The rows of all sets that are there; those of a picture are kept in ``cache`` and read again."""
    branches = SpliceBranches({name: load_encoder(settings, (name,)) for name in (BRANCH, FAST)})
    tools = Identity(settings), branches
    rows: list[QualityRows] = []
    for name, most in PICTURES.items():
        if not (data / name / "labels.csv").is_file():
            continue
        faces = faces_of(name, {name: data / name}, cache / "faces", settings, most, held_out=True)
        for place, one in enumerate(faces):
            kept = cache / name / f"{Path(one.path).stem}.npz"
            if not kept.is_file():
                kept.parent.mkdir(parents=True, exist_ok=True)
                partial = kept.with_suffix(".partial.npz")
                np.savez(partial, **rows_of(one, faces, tools, settings, forged=place % ASKED == 0)._asdict())
                partial.replace(kept)
            with np.load(kept) as stored:
                rows.append(QualityRows(*(stored[key] for key in QualityRows._fields)))
        print(f"{name}: {len(faces)} faces", flush=True)
    return QualityRows(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def rows_of(
    one: LocatedFace,
    others: Sequence[LocatedFace],
    tools: tuple[Identity, SpliceBranches],
    settings: Settings,
    *,
    forged: bool,
) -> QualityRows:
    """The copies of one face: ``COPIES`` of the photograph; ``forged``: and one of a forgery, made like the first."""
    identity, branches = tools
    number = zlib.crc32(f"{one.origin}/{Path(one.path).name}".encode())
    rng = np.random.default_rng(number)
    base = portrait(one, SIDE, MARGIN)
    view = drawn(base.pixels)
    known = main_face(find_faces(view.picture, base.pixels, settings), view.picture)
    found: list[tuple[object, ...]] = []
    if known is not None and known.landmarks:
        truth = ibug68(np.asarray(known.landmarks))
        vector = identity.embed([View(view.picture, view.pixels, view.original, known)])[0]
        originals = [base.pixels] * COPIES
        if forged:
            donor = portrait(similar_face(one, others, rng), SIDE, MARGIN)
            originals.append((transplant if rng.random() < 0.5 else multiband_swap)(base, donor, rng).pixels)
        for index, original in enumerate(originals):
            fake = index == COPIES
            pixels, matrix = worse(original, base.points, np.random.default_rng((number, index % COPIES)))
            seen = main_view(drawn(pixels), settings)
            if seen is None or seen.face is None or not seen.face.landmarks:
                continue
            face = seen.face
            points = cv2.transform(truth[:, np.newaxis], matrix)[:, 0]
            asked = forged and index % COPIES == 0
            found.append(
                (
                    [float(getattr(face.quality, name)) for name in COMPONENTS],
                    face.confidence,
                    np.nan if fake else float(normalised_error(points, ibug68(np.asarray(face.landmarks)))),
                    np.full_like(vector, np.nan) if fake else identity.embed([seen])[0],
                    vector,
                    float(branches.scores([crop_face(pixels, face, scale=CROP).pixels])[0]) if asked else np.nan,
                    fake,
                    one.source,
                    one.origin,
                )
            )
    if not found:
        wide = np.zeros((0, 128))
        none = np.zeros(0)
        words = np.zeros(0, np.str_)
        empty = np.zeros((0, len(COMPONENTS)))
        return QualityRows(empty, none, none, wide, wide, none, np.zeros(0, np.bool_), words, words)
    return QualityRows(*map(np.array, zip(*found, strict=True)))


def worse(pixels: Pixels, points: Reals, rng: np.random.Generator) -> tuple[Pixels, Reals]:
    """A copy of a square RGB picture with a face at 478 mesh ``points``, and the 2×3 matrix of px to the copy's px.

    It is turned by a few degrees, so that a copy that is hardly worse differs as two photographs do.
    """
    size = len(pixels)
    if rng.random() < COVERED:
        pixels = cover(pixels, points, OCCLUDERS[int(rng.integers(len(OCCLUDERS)))], rng).pixels
    light = np.ones((1, size))
    if rng.random() < SHADED:
        light = np.linspace(1.0, rng.uniform(0.1, 0.9), size)[np.newaxis, :: 1 if rng.random() < 0.5 else -1]
    gamma = float(np.exp(rng.uniform(-0.8, 1.6))) if rng.random() < DIMMED else 1.0
    bright = rng.uniform(0.3, 1.6) if gamma != 1.0 else 1.0
    shaded = 255 * np.clip((pixels / 255.0) ** gamma * bright * light[..., np.newaxis], 0, 1)
    how = draw_degradation(rng, size)
    side = round(size * SMALLEST ** float(rng.random())) if rng.random() < 0.75 else size
    blur = float(rng.uniform(0.3, 8.0)) if rng.random() < 0.35 else 0.0
    noise = float(rng.uniform(2, 25)) if rng.random() < 0.3 else 0.0
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(-8, 8), rng.uniform(0.9, 1.05))
    turned = np.asarray(cv2.warpAffine(shaded.astype(np.uint8), turn, (size, size), borderMode=cv2.BORDER_REFLECT_101))
    quality = int(rng.integers(15, 96))
    copy = degrade(
        turned.astype(np.uint8),
        replace(how, side=side, blur=blur, noise=noise, gamma=1.0, quality=quality),
        restore=False,
    )
    # Pixel centres lie at whole numbers: a resized picture shifts by half a pixel of either size.
    matrix = turn * (side / size)
    matrix[:, 2] += 0.5 * side / size - 0.5
    return copy, matrix
