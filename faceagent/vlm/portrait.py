"""A face as vision-language models are shown it: a square crop with some margin, as PNG."""

import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import face_crop
from faceagent.vlm.assemble import SIZE
from faceagent.vlm.dialogue import show_picture

SCALE = 1.3
"""Side of the crop over the longer side of the face box: hair, hats and the outline belong to the picture."""
LARGE = 448
"""px, for models behind an endpoint, which see more than the embedded one."""


def shown(pixels: NDArray[np.uint8], box: tuple[float, float, float, float], *, large: bool = False) -> bytes:
    """The face in ``box`` (x0, y0, x1, y1 in px of ``pixels``), re-encoded: no metadata travels with it."""
    return show_picture(face_crop(pixels, box, size=LARGE if large else SIZE, scale=SCALE).pixels)
