"""The rows that an added family is fitted and judged on: its faces, photographs, and these photographs spliced.

Every face takes part twice, as it is and after a random degradation with one distribution for all kinds. Of every row
the frozen features and the score of the shipped detector of splices are kept, so that later families can be judged
against earlier ones without their pictures.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from evals.data import Case
from evals.data.folder import read
from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.records import Portrait
from evals.data.synthesis.splice import draw_regions, self_blend
from evals.tasks import forgery
from evals.tasks.attack_detection import ATTACK
from evals.views import portrait, whole
from faceagent.atomic_write import atomic_write
from faceagent.encoder.branch import Branch
from faceagent.encoder.crop import Crop, crop_face
from faceagent.encoder.encoder import load_encoder
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.tower import Tower
from faceagent.errors import InputError
from faceagent.settings import Settings
from faceagent.tools.splice_branches import BRANCH, FAST, SpliceBranches

Pixels = NDArray[np.uint8]

DEPTHS = (4, 6, 8)
"""Blocks whose features are kept; the branches of the shipped detector pass them anyway."""
LEAST = 20
"""Fewest faces of a family, and fewest photographs, that a branch is fitted on."""
PHOTOGRAPH, SPLICED = "photograph", "spliced"


class Crops(NamedTuple):
    """Crops with what they are (``PHOTOGRAPH``, ``SPLICED`` or the family's name) and the source they belong to."""

    pixels: list[Pixels]
    kind: list[str]
    source: list[str]
    degraded: list[bool]


class FamilyRows(NamedTuple):
    """One row per crop.

    Attributes:
        features: N×(blocks·3W) of ``DEPTHS``.
        splice: N scores of the shipped detector of splices.
        kind: ``PHOTOGRAPH``, ``SPLICED`` or the family's name.
        source: Group of the folds: a picture, person or video.
        degraded: False for crops as they are.
    """

    features: NDArray[np.float32]
    splice: NDArray[np.float64]
    kind: NDArray[np.str_]
    source: NDArray[np.str_]
    degraded: NDArray[np.bool_]

    def beside(self, taps: Sequence[int]) -> NDArray[np.float32]:
        """N×(blocks·3W) features of these blocks, as a head reads them."""
        parts = np.split(self.features, len(DEPTHS), axis=1)
        return np.concatenate([parts[DEPTHS.index(tap)] for tap in taps], axis=1)

    def save(self, path: Path, mark: str) -> None:
        """Write the rows with the fingerprint of what they were made from."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez(file, mark=np.str_(mark), allow_pickle=False, **self._asdict())

    @classmethod
    def load(cls, path: Path, mark: str | None = None) -> Self | None:
        """The rows at ``path``; None where there are none, or with another fingerprint than ``mark``."""
        if not path.is_file():
            return None
        with np.load(path) as kept:
            if mark not in (None, str(kept["mark"])):
                return None
            return cls(*(kept[name] for name in cls._fields))


def labelled_crops(folder: Path, family: str, settings: Settings, seed: int) -> Crops:
    """The crops of every face in ``folder``, which has labels.csv with "real" and "fake" in the column "label".

    Raises InputError when a side has too few faces.
    """
    cases = forgery.TASK.read(read(folder), "forgery").cases
    rng = np.random.default_rng(seed)
    found = Crops([], [], [], [])
    for case in track(cases, description="faces"):
        for kind, pixels in _versions(folder, case, family, settings, rng):
            changed = degrade(pixels, draw_degradation(rng, len(pixels)))
            for crop, degraded in ((pixels, False), (changed, True)):
                found.pixels.append(crop)
                found.kind.append(kind)
                found.source.append(str(case.cluster))
                found.degraded.append(degraded)
    for kind, words in ((family, "fake"), (PHOTOGRAPH, "real")):
        if (count := found.kind.count(kind) // 2) < LEAST:
            raise InputError(
                f"{folder.name} has {count} usable faces that are {words}; {LEAST} are the least.",
                remedy="Give a few hundred of both, from several sources.",
            )
    return found


def _versions(
    folder: Path, case: Case, family: str, settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[str, Pixels]]:
    """A face of the family as it is; a photograph as it is and spliced, which is what the shipped detector knows."""
    view = portrait(whole(folder / case.file, settings), settings)
    if view is None or view.face is None:
        return
    crop = crop_face(view.pixels(), view.face)
    if case.truth["class"] == ATTACK:
        yield family, crop.pixels
        return
    yield PHOTOGRAPH, crop.pixels
    if view.face.landmarks:
        yield SPLICED, _spliced(crop, view.face.landmarks, case.file, rng)


def _spliced(crop: Crop, points: Sequence[tuple[float, float]], source: str, rng: np.random.Generator) -> Pixels:
    base = Portrait(crop.pixels, crop.place(np.asarray(points)), source, "")
    return self_blend(base, draw_regions(rng), rng).pixels


def detector_branches(settings: Settings) -> tuple[str, ...]:
    """The branches of the shipped detector that the settings use."""
    return (FAST,) if settings.detectors == "fast" else (BRANCH, FAST)


def family_rows(crops: Crops, tower: Tower, settings: Settings) -> FamilyRows:
    """Features and scores of the crops."""
    branches = SpliceBranches({name: load_encoder(settings, (name,)) for name in detector_branches(settings)})
    pixels = crops.pixels
    scores = [branches.scores([one])[0] for one in track(pixels, description="scores of splices")]
    features = [intermediate_features(tower, [one], DEPTHS)[0] for one in track(pixels, description="features")]
    return FamilyRows(
        np.stack(features),
        np.array(scores),
        np.array(crops.kind),
        np.array(crops.source),
        np.array(crops.degraded),
    )


def head_scores(branch: Branch, rows: FamilyRows) -> NDArray[np.float64]:
    """N logits of the rows by a branch that is only a head."""
    with torch.inference_mode():
        logits, _ = branch.head(None, torch.from_numpy(rows.beside(branch.config.taps)))
    return np.asarray(logits[:, 0].double().numpy(), np.float64)
