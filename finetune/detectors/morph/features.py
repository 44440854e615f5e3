"""Features and spectra of morph pairs and of undegraded faces, cached."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.data.synthesis.spectrum import radial_profile
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.tower import Tower
from finetune.data.precision import autocast
from finetune.detectors.linear import Reals
from finetune.detectors.morph.data import MorphHalf, twin_crops

DEPTHS = (4, 6, 8, 10)
BATCH = 16


class MorphRows(NamedTuple):
    """One row per picture: ``features`` by block, those of ``twins``, radial ``spectrum``, and what it is.

    See ``MorphHalf``.
    """

    features: Mapping[int, NDArray[np.float32]]
    twins: Mapping[int, NDArray[np.float32]]
    spectrum: Reals
    morphed: NDArray[np.bool_]
    source: NDArray[np.str_]
    origin: NDArray[np.str_]
    method: NDArray[np.str_]
    finish: NDArray[np.str_]

    def beside(self, taps: Sequence[int]) -> NDArray[np.float32]:
        """N×(blocks·3W) features of these blocks, as a head reads them."""
        return np.concatenate([self.features[tap] for tap in taps], axis=1)

    def twin_changes(self, taps: Sequence[int]) -> NDArray[np.float32]:
        """N×(blocks·3W): how the features of these blocks change from the picture to its twin."""
        return np.concatenate([self.twins[tap] - self.features[tap] for tap in taps], axis=1)


def extract_rows(halves: Sequence[MorphHalf], tower: Tower) -> MorphRows:
    """Encoder features and radial spectra of pictures."""
    features, twins = (_by_depth([pixels(half) for half in halves], tower) for pixels in (_own, _twin))
    return MorphRows(
        features,
        twins,
        np.stack([radial_profile(half.pixels) for half in halves]),
        np.array([half.morphed for half in halves]),
        *(np.array([getattr(half, key) for half in halves]) for key in ("source", "origin", "method", "finish")),
    )


def _own(half: MorphHalf) -> NDArray[np.uint8]:
    return half.pixels


def _twin(half: MorphHalf) -> NDArray[np.uint8]:
    return half.twin


def _by_depth(crops: Sequence[NDArray[np.uint8]], tower: Tower) -> Mapping[int, NDArray[np.float32]]:
    found = []
    for start in track(range(0, len(crops), BATCH), description="features"):
        with autocast(tower.device):
            found.append(intermediate_features(tower, crops[start : start + BATCH], DEPTHS))
    return dict(zip(DEPTHS, np.split(np.concatenate(found), len(DEPTHS), axis=1), strict=True))


def load_or_extract(path: Path, mark: str, make: Callable[[], Sequence[MorphHalf]], tower: Tower) -> MorphRows:
    """The rows cached at ``path`` when they carry ``mark``, else those of ``make``, cached there."""
    if path.is_file():
        stored = np.load(path)
        if str(stored["mark"]) == mark:
            own, tilted = ({tap: stored[f"{kind}{tap}"] for tap in DEPTHS} for kind in ("tap", "twin"))
            return MorphRows(own, tilted, *(stored[key] for key in MorphRows._fields[2:]))
    rows = extract_rows(make(), tower)
    path.parent.mkdir(parents=True, exist_ok=True)
    taps = {f"tap{tap}": value for tap, value in rows.features.items()}
    twins = {f"twin{tap}": value for tap, value in rows.twins.items()}
    labels = {key: getattr(rows, key) for key in MorphRows._fields[2:]}
    np.savez(path, allow_pickle=False, mark=np.array(mark), **taps, **twins, **labels)
    return rows


def undegraded_halves(faces: Sequence[LocatedFace]) -> list[MorphHalf]:
    """Bona fide pictures without degradation, as the tool crops them."""
    return [
        MorphHalf(
            *twin_crops(read_pixels(one), np.asarray(one.points), zlib.crc32(one.path.encode())),
            False,
            one.source,
            one.origin,
            "none",
            "none",
        )
        for one in faces
    ]
