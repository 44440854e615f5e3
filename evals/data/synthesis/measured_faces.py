"""Face crops with the face finder's measurements (pose, blendshapes) and the caption of the data set."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.held_out import source_of
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.records import Portrait
from faceagent.tools.base import View
from faceagent.vlm.face_image import SCALE

SIZE = 224


@dataclass(frozen=True)
class MeasuredFace:
    """One face of one picture.

    Attributes:
        found: Where the face is.
        yaw: Degrees, as in ``Pose``.
        pitch: Degrees, as in ``Pose``.
        shapes: The 52 blendshapes, 0-1.
        caption: Column to value of the picture's row in the data set, without "race".
    """

    found: LocatedFace
    yaw: float
    pitch: float
    shapes: Mapping[str, float]
    caption: Mapping[str, str]

    @property
    def held_out(self) -> bool:
        """Whether its source belongs to validation, see ``is_held_out``."""
        return self.found.held_out

    def portrait(self) -> Portrait:
        """The crop that the model sees, with mesh points in crop px."""
        return portrait(self.found, SIZE, SCALE)


def mean_luma(pixels: NDArray[np.uint8]) -> float:
    """Mean brightness of the inner half of a crop, 0-255 (ITU-R BT.601)."""
    edge = pixels.shape[0] // 4
    inner = pixels[edge:-edge, edge:-edge].reshape(-1, 3)
    return float(inner.mean(axis=0) @ np.array([0.299, 0.587, 0.114]))


def measure_face(name: str, folder: Path, file: str, view: View | None, row: Mapping[str, str]) -> MeasuredFace | None:
    """The face of a picture and its measurements; None without landmarks or pose."""
    face = None if view is None else view.face
    if face is None or not face.landmarks or face.pose is None:
        return None
    found = LocatedFace(name, str(folder / file), source_of(name, file), face.box, face.landmarks)
    caption = {key: re.sub(r"\s+", " ", value) for key, value in row.items() if key != "race"}
    return MeasuredFace(found, face.pose.yaw, face.pose.pitch, dict(face.blendshapes), caption)
