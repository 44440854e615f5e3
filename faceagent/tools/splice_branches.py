"""Traces of splicing as both vision towers see them: one score and one map from the branches that are there.

The branch on CLIP is the better one for swaps, moved mouths and eyes; the one on DINOv2 for parts pasted from other
people. Their logits are averaged, and so are their maps. Knows no calibration and no face.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.errors import ModelUnavailable

if TYPE_CHECKING:
    from faceagent.encoder.encoder import Encoder, Output

Pixels = NDArray[np.uint8]
Reals = NDArray[np.float64]

BRANCH, FAST = "forgery", "forgery_fast"
"""The branches on CLIP and on DINOv2."""
WEIGHTS: Mapping[str, float] = {BRANCH: 2 / 3, FAST: 1 / 3}
"""Share of every branch in the score, where both are there; chosen on the validation side of the training sets."""
LABEL = "splice"


class SpliceBranches(NamedTuple):
    """Branches by name, each with the encoder that has it; the first one's grid is that of the map."""

    encoders: Mapping[str, "Encoder"]

    def scores(self, crops: Sequence[Pixels]) -> Reals:
        """N scores of size×size×3 uint8 RGB crops."""
        return self._mean([self._logits(name, output) for name, output in self._run(crops).items()])

    def read(self, crops: Sequence[Pixels]) -> tuple[Reals, Reals]:
        """N scores and N×grid×grid probabilities. Raises ModelUnavailable for a branch without patch logits."""
        outputs = self._run(crops)
        maps = [_map(name, output) for name, output in outputs.items()]
        scores = self._mean([self._logits(name, output) for name, output in outputs.items()])
        return scores, self._mean([_resized(one, maps[0].shape[1]) for one in maps])

    def _run(self, crops: Sequence[Pixels]) -> "dict[str, Output]":
        return {name: encoder.run(crops, [name])[name] for name, encoder in self.encoders.items()}

    def _logits(self, name: str, output: "Output") -> Reals:
        column = self.encoders[name].branches[name].config.labels.index(LABEL)
        return np.asarray(output.logits[:, column], np.float64)

    def _mean(self, values: Sequence[Reals]) -> Reals:
        return np.asarray(np.average(values, axis=0, weights=[WEIGHTS[name] for name in self.encoders]), np.float64)


def _map(name: str, output: "Output") -> Reals:
    if output.patches is None:
        raise ModelUnavailable(f"The adapter {name!r} has no patch logits.", remedy="Install faceagent again.")
    return 1 / (1 + np.exp(-output.patches[..., 0].astype(np.float64)))


def _resized(maps: Reals, grid: int) -> Reals:
    """N×G×G maps on another grid over the same square."""
    if maps.shape[1] == grid:
        return maps
    return np.stack([cv2.resize(one, (grid, grid), interpolation=cv2.INTER_AREA) for one in maps])
