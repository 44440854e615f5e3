"""Which patches of a face crop something covers, by what, and which part of a face each shows: one linear layer.

Reads the patch tokens of a frozen block that other branches leave at, so that a face which a detector looks at anyway
costs no second forward pass. Patches as the unit and tokens of uncovered faces as the reference come from Latent-OFER;
its one-class distance found hands and sunglasses of which it knew nothing worse than the logistic regression trained
on drawn objects, so the regression ships (figures in the adapter's README). Knows neither mesh nor border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import Crop
from faceagent.encoder.encoder import shared_tokens
from faceagent.encoder.head_card import HEAD, HeadCard, read_card
from faceagent.encoder.regions import patch_cover
from faceagent.settings import Settings
from faceagent.types import FacePart, Occluder, WeightStamp

Floats = NDArray[np.float32]


class OcclusionCard(HeadCard):
    """``card.json``: on top of which tower and block the head was trained, and where its lines are."""

    labels: tuple[Occluder, ...]
    limits: dict[FacePart, float]
    """Cover 0-1 from which a part counts as covered."""
    floors: dict[FacePart, float]
    """Likeness 0-1 below which a part is not where the landmarks say."""
    edge_floors: dict[FacePart, float]
    """The same at the edge of the photograph, where landmarks are often a guess."""
    doubt_floors: dict[FacePart, float]
    """The same where something may cover the part."""


@dataclass(frozen=True)
class OcclusionHead:
    """The head's numbers; W is the tower's width, K the number of kinds of objects, F that of the parts of a face."""

    card: OcclusionCard
    mean: Floats
    spread: Floats
    weight: Floats
    """W×(1+K+F+1): covered or not, then one logit per kind, per part in the order of ``PARTS``, and for no part."""
    bias: Floats

    @property
    def stamp(self) -> WeightStamp:
        """Id and sha256 of the head; for reports."""
        return WeightStamp(id=f"adapter:{self.card.name}", sha256=self.card.files[HEAD])

    def __call__(self, tokens: Floats) -> tuple[Floats, Floats, Floats]:
        """B×P×W patch tokens to probabilities: B×P of being covered, B×P×K of the kinds, B×P×(F+1) of the parts."""
        logits = np.asarray(((tokens - self.mean) / self.spread) @ self.weight + self.bias, np.float32)
        covered = np.asarray(1 / (1 + np.exp(-logits[..., 0])), np.float32)
        kinds = 1 + len(self.card.labels)
        return covered, _softmax(logits[..., 1:kinds]), _softmax(logits[..., kinds:])


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


@cache
def load_head(folder: Path | None = None) -> OcclusionHead:
    """The head in ``folder``, or the one that comes with the package.

    Raises ModelUnavailable when it is missing, WeightsCorrupt when the file is not the one its card names.
    """
    return read_head(folder or Path(str(resources.files("faceagent.encoder").joinpath("adapters", "occlusion"))))


def read_head(place: Path) -> OcclusionHead:
    """``load_head`` without memory."""
    from safetensors.numpy import load_file

    card = read_card(place, OcclusionCard)
    state = load_file(place / HEAD)
    return OcclusionHead(card, state["mean"], state["spread"], state["weight"], state["bias"])


@dataclass(frozen=True)
class PatchOcclusion:
    """One face crop, patch by patch, top row first; P patches.

    ``covered`` P, ``kinds`` P×K and ``parts`` P×(F+1) are probabilities, ``inside`` the share of every patch that shows
    the picture and not its mirrored edge; ``crop`` maps picture px to crop px.
    """

    head: OcclusionHead
    crop: Crop
    covered: Floats
    kinds: Floats
    parts: Floats
    inside: Floats


def look(crops: Sequence[Crop], settings: Settings) -> list[PatchOcclusion]:
    """The patches of face crops that have the card's margin.

    Raises ModelUnavailable when tower or head cannot be had, or the head was made for another tower.
    """
    if not crops:
        return []
    head = load_head()
    tokens, grid = shared_tokens([crop.pixels for crop in crops], head.card.block, head.card.base, settings)
    covered, kinds, parts = head(tokens[:, 1:])
    return [
        PatchOcclusion(head, crop, covered[row], kinds[row], parts[row], patch_cover(crop.inside, grid).ravel())
        for row, crop in enumerate(crops)
    ]
