"""The 68 points of iBUG 300-W from the 478 of the mesh.

The map is Peizhi Yan's (Mediapipe_2_Dlib_Landmarks): one mesh point per iBUG point, or the middle of two. Both
conventions mark the same places except on the jaw, where iBUG follows the outline and the mesh the bone, so jaw
points are the least exact. Points are in iBUG's order: jaw from the subject's right, brows, nose, eyes, mouth.

Offsets fitted on the templates of the FRLL training half take the error there, on other people, from .037 to .021 of
the eye distance, and on YouTube Faces from .068 to .069: they learn one annotator's habits, so none are applied.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# fmt: off
MAP: tuple[tuple[int, ...], ...] = (
    # jaw
    (127,), (234,), (93,), (132, 58), (58, 172), (136,), (150,), (176,), (152,),
    (400,), (379,), (365,), (397, 288), (361,), (323,), (454,), (356,),
    # brows
    (70,), (63,), (105,), (66,), (107,), (336,), (296,), (334,), (293,), (300,),
    # nose
    (168, 6), (197, 195), (5,), (4,), (75,), (97,), (2,), (326,), (305,),
    # eyes
    (33,), (160,), (158,), (133,), (153,), (144,), (362,), (385,), (387,), (263,), (373,), (380,),
    # lips, outer then inner
    (61,), (39,), (37,), (0,), (267,), (269,), (291,), (321,), (314,), (17,), (84,), (91,),
    (78,), (82,), (13,), (312,), (308,), (317,), (14,), (87,),
)
# fmt: on
"""Mesh points whose mean is the iBUG point of the same index."""


def ibug68(landmarks: NDArray[np.float64]) -> Array:
    """68×2 points in px from 478×2 (or ×3) mesh points."""
    return np.stack([landmarks[list(group), :2].mean(axis=0) for group in MAP])
