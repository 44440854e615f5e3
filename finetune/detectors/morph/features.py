"""Features and spectra of morph pairs and of undegraded faces, cached."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.data.synthesis.spectrum import radial_profile
from faceagent.encoder.crop import face_crop
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.tower import Tower
from finetune.data.precision import autocast
from finetune.detectors.linear import Reals
from finetune.detectors.morph.data import MorphHalf

DEPTHS = (4, 6, 8, 10)
BATCH = 16


class MorphRows(NamedTuple):
    """One row per picture: ``features`` by block, radial ``spectrum``, and what it is (see ``MorphHalf``)."""

    features: Mapping[int, NDArray[np.float32]]
    spectrum: Reals
    morphed: NDArray[np.bool_]
    source: NDArray[np.str_]
    origin: NDArray[np.str_]
    method: NDArray[np.str_]
    finish: NDArray[np.str_]

    def beside(self, taps: Sequence[int]) -> NDArray[np.float32]:
        """N×(blocks·3W) features of these blocks, as a head reads them."""
        return np.concatenate([self.features[tap] for tap in taps], axis=1)


def extract_rows(halves: Sequence[MorphHalf], tower: Tower) -> MorphRows:
    """Encoder features and radial spectra of pictures."""
    found = []
    for start in track(range(0, len(halves), BATCH), description="features"):
        with autocast(tower.device):
            crops = [half.pixels for half in halves[start : start + BATCH]]
            found.append(intermediate_features(tower, crops, DEPTHS))
    parts = np.split(np.concatenate(found), len(DEPTHS), axis=1)
    return MorphRows(
        dict(zip(DEPTHS, parts, strict=True)),
        np.stack([radial_profile(half.pixels) for half in halves]),
        np.array([half.morphed for half in halves]),
        *(np.array([getattr(half, key) for half in halves]) for key in ("source", "origin", "method", "finish")),
    )


def load_or_extract(path: Path, mark: str, make: Callable[[], Sequence[MorphHalf]], tower: Tower) -> MorphRows:
    """The rows cached at ``path`` when they carry ``mark``, else those of ``make``, cached there."""
    if path.is_file():
        stored = np.load(path)
        if str(stored["mark"]) == mark:
            return MorphRows(
                {tap: stored[f"tap{tap}"] for tap in DEPTHS}, *(stored[key] for key in MorphRows._fields[1:])
            )
    rows = extract_rows(make(), tower)
    path.parent.mkdir(parents=True, exist_ok=True)
    taps = {f"tap{tap}": value for tap, value in rows.features.items()}
    labels = {key: getattr(rows, key) for key in MorphRows._fields[1:]}
    np.savez(path, allow_pickle=False, mark=np.array(mark), **taps, **labels)
    return rows


def undegraded_halves(faces: Sequence[LocatedFace]) -> list[MorphHalf]:
    """Bona fide pictures without degradation, as the tool crops them."""
    return [
        MorphHalf(
            face_crop(read_pixels(one), one.box).pixels,
            False,
            one.source,
            one.origin,
            "none",
            "none",
        )
        for one in faces
    ]
