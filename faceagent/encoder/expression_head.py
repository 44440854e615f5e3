"""Apparent expression from the look of a face: a linear layer on the tokens of a frozen block, by zone of the face.

A zone's feature is the mean of its patches' tokens, weighted by how much of a patch the zone covers, at unit length;
patches of hidden parts stay out. Knows no action unit and no rule, and no label "other".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from faceagent.encoder.crop import Crop
from faceagent.encoder.encoder import shared_tokens
from faceagent.encoder.head_card import HEAD, HeadCard, read_card
from faceagent.settings import Settings
from faceagent.types import FacePart, WeightStamp

Floats = NDArray[np.float32]
Reals = NDArray[np.float64]

NAME = "expression"

FACE = "face"
"""The zone that is the class token: the face as the tower sums it up."""
ZONES: Mapping[str, tuple[FacePart, ...]] = {
    "eyes": ("right_brow", "left_brow", "right_eye", "left_eye"),
    "nose": ("nose", "right_cheek", "left_cheek"),
    "mouth": ("mouth", "chin"),
}
LEAST = 0.05
"""Patches' worth of a zone below which it counts as hidden."""


class ExpressionCard(HeadCard):
    """``card.json``: on top of which tower and block the head was trained, what it reads, and how it joins the rules.

    The logit of a label is ``weight`` times the head's log probability plus ``rules`` times the rules' logit.
    """

    labels: tuple[str, ...]
    zones: tuple[str, ...]
    weight: float = Field(ge=0, description="of the head's log probability")
    rules: float = Field(ge=0, description="of the rules' logit")
    calibration: str = Field(description="id of the temperature that turns the sum into probabilities")


@dataclass(frozen=True)
class ExpressionHead:
    """A linear layer over standardised features; the arrays are ``weight``, ``bias``, ``mean`` and ``spread``."""

    card: ExpressionCard
    state: Mapping[str, Floats]

    @property
    def stamp(self) -> WeightStamp:
        """Id and sha256 of the head; for reports."""
        return WeightStamp(id=f"adapter:{self.card.name}", sha256=self.card.files[HEAD])

    def __call__(self, features: Mapping[str, Floats]) -> dict[str, float]:
        """The log probability of every label from the features of one face's zones (each W)."""
        mean, spread, weight, bias = (self.state[key] for key in ("mean", "spread", "weight", "bias"))
        x = np.concatenate([features[zone] for zone in self.card.zones]).astype(np.float64)
        logits = weight @ ((x - mean) / spread) + bias
        top = float(logits.max())
        total = top + float(np.log(np.exp(logits - top).sum()))
        return {label: float(value) - total for label, value in zip(self.card.labels, logits, strict=True)}

    def added(self, look: Mapping[str, float], rules: Mapping[str, float]) -> dict[str, float]:
        """The logits of both readings, added; of a label that the head does not know it has no opinion."""
        unknown = -math.log(len(rules))
        return {
            name: self.card.weight * look.get(name, unknown) + self.card.rules * value for name, value in rules.items()
        }


def zone_features(tokens: Floats, cover: Mapping[FacePart, Floats], hidden: frozenset[FacePart]) -> dict[str, Floats]:
    """The features of a face's zones (each W, of unit length) from its (1+P)×W tokens, class token first.

    ``cover``: share 0-1 of every patch (P) that a part covers. A zone of which nothing is left is not among them.
    """
    patches = tokens[1:]
    found = {FACE: _unit(tokens[0])}
    for zone, parts in ZONES.items():
        seen = [cover[part] for part in parts if part not in hidden]
        weight = np.clip(np.sum(seen, axis=0), 0, 1) if seen else np.zeros(len(patches), np.float32)
        if float(weight.sum()) >= LEAST:
            found[zone] = _unit(weight / weight.sum() @ patches)
    return found


def _unit(vector: NDArray[np.floating]) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)


@cache
def load_head() -> ExpressionHead:
    """The shipped head. Raises ModelUnavailable when it is missing, WeightsCorrupt when its file is another."""
    return read_head(Path(str(resources.files("faceagent.encoder").joinpath("adapters", NAME))))


def read_head(place: Path) -> ExpressionHead:
    """The head in a folder, without memory; raises like ``load_head``."""
    from safetensors.numpy import load_file

    card = read_card(place, ExpressionCard)
    return ExpressionHead(card, load_file(place / HEAD))


def face_tokens(head: ExpressionHead, crops: Sequence[Crop], settings: Settings) -> tuple[Floats, int]:
    """B×(1+P)×W tokens of face crops, class token first, and the tower's grid. Raises ModelUnavailable."""
    return shared_tokens([crop.pixels for crop in crops], head.card.block, head.card.base, settings)
