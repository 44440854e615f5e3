"""Generated faces and photographs: which take part, and their features from inner blocks of the encoder.

Early blocks carry texture; middle blocks carry what survives degradation. Every face takes part twice: undegraded, and
after a random degradation that gives all sets the same size and history (docs/decisions/0009).
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.folder import label_rows
from evals.data.synthesis.degradation import compress
from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.data.training_sets import TRAINING_SETS
from faceagent.encoder.crop import face_crop
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.tower import Tower
from finetune.data.precision import autocast

COUNTS = {
    "fairface_train_4k": 900,
    "muxspace_expressions": 600,
    "frll_london": 132,
    "sfhq_tiles": 427,
    "sfhq_t2i_tiles": 800,
}
"""Faces per set."""
SMALL = (90.0, 170.0)
"""Range (px) of the face size after degradation: below the face sizes of all sets."""
DEPTHS = (4, 6, 8)
FAMILIES: Mapping[str, tuple[str, ...]] = {"stylegan": ("stylegan2",), "diffusion": ("flux", "sdxl", "dalle")}
GENERATORS = ("stylegan2", "flux", "sdxl")
"""Generators with enough faces to be tested on."""
BATCH = 32


class GeneratedRows(NamedTuple):
    """Two rows per face: first all undegraded, then all degraded.

    Attributes:
        features: N×(blocks·3W), block by block.
        made_by: Generator family, or the name of the set for photographs.
        source: Group key of the data split.
        moved: True for degraded rows.
    """

    features: NDArray[np.float16]
    made_by: NDArray[np.str_]
    source: NDArray[np.str_]
    moved: NDArray[np.bool_]

    @property
    def synthetic(self) -> NDArray[np.bool_]:
        """True for generated rows."""
        return np.array([name not in TRAINING_SETS for name in self.made_by])

    def beside(self, taps: Sequence[int]) -> NDArray[np.float32]:
        """N×(blocks·3W) features of these blocks, as a head reads them."""
        parts = np.split(self.features, len(DEPTHS), axis=1)
        return np.concatenate([parts[DEPTHS.index(tap)] for tap in taps], axis=1).astype(np.float32)


def draw_faces(faces: Mapping[str, Sequence[LocatedFace]], seed: int) -> list[LocatedFace]:
    """The faces that take part: a random draw from every set, without every third, which no fit uses."""
    drawn = [
        faces[name][index]
        for name, count in COUNTS.items()
        for index in np.random.default_rng(seed).permutation(len(faces[name]))[:count]
    ]
    return [one for place, one in enumerate(drawn) if place % 3 != 2]


def generator_names(data: Path, faces: Sequence[LocatedFace]) -> list[str]:
    """Per face: the generator family, or the name of its set for photographs."""
    told = {row["file"]: row["generator"].partition("_")[0] for row in label_rows(data / "sfhq_t2i_tiles")}
    names = {"FLUX1": "flux", "SDXL": "sdxl", "DALLE3": "dalle"}

    def family(one: LocatedFace) -> str:
        if not TRAINING_SETS[one.origin].synthetic:
            return one.origin
        if one.origin == "sfhq_tiles":
            return "stylegan2"
        return names[told[Path(one.path).relative_to(data / one.origin).as_posix()]]

    return [family(one) for one in faces]


def original_crop(one: LocatedFace) -> NDArray[np.uint8]:
    """The undegraded crop, as the tool takes it."""
    return face_crop(read_pixels(one), one.box).pixels


def degraded_crop(one: LocatedFace) -> NDArray[np.uint8]:
    """The crop after a random degradation: size, blur, noise, compression, light. One draw per path."""
    rng = np.random.default_rng((1, zlib.crc32(one.path.encode())))
    pixels, box = read_pixels(one), np.asarray(one.box)
    side = max(box[2] - box[0], box[3] - box[1])
    zoom = min(1.0, rng.uniform(*SMALL) / side)
    if zoom < 1:
        # Area twice: it is what most software does.
        method = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(4)]
        pixels = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=method).astype(np.uint8)
        box = box * zoom
    if rng.random() < 0.25:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.0)).astype(np.uint8)
    if rng.random() < 0.25:
        noise = rng.normal(0, rng.uniform(0.5, 4), pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.85:
        pixels = compress(pixels, ".jpg", int(rng.integers(40, 97)))
    gamma = np.exp(rng.normal(0, 0.12))
    pixels = (255 * np.clip(pixels / 255 * rng.normal(1, 0.03, 3), 0, 1) ** gamma).astype(np.uint8)
    box = box + rng.normal(0, 0.02, 4) * side * zoom
    return face_crop(pixels, (box[0], box[1], box[2], box[3])).pixels


def load_or_extract(path: Path, mark: str, faces: Sequence[LocatedFace], tower: Tower) -> NDArray[np.float16]:
    """Features of all faces undegraded, then degraded; cached at ``path`` with ``mark``."""
    if path.is_file():
        stored = np.load(path)
        if str(stored["mark"]) == mark:
            return np.asarray(stored["features"])
    with autocast(tower.device):
        found = [intermediate_features(tower, crops, DEPTHS).astype(np.float16) for crops in _batches(faces)]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, mark=np.array(mark), features=np.concatenate(found))
    return np.concatenate(found)


def _batches(faces: Sequence[LocatedFace]) -> Iterator[list[NDArray[np.uint8]]]:
    for look in (original_crop, degraded_crop):
        for start in track(range(0, len(faces), BATCH), description=look.__name__):
            yield [look(one) for one in faces[start : start + BATCH]]
