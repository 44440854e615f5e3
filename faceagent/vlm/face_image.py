"""The picture of a face for a vision-language model: a square crop with some margin, as PNG."""

import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import crop_face, face_crop
from faceagent.types import Face
from faceagent.vlm.chat_template import encode_png
from faceagent.vlm.embedded_model import SIZE

SCALE = 1.3
"""Side of the crop over the longer side of the face box: the crop includes hair, hats and the outline."""
LARGE = 448
"""px, for models behind an endpoint, which take larger pictures than the embedded one."""


def encode_face(pixels: NDArray[np.uint8], box: tuple[float, float, float, float], *, large: bool = False) -> bytes:
    """The face in ``box`` (x0, y0, x1, y1 in px of ``pixels``) as PNG; the file's metadata is not included."""
    return encode_png(face_crop(pixels, box, size=LARGE if large else SIZE, scale=SCALE).pixels)


def encode_upright_face(pixels: NDArray[np.uint8], face: Face, *, large: bool = False) -> bytes:
    """A face of a picture (H×W×3 RGB) as ``encode_face`` gives it, upright and without the photograph's margins."""
    return encode_png(crop_face(pixels, face, size=LARGE if large else SIZE, scale=SCALE).pixels)
