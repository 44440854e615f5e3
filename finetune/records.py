"""The one record type of training: a picture, what is wrong with it, where, and how it was made.

Knows nothing of files and models. Every maker takes a ``numpy.random.Generator`` and is deterministic by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Label = Literal["real", "splice", "synthetic", "morph"]
Parameters = Mapping[str, float | str | tuple[str, ...]]


@dataclass(frozen=True)
class Portrait:
    """A face crop to make things from.

    ``pixels``: S×S×3 uint8 RGB; ``points``: 478×2 mesh points in crop px; ``source``: what must not lie on
    both sides of a split (a person, or a generated picture); ``origin``: the set; ``synthetic``: of nobody.
    """

    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]
    source: str
    origin: str
    synthetic: bool = False


@dataclass(frozen=True)
class Record:
    """One training example. ``mask``: S×S float32, the share of foreign pixels (0-1) at every place."""

    pixels: NDArray[np.uint8]
    label: Label
    mask: NDArray[np.float32]
    source: str
    origin: str
    parameters: Parameters = field(default_factory=dict)
