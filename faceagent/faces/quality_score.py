"""The overall quality of a face picture: its components, weighed by how much each costs the tools.

The weights are fitted: ``finetune.quality`` makes faces worse in many ways and looks at what the errors of landmarks
and of the comparison of faces depend on. The score is 100 times a product of powers, one per component, so that every
component takes its share of what is missing to 100 and one bad component is not averaged away. A component whose
weight is 0 costs those tools nothing; the minimums in ``usable`` hold for it all the same.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np


class Weighing(NamedTuple):
    """Exponent per component, and the value below which a component is as bad as it gets."""

    weights: Mapping[str, float]
    floor: float


@cache
def shipped() -> Weighing:
    """The fitted weights."""
    kept = json.loads(resources.files("faceagent.faces").joinpath("quality_score.json").read_text(encoding="utf-8"))
    return Weighing(kept["weights"], float(kept["floor"]))


def shortfall(value: float, floor: float) -> float:
    """What a component of ``value`` (0-100) lacks, from 0 at 100 on, logarithmic down to ``floor``."""
    return float(-np.log(max(value, floor) / 100))


def unified(components: Mapping[str, float], weighing: Weighing | None = None) -> float:
    """The overall score, 0-100; ``components`` by name, 0-100 each."""
    return float(100 * np.exp(-sum(_costs(components, weighing or shipped()).values())))


def lost(components: Mapping[str, float]) -> dict[str, float]:
    """Points that each component takes away; together they are what is missing to 100. Largest first."""
    costs = _costs(components, shipped())
    total = sum(costs.values())
    missing = 100 - unified(components)
    shares = {name: missing * cost / total if total else 0.0 for name, cost in costs.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def weakest(components: Mapping[str, float]) -> str:
    """The component that takes most away; of those that take the same, the lowest."""
    taken = lost(components)
    return min(taken, key=lambda name: (-taken[name], components[name]))


def _costs(components: Mapping[str, float], weighing: Weighing) -> dict[str, float]:
    return {name: weight * shortfall(components[name], weighing.floor) for name, weight in weighing.weights.items()}
