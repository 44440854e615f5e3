"""Where the eyes lie in the picture: a StyleGAN puts every face where its training pictures had it.

Those were aligned by eyes and mouth (FFHQ; Karras, Laine and Aila 2019), and nearly all portraits that such a generator
made and nobody cropped keep the place to a hundredth of the side, at any size and compression. Photographs that were
aligned for research often lie there too (all 40 of FRLL's Canadian set do), and cropping loses it: a hint to be
reported, not to be weighed. Knows nothing of texture.
"""

import numpy as np

from faceagent.tools.base import View
from faceagent.types import Evidence, Score, ToolStamp

EYES = ((0.380, 0.477), (0.620, 0.477))
"""Middles between the corners of the subject's right and left eye, over the picture's width and height."""
CORNERS = ((33, 133), (362, 263))
"""The same eyes in the mesh: its points at their corners."""
NEAR = 0.02
"""Over the side: 99 % of 427 StyleGAN2 portraits (SFHQ) lie nearer, none of 1,732 photographs of FairFace train,
muxspace and FRLL, and .6 % of 800 portraits by other generators (SFHQ-T2I)."""


def misplacement(points: np.ndarray, width: int, height: int) -> float:
    """The most that an eye is off, along either axis, over the picture's width or height; ``points`` 478×2 in px."""
    eyes = np.array([points[list(pair)].mean(axis=0) for pair in CORNERS]) / (width, height)
    return float(np.abs(eyes - np.array(EYES)).max())


def framed(by: ToolStamp, view: View) -> list[Evidence]:
    """``F1:forgery_framing``, or nothing for a face without a mesh."""
    if view.face is None or not view.face.landmarks:
        return []
    off = misplacement(np.asarray(view.face.landmarks), view.picture.width, view.picture.height)
    near = off < NEAR
    words = (
        "The eyes lie where StyleGAN's portraits have them; photographs that were aligned by the eyes often do too."
        if near
        else f"The eyes lie up to {100 * off:.0f} % of the picture's side from where StyleGAN's uncropped portraits "
        "have them; a cropped one would look like this too."
    )
    return [
        Evidence(
            id=f"{view.subject}:forgery_framing",
            tool=by,
            question="forgery",
            subject=view.subject,
            score=Score(value=off, scale="ratio"),
            facts={"as_stylegan_places_them": "yes" if near else "no"},
            statement=f"{words} Reported, not weighed.",
        )
    ]
