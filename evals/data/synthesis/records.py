"""What the makers take and return: an aligned face crop, and a crop with its label, its mask and how it was made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Label = Literal["real", "splice", "synthetic", "morph"]
Parameters = Mapping[str, float | str | tuple[str, ...]]


@dataclass(frozen=True)
class Portrait:
    """A face crop, the input of every maker.

    Attributes:
        pixels: S×S×3 uint8 RGB.
        points: 478×2 face-mesh points in crop pixels.
        source: Group key of a data split: the person, or the file of a generated picture.
        origin: Name of the data set.
        synthetic: True for a generated face that shows no real person.
    """

    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]
    source: str
    origin: str
    synthetic: bool = False


@dataclass(frozen=True)
class LabelledCrop:
    """A made (or untouched) crop with its truth.

    Attributes:
        pixels: S×S×3 uint8 RGB.
        label: What was done to the crop.
        mask: S×S float32, the share (0-1) of pixels from elsewhere.
        source: Group key of a data split, as in ``Portrait``.
        origin: Name of the data set.
        parameters: What the maker drew: its name, strengths and regions.
    """

    pixels: NDArray[np.uint8]
    label: Label
    mask: NDArray[np.float32]
    source: str
    origin: str
    parameters: Parameters = field(default_factory=dict)
