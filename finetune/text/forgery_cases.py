"""Forged and genuine pictures, written to files and measured by the product: cases with known truth.

Every second face stays untouched, and both kinds are stored the same way. Donors come from the same side of the split.
The shipped detector was trained on faces of these sets, so its evidence is clearer here than on other pictures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path

import cv2
import numpy as np

from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.records import LabelledCrop, Portrait
from evals.data.synthesis.splice import draw_regions, self_blend, splice, untouched
from evals.views import portrait as face_of
from evals.views import whole
from faceagent.encoder.regions import REGIONS
from faceagent.judge import weigh
from faceagent.settings import Settings
from faceagent.tools.forgery import Forgery
from faceagent.types import Evidence, Region
from finetune.data.samples import SamplePicture
from finetune.text.case import ExplanationCase
from finetune.text.feature_assessment import expert_evidence
from finetune.text.forgery import FORGED, GENUINE

SIZE, SCALE = 320, 2.0
"""Size in px, and side of the picture over the face box: wide enough for the face finder."""
SELF_BLENDED = 0.3


@dataclass(frozen=True)
class MadePicture:
    """A picture file, what was done to it, and the measured case when its face was found again."""

    shot: SamplePicture
    source: str
    touched: tuple[Region, ...]
    case: ExplanationCase | None


def make_pictures(
    faces: Sequence[LocatedFace], folder: Path, out: str, settings: Settings, seed: int
) -> Iterator[MadePicture]:
    """One picture per face in ``folder``/``out``; reproducible by seed."""
    (folder / out).mkdir(parents=True, exist_ok=True)
    tool = Forgery(settings)
    for index, found in enumerate(faces):
        rng = np.random.default_rng((seed, index))
        record = _record(found, faces, forge=bool(index % 2), rng=rng)
        name = f"{out}/{seed}-{index:05d}.png"
        cv2.imwrite(str(folder / name), np.ascontiguousarray(record.pixels[:, :, ::-1]))
        maker = str(record.parameters["maker"])
        shot = SamplePicture(
            path=name, maker=None if maker == "untouched" else maker, parameters=dict(record.parameters)
        )
        parts = record.parameters.get("regions", ())
        touched = tuple(region for region in REGIONS if isinstance(parts, tuple) and region in parts)
        yield MadePicture(shot, found.source, touched, _case(shot, found.source, folder / name, tool, settings))


def _record(found: LocatedFace, faces: Sequence[LocatedFace], *, forge: bool, rng: np.random.Generator) -> LabelledCrop:
    target = portrait(found, SIZE, SCALE)
    if not forge:
        return untouched(target)
    regions = draw_regions(rng)
    donor = None if rng.random() < SELF_BLENDED else _donor(found, faces, rng)
    return self_blend(target, regions, rng) if donor is None else splice(target, donor, regions, rng)


def _donor(found: LocatedFace, faces: Sequence[LocatedFace], rng: np.random.Generator) -> Portrait | None:
    others = [
        one
        for one in (faces[int(place)] for place in rng.integers(len(faces), size=24))
        if one.source != found.source and one.held_out == found.held_out
    ]
    if not others:
        return None
    return portrait(min(others, key=found.shape_distance), SIZE, SCALE)


def _case(shot: SamplePicture, source: str, path: Path, tool: Forgery, settings: Settings) -> ExplanationCase | None:
    view = face_of(whole(path, settings), settings)
    if view is None or view.face is None:
        return None
    evidence = tool.run([view])[0]
    spoken = (*evidence, *_experts(evidence, view.subject))
    return ExplanationCase(
        id=f"forgery/{path.stem}",
        images=(shot,),
        source=source,
        evidence=spoken,
        verdict=weigh("forgery", view.face, evidence),
        truth=FORGED if shot.maker else GENUINE,
    )


def _experts(evidence: Sequence[Evidence], subject: str) -> list[Evidence]:
    """The detector's raw output as P(fake); a morph expert does not exist yet and is unavailable."""
    whole_face = next(item for item in evidence if item.id == f"{subject}:forgery")
    value = None if whole_face.score is None else 1 / (1 + exp(-whole_face.score.value))
    return [
        expert_evidence(name, share, subject, whole_face.tool) for name, share in (("splice", value), ("morph", None))
    ]
