"""Region by region: do the eyes, the nose, the mouth, the skin and the outline look like those of the references?

The frozen tower's patch tokens, pooled over each region, are compared by cosine; of a group photograph with the face
that SFace finds most alike. This separates people far worse than SFace does, so it is reported, not fused: it tells an
explanation where two faces look alike and where they do not. Each region's threshold and its two error rates come from
pairs of photographs of different days.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import crop_face
from faceagent.encoder.regions import REGIONS, patch_cover, region_masks
from faceagent.faces import needs
from faceagent.faces.needs import lacking
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, ToolSpec, View
from faceagent.tools.identity import Identity
from faceagent.tools.identity_evidence import ReferenceMatch, usable_references
from faceagent.types import Evidence, Face, FrozenModel, Region, Score, ToolStamp

if TYPE_CHECKING:
    from faceagent.encoder.tower import Tower

Reals = NDArray[np.float64]

BLOCK = 6
"""Blocks of the tower after which the tokens are read: later blocks encode the kind of thing, less its identity."""
FEWEST = 2.0
"""Patches that a region must cover to be compared."""


class RegionThreshold(FrozenModel):
    """The cosine from which a region counts as the same, its error rates, and the pairs (genuine, impostor) used."""

    threshold: float
    fmr: float
    fnmr: float
    pairs: tuple[int, int]


@cache
def region_thresholds() -> Mapping[str, RegionThreshold]:
    """The shipped threshold of every region."""
    text = resources.files("faceagent.tools").joinpath("likeness.json").read_text(encoding="utf-8")
    return {name: RegionThreshold.model_validate(row) for name, row in json.loads(text)["regions"].items()}


class Likeness:
    """One pass through the frozen tower per view."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="likeness",
        version="1.1.0",
        title="Likeness by region",
        summary="Which regions of a face look like the reference's, and which do not; reported, not weighed.",
        questions=("identity",),
        scope="face",
        needs=("landmarks", "reference"),
        weights=("dinov2_vits14_224",),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._identity = Identity(settings)

    def stamp(self) -> ToolStamp:
        """Name, version, tower, and the device it runs on."""
        tower = self._tower()
        return ToolStamp(
            name=self.spec.name, version=self.spec.version, weights=(tower.stamp,), device=tower.device.type
        )

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Per face one item per region (``F1:identity_nose``): same, different or not visible; () without reference."""
        tower, by = self._tower(), self.stamp()
        if self._settings.profile != "embedded":
            return [() for _ in batch]
        return [self._compared(tower, by, view) for view in batch]

    def _tower(self) -> "Tower":
        from faceagent.encoder.encoder import shared_tower

        return shared_tower(self._settings)

    def _compared(self, tower: "Tower", by: ToolStamp, view: View) -> tuple[Evidence, ...]:
        found = usable_references(view)
        # Of a group the face most like this one is compared; SFace is needed only to find it.
        match = self._identity.match(view, found.usable) if found.grouped and view.face is not None else None
        views = match.views if isinstance(match, ReferenceMatch) else () if found.grouped else found.usable
        faces = [(one, one.face) for one in views if one.face is not None and one.face.landmarks]
        if view.face is None or not faces:
            return ()
        probe, *others = region_vectors(
            tower, [(view.pixels(), view.face), *((one.pixels(), face) for one, face in faces)]
        )
        names = ", ".join(found.names()[one.subject] for one, _ in faces)
        return tuple(_region_evidence(by, view, region, probe, others, names) for region in REGIONS)


def region_vectors(tower: "Tower", faces: Sequence[tuple[Pixels, Face]]) -> list[dict[Region, Reals]]:
    """Per face a unit vector for every region that covers enough patches inside the picture."""
    from faceagent.encoder.torch_state import computing

    crops = [crop_face(pixels, face) for pixels, face in faces]
    with computing(tower.threads):
        *_, (_, tokens) = tower.steps(tower.tensor([crop.pixels for crop in crops]), BLOCK)
    found = []
    for crop, (_, face), row in zip(crops, faces, tokens[:, 1:].double().cpu().numpy(), strict=True):
        vectors: dict[Region, Reals] = {}
        for region, mask in region_masks(crop.place(np.asarray(face.landmarks)), crop.pixels.shape[0]).items():
            weights = patch_cover(np.asarray(mask * crop.inside, np.uint8), tower.grid).ravel().astype(np.float64)
            if weights.sum() >= FEWEST and not lacking(face, needs.table().region.get(region)):
                vector = weights @ (row - row.mean(axis=0))
                vectors[region] = vector / max(float(np.linalg.norm(vector)), 1e-12)
        found.append(vectors)
    return found


def _region_evidence(
    by: ToolStamp,
    view: View,
    region: Region,
    probe: Mapping[Region, Reals],
    others: Sequence[Mapping[Region, Reals]],
    names: str,
) -> Evidence:
    cosines = [float(probe[region] @ other[region]) for other in others if region in probe and region in other]
    words = region.replace("_", " ")
    limit = region_thresholds()[region]
    label, score = "not visible", None
    statement = f"The {words} is not visible enough in both pictures to be compared."
    if cosines:
        value = float(np.mean(cosines))
        label, score = "same" if value >= limit.threshold else "different", Score(value=value, scale="cosine")
        wrong = limit.fmr if label == "same" else limit.fnmr
        statement = (
            f"The {words} is {label} by its look, cosine {value:.2f} with {names} (line {limit.threshold:.2f}; "
            f"{100 * wrong:.0f} % of {'strangers' if label == 'same' else 'one and the same people'} come out so too)."
        )
    return Evidence(
        id=f"{view.subject}:identity_{region}",
        tool=by,
        question="identity",
        subject=view.subject,
        label=label,
        score=score,
        region=region,
        statement=statement,
    )
