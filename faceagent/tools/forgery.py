"""Spliced and swapped parts of a face, where they are, and wholly generated faces: branches of both vision towers.

``forgery`` on CLIP and ``forgery_fast`` on DINOv2 detect parts of another person, moved and filled-in parts
(``splice_branches``). Their patch logits, trained on masks of known forgeries, are the heat map and give the region
scores. With ``detectors=fast`` and where CLIP's weights are missing, DINOv2's answers alone. ``forgery_generated``
reads intermediate blocks of DINOv2, where texture is encoded: whether the face was generated, by which family of
generators, and how far the face is from the training faces. Its logit is reported, not fused; the distance is fused.
The position of the eyes in the picture (``framing``) is reported too.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import Crop
from faceagent.encoder.regions import REGIONS, patch_cover, region_masks
from faceagent.faces import align, needs
from faceagent.faces.needs import lacking
from faceagent.settings import Settings
from faceagent.tools.added_families import Added, added_evidence, read_added
from faceagent.tools.base import ToolSpec, View, hidden_evidence, per_face
from faceagent.tools.encoder_branch import branch_crops, encoder_stamp, full_or_fast
from faceagent.tools.familiarity import distance_evidence
from faceagent.tools.framing import framing_evidence
from faceagent.tools.resaved import COPIES, Resaved, scores_resaved
from faceagent.tools.splice_branches import BRANCH, FAST, SpliceBranches
from faceagent.types import MOST_PATCHES, Evidence, Face, HeatMap, PartVisibility, Region, Score, ToolStamp

if TYPE_CHECKING:
    from faceagent.encoder.encoder import Encoder

Reals = NDArray[np.float64]

GENERATED = "forgery_generated"
SPLICE, SPLICE_FAST = "forgery/splice-1", "forgery/splice-fast-1"
FAMILIES = {"stylegan": "StyleGAN", "diffusion": "diffusion models"}
STRONGEST = 4
"""Patches whose mean is a region's score; an eye covers about ten."""
LEAST_RESAVED = 0.0
"""Score from which copies of the crop are scored too: about one photograph in five. Copies of the others do not reach
the line from which a face leans to forged, and five passes of both towers for every face would cost too much."""
COVERED = 0.5
"""Share of a patch that lies in the region from which the patch counts."""


class Encoders(NamedTuple):
    """The branches for spliced parts, and the encoder with the one for generated faces."""

    splices: SpliceBranches
    generated: "Encoder"

    @property
    def fast(self) -> bool:
        """Whether CLIP takes no part."""
        return BRANCH not in self.splices.encoders


class Forgery:
    """One pass of each tower per batch."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="forgery",
        version="2.1.0",
        title="Forgery detector",
        summary="Whether parts of a face were spliced in or swapped, and where. Generated faces are not its question.",
        questions=("forgery",),
        scope="face",
        weights=("clip_vitb16", "dinov2_vits14_224"),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version, towers and adapters, and the device they run on."""
        return self._stamp(self._encoders(), read_added(self._settings, []))

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Per face: logits of both kinds of forgery, the generator's family, the distance, the regions, the framing."""
        return per_face(batch, self._measure)

    def _measure(self, faces: Sequence[tuple[View, Face]]) -> list[tuple[Evidence, ...]]:
        encoders = self._encoders()
        splices = encoders.splices
        labels = encoders.generated.branches[GENERATED].config.labels
        crops = branch_crops(encoders.generated, GENERATED, faces)
        pixels = [crop.pixels for crop in crops]
        first, maps = splices.read(pixels)
        scores = scores_resaved(splices.scores, pixels, first, least=LEAST_RESAVED)
        generated = encoders.generated.run(pixels, [GENERATED])[GENERATED].logits.astype(float)
        added = read_added(self._settings, pixels)
        by = self._stamp(encoders, added)
        found = []
        for row, (view, face) in enumerate(faces):
            heat = maps[row]
            # Beyond the picture's edge the crop repeats the picture: nothing is said of what is not there.
            mask = crops[row].inside
            shown = patch_cover(mask, len(heat)) >= COVERED
            where = _heat_map(crops[row], heat * shown)
            found.append(
                (
                    _splice(by, view, scores[row], where, fast=encoders.fast),
                    *_generated(by, view, dict(zip(labels, generated[row], strict=True))),
                    *(added_evidence(by, view, one, row) for one in added),
                    *_regions(by, view, face, crops[row], heat, mask),
                    *framing_evidence(by, view),
                )
            )
        return found

    def _stamp(self, encoders: Encoders, added: Sequence[Added]) -> ToolStamp:
        used = [stamp for one in encoders.splices.encoders.values() for stamp in one.stamps]
        used += [stamp for one in added for stamp in one.stamps]
        by = encoder_stamp(self.spec, encoders.generated)
        return by.model_copy(update={"weights": tuple(dict.fromkeys((*used, *encoders.generated.stamps)))})

    def _encoders(self) -> Encoders:
        """Both towers, or with ``detectors=fast`` and where CLIP's weights are missing DINOv2 alone.

        Raises ModelUnavailable when DINOv2 is unavailable too, and WeightsCorrupt when a file is not the right one.
        """
        from faceagent.encoder.encoder import load_encoder

        fast, generated = (load_encoder(self._settings, (name,)) for name in (FAST, GENERATED))
        encoder, name = full_or_fast(self._settings, BRANCH, FAST)
        full = {} if name == FAST else {BRANCH: encoder}
        return Encoders(SpliceBranches({**full, FAST: fast}), generated)


def region_scores(points: Reals, heat: Reals, size: int, shown: NDArray[np.uint8] | None = None) -> dict[Region, float]:
    """Mean of the strongest patches of every region that has any.

    ``points``: 478×2 in crop px; ``heat``: grid×grid; ``shown``: size×size, 1 where the crop shows the picture.
    """
    grid = heat.shape[0]
    scores: dict[Region, float] = {}
    for region, mask in region_masks(points, size).items():
        seen = mask if shown is None else np.asarray(mask * shown, np.uint8)
        strong = heat[patch_cover(seen, grid).reshape(grid, grid) >= COVERED]
        if strong.size:
            scores[region] = float(np.sort(strong)[-STRONGEST:].mean())
    return scores


def _splice(by: ToolStamp, view: View, found: Resaved, heat: HeatMap, *, fast: bool) -> Evidence:
    how = ", measured by the fast detector, without CLIP" if fast else ""
    facts: dict[str, float | str] = {}
    if found.low < found.high:
        how += f"; for the picture saved again in {len(COPIES)} other ways it lies between {_sigmoid(found.low):.2f} "
        how += f"and {_sigmoid(found.high):.2f}"
        facts = {"interval": f"range over the picture and {len(COPIES)} copies saved again; the value is their mean"}
    return Evidence(
        id=f"{view.subject}:forgery",
        tool=by,
        question="forgery",
        subject=view.subject,
        score=Score(
            value=found.mean,
            scale="logit",
            low=found.low if facts else None,
            high=found.high if facts else None,
            calibration=SPLICE_FAST if fast else SPLICE,
        ),
        facts=facts,
        heatmap=heat,
        # The statement names no side: where the output turns from one to the other is up to the calibration.
        statement=f"The forgery detector's raw output for a spliced or swapped part is "
        f"{_sigmoid(found.mean):.2f} of 1{how}.",
    )


def _generated(by: ToolStamp, view: View, whole: Mapping[str, float]) -> tuple[Evidence, ...]:
    """The logit for a generated face, the most similar family of generators, the distance from the training faces."""
    logit, spliced = whole["synthetic"], f"{view.subject}:forgery"
    synthetic = Evidence(
        id=f"{spliced}_synthetic",
        tool=by,
        question="forgery",
        subject=view.subject,
        # A calibration exists (forgery/synthetic-1), but fusing this score lost more spliced faces than it found.
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
        distance_evidence(by, view, "forgery", whole, (spliced, synthetic.id)),
    )


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _regions(
    by: ToolStamp, view: View, face: Face, crop: Crop, heat: Reals, shown: NDArray[np.uint8]
) -> list[Evidence]:
    if not face.landmarks:
        return []
    scores = region_scores(crop.place(np.asarray(face.landmarks)), heat, crop.pixels.shape[0], shown)
    hidden = {region: missing for region, need in needs.table().region.items() if (missing := lacking(face, need))}
    scores = {region: score for region, score in scores.items() if region not in hidden}
    if not scores:
        return [_hidden_region(by, view, region, missing) for region, missing in hidden.items()]
    strongest = max(scores, key=lambda region: scores[region])
    return [
        _hidden_region(by, view, region, hidden[region])
        if region in hidden
        else Evidence(
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
        if region in scores or region in hidden
    ]


def _hidden_region(by: ToolStamp, view: View, region: Region, missing: Sequence[PartVisibility]) -> Evidence:
    words = f"The region {region.replace('_', ' ')}"
    return hidden_evidence(
        by, view, name=f"forgery_{region}", question="forgery", subject_words=words, missing=missing, region=region
    )


def _heat_map(crop: Crop, heat: Reals) -> HeatMap:
    """The map over a square of the picture with upright sides, around the crop, which may be turned in it."""
    size, grid = crop.pixels.shape[0], heat.shape[0]
    across, down = crop.matrix[0, :2].tolist()
    zoom = float(np.hypot(across, down))
    # A square turned by an angle needs one that is wider by this; whole quarters need none.
    wider = (abs(across) + abs(down)) / zoom
    count = grid if wider < 1 + 1e-6 else min(MOST_PATCHES, math.ceil(grid * wider - 1e-6))
    side = size / zoom * (1 if count == grid else wider)
    back = align.invert(crop.matrix)
    # Pixel edges: the crop's middle is the square's middle.
    centre = align.apply(back, [[size / 2, size / 2]])[0]
    steps = (np.arange(count) + 0.5) / count * side - side / 2
    places = np.stack(np.meshgrid(centre[0] + steps, centre[1] + steps), axis=-1).reshape(-1, 2)
    values = _sampled(heat, align.apply(crop.matrix, places) * (grid / size)).reshape(count, count)
    left, top = (centre - side / 2).tolist()
    return HeatMap(
        box=(left, top, left + side, top + side),
        values=tuple(tuple(round(float(value), 3) for value in row) for row in values),
    )


def _sampled(heat: Reals, places: Reals) -> Reals:
    """The map at N×2 places in patches from its corner, between patch centres bilinear; 0 outside the map."""
    moved = (places - 0.5).round(6).astype(np.float32)[np.newaxis]
    inside = ((places > -1e-6) & (places < heat.shape[0] + 1e-6)).all(axis=1)
    values = cv2.remap(
        heat.astype(np.float32), moved[..., 0], moved[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(np.clip(values[0], 0, 1) * inside, dtype=np.float64)
