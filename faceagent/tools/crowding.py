"""How near a face lies to many other faces in SFace's space, and what that takes off a cosine.

SFace puts some people closer together than others: strangers' cosines reach .72 between infants and .46 between men
of one region at the rank where they reach .37 elsewhere. One line on the cosine is then right for nobody. The group
need not be known for that: a face in a dense part of the space is near the mean of a cluster of faces, and the
stranger's cosine to expect rises with it (the cohort normalisation of speaker and face verification, with cluster means
as the cohort). The clusters were formed without labels; each is the mean of hundreds of vectors, so none is a template
of a person. One more mean is of faces before one backdrop and under one light, where strangers are alike as well.
"""

import json
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

WEIGHT = 1.5
"""Cosine taken off per unit of crowding; chosen on training sets, where 1 leaves more to the worst group."""


class Crowds(NamedTuple):
    """The means, K×128, and the crowding of a usual face."""

    means: NDArray[np.float64]
    usual: float


@cache
def crowds() -> Crowds:
    """The shipped means."""
    text = resources.files("faceagent.tools").joinpath("crowding.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    return Crowds(np.array(kept["means"], dtype=np.float64), float(kept["usual"]))


def crowding(vector: Vector) -> float:
    """Largest product with a mean, about 0 to .4; ``vector`` has unit length."""
    return float(np.max(crowds().means @ vector))


def adjustment(first: Vector, second: Vector) -> float:
    """What is taken off the cosine of two faces; negative where both lie more alone than usual."""
    return WEIGHT * ((crowding(first) + crowding(second)) / 2 - crowds().usual)
