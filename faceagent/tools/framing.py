"""Position of the eyes in the picture: a StyleGAN places every face as in its training pictures.

Those were aligned by eyes and mouth (FFHQ; Karras, Laine and Aila 2019). Nearly all uncropped portraits of such a
generator have the eyes there within a hundredth of the side, at any size and compression. Photographs that were
aligned for research often have them there too (all 40 of FRLL's Canadian set), and cropping moves them: this is
reported, not fused. Texture is not used.
"""

import numpy as np

from faceagent.tools.base import View
from faceagent.types import Evidence, Score, ToolStamp
from faceagent.upright import points_into, size_of

EYES = ((0.380, 0.477), (0.620, 0.477))
"""Middles between the corners of the subject's right and left eye, over the picture's width and height."""
CORNERS = ((33, 133), (362, 263))
"""Mesh points at the corners of the right and the left eye."""
NEAR = 0.02
"""Threshold for ``eye_offset``: 99 % of 427 StyleGAN2 portraits (SFHQ) lie below it, none of 1,732 photographs of
FairFace train, muxspace and FRLL, and .6 % of 800 portraits by other generators (SFHQ-T2I)."""


def eye_offset(points: np.ndarray, width: int, height: int) -> float:
    """Largest offset of an eye from ``EYES`` along either axis, as a share of width or height; ``points`` 478×2 px."""
    eyes = np.array([points[list(pair)].mean(axis=0) for pair in CORNERS]) / (width, height)
    return float(np.abs(eyes - np.array(EYES)).max())


def framing_evidence(by: ToolStamp, view: View) -> list[Evidence]:
    """``F1:forgery_framing``, or nothing for a face without a mesh."""
    if view.face is None or not view.face.landmarks:
        return []
    width, height, points = view.picture.width, view.picture.height, np.asarray(view.face.landmarks)
    if view.face.frame is not None:
        # A generator knows neither margins nor turns: they came later.
        width, height = size_of(view.face.frame)
        points = points_into(view.face.frame, points)
    offset = eye_offset(points, width, height)
    near = offset < NEAR
    words = (
        "The eyes lie where StyleGAN's portraits have them; photographs that were aligned by the eyes often do too."
        if near
        else f"The eyes lie up to {100 * offset:.0f} % of the picture's side from where StyleGAN's uncropped portraits "
        "have them; a cropped one would look like this too."
    )
    return [
        Evidence(
            id=f"{view.subject}:forgery_framing",
            tool=by,
            question="forgery",
            subject=view.subject,
            score=Score(value=offset, scale="ratio"),
            facts={"as_stylegan_places_them": "yes" if near else "no"},
            statement=f"{words} Reported, not weighed.",
        )
    ]
