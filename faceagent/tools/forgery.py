"""Spliced and swapped parts of a face, where they are, and faces generated as a whole: two branches of the encoder.

``forgery`` looks for parts of another person; its patch logits, trained on masks of known splices, are the heat map
and name the region. ``forgery_generated`` reads inner blocks, where texture lives: whether the face was generated, by
which family of generators, and how far the face is from all that it learned from. Its logit is reported, not weighed;
the distance is. Where the eyes lie in the picture (``framing``) is reported too.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import Crop, face_crop
from faceagent.encoder.encoder import Encoder, load_encoder
from faceagent.encoder.regions import REGIONS, patch_cover, region_masks
from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View, stamped
from faceagent.tools.framing import framed
from faceagent.types import Evidence, Face, HeatMap, Region, Score, ToolStamp

Reals = NDArray[np.float64]

BRANCH, GENERATED = "forgery", "forgery_generated"
FAMILIES = {"stylegan": "StyleGAN", "diffusion": "diffusion models"}
STRONGEST = 4
"""Patches whose mean is a region's score; an eye covers about ten."""
COVERED = 0.5
"""Share of a patch that lies in the region from which the patch counts."""


class Forgery:
    """One pass of the encoder per batch."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="forgery",
        version="1.2.0",
        title="Forgery detector",
        summary="Whether parts of a face were spliced in or swapped, and where; whether the whole face was generated.",
        questions=("forgery",),
        scope="face",
        weights=("dinov2_vits14_224",),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version, tower and adapter, and the device they run on."""
        encoder = self._encoder()
        return stamped(self.spec, encoder.tower.device.type, encoder.stamps)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Per face: logits of both kinds of forgery, the generator's family, the distance, the regions, the framing."""
        faces = {index: (view, view.face) for index, view in enumerate(batch) if view.face is not None}
        found: dict[int, tuple[Evidence, ...]] = {}
        if faces:
            encoder = self._encoder()
            card, by = encoder.branches[BRANCH].card, self.stamp()
            splice = card.labels.index("splice")
            crops = [face_crop(view.pixels(), face.box, scale=card.margin) for view, face in faces.values()]
            outputs = encoder.run([crop.pixels for crop in crops], [BRANCH, GENERATED])
            output, made = outputs[BRANCH], encoder.branches[GENERATED].card.labels
            if output.patches is None:
                raise ModelUnavailable(
                    f"The adapter {BRANCH!r} has no patch logits.", remedy="Install faceagent again."
                )
            for row, (index, (view, face)) in enumerate(faces.items()):
                heat = 1 / (1 + np.exp(-output.patches[row, :, :, 0].astype(np.float64)))
                whole = dict(zip(made, outputs[GENERATED].logits[row].astype(float), strict=True))
                found[index] = (
                    _splice(by, view, float(output.logits[row, splice]), _heat_map(crops[row], heat)),
                    *_generated(by, view, whole),
                    *_regions(by, view, face, crops[row], heat),
                    *framed(by, view),
                )
        return [found.get(index, ()) for index in range(len(batch))]

    def _encoder(self) -> Encoder:
        return load_encoder(self._settings, (BRANCH, GENERATED))


def region_scores(points: Reals, heat: Reals, size: int) -> dict[Region, float]:
    """Mean of the strongest patches of every region that has any; ``points``: 478×2 in crop px, ``heat``: grid×grid."""
    grid = heat.shape[0]
    scores: dict[Region, float] = {}
    for region, mask in region_masks(points, size).items():
        inside = heat[patch_cover(mask, grid).reshape(grid, grid) >= COVERED]
        if inside.size:
            scores[region] = float(np.sort(inside)[-STRONGEST:].mean())
    return scores


def _splice(by: ToolStamp, view: View, logit: float, heat: HeatMap) -> Evidence:
    return Evidence(
        id=f"{view.subject}:forgery",
        tool=by,
        question="forgery",
        subject=view.subject,
        score=Score(value=logit, scale="logit", calibration="forgery/splice-1"),
        heatmap=heat,
        # Which side an output speaks for is the calibration's to say.
        statement=f"The forgery detector's raw output for a spliced or swapped part is {_share(logit):.2f} of 1.",
    )


def _generated(by: ToolStamp, view: View, whole: Mapping[str, float]) -> tuple[Evidence, ...]:
    """The generated-face logit, the family it would come from, and how far the face is from what was learned."""
    logit, spliced = whole["synthetic"], f"{view.subject}:forgery"
    synthetic = Evidence(
        id=f"{spliced}_synthetic",
        tool=by,
        question="forgery",
        subject=view.subject,
        # Calibrated (forgery/synthetic-1), but not weighed: averaged in, it cost spliced faces more than it found.
        score=Score(value=logit, scale="logit"),
        statement=f"The forgery detector's raw output for a face generated as a whole is {logit:.2f}; "
        "generated training faces lie near 1, photographs near -1; it is reported and not weighed.",
    )
    scores = {name: whole[name] for name in FAMILIES}
    best = max(scores, key=lambda name: scores[name])
    return (
        synthetic,
        Evidence(
            id=f"{spliced}_family",
            tool=by,
            question="forgery",
            subject=view.subject,
            label=best,
            score=Score(value=scores[best], scale="logit", calibration="forgery/family-1"),
            facts=scores,
            cites=(synthetic.id,),
            statement=f"If it was generated, the face is most like those of {FAMILIES[best]} (raw output "
            f"{scores[best]:.2f}).",
        ),
        _familiarity(by, view, whole, (spliced, synthetic.id)),
    )


def distance(whole: Mapping[str, float]) -> float:
    """Root mean square over the whitened axes of a branch's output: about 1 for faces like those of training."""
    return float(np.sqrt(np.mean([value**2 for label, value in whole.items() if label.startswith("axis_")])))


def _familiarity(by: ToolStamp, view: View, whole: Mapping[str, float], speaks_of: tuple[str, ...]) -> Evidence:
    value = distance(whole)
    return Evidence(
        id=f"{view.subject}:forgery_distance",
        tool=by,
        question="forgery",
        subject=view.subject,
        score=Score(value=value, scale="ratio", calibration="forgery/familiar-1"),
        cites=speaks_of,
        statement=f"The face is {value:.2f} times as far from the middle of the training faces as these usually are.",
    )


def _share(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _regions(by: ToolStamp, view: View, face: Face, crop: Crop, heat: Reals) -> list[Evidence]:
    if not face.landmarks:
        return []
    scores = region_scores(crop.place(np.asarray(face.landmarks)), heat, crop.pixels.shape[0])
    strongest = max(scores, key=lambda region: scores[region])
    return [
        Evidence(
            id=f"{view.subject}:forgery_{region}",
            tool=by,
            question="forgery",
            subject=view.subject,
            score=Score(value=scores[region], scale="probability"),
            region=region,
            facts={"strongest": "yes" if region == strongest else "no"},
            statement=f"In the region {region.replace('_', ' ')} the strongest patches reach {scores[region]:.2f} of 1 "
            f"for a splice{', the most of all regions' if region == strongest else ''}.",
        )
        for region in REGIONS
        if region in scores
    ]


def _heat_map(crop: Crop, heat: Reals) -> HeatMap:
    zoom, size = crop.matrix[0, 0], crop.pixels.shape[0]
    left, top = -crop.matrix[0, 2] / zoom, -crop.matrix[1, 2] / zoom
    return HeatMap(
        box=(left, top, left + size / zoom, top + size / zoom),
        values=tuple(tuple(round(float(value), 3) for value in row) for row in heat),
    )
