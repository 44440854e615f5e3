"""How far a face lies from the faces that the encoder's branches learnt from: drawings, for one, lie far.

The whitened axes of the branch ``forgery_generated`` are read from blocks that other branches pass anyway, so the
distance costs next to nothing. Beyond the calibrated distance a detector's score is not trusted and its question stays
open. It costs about one
photograph in twenty-five its verdict, and catches drawings, paintings by filter and most colour negatives.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from faceagent.encoder.encoder import Encoder, Output
from faceagent.tools.base import View
from faceagent.types import Evidence, Question, Score, ToolStamp

BRANCH = "forgery_generated"
CALIBRATION = "forgery/familiar-1"


def axes_of(encoder: Encoder, output: Output) -> list[dict[str, float]]:
    """Per face: the value of every label of the branch, the axes among them."""
    labels = encoder.branches[BRANCH].config.labels
    return [dict(zip(labels, map(float, row), strict=True)) for row in output.logits]


def distance(whole: Mapping[str, float]) -> float:
    """Root mean square over the whitened axes of a branch's output: about 1 for faces like the training faces."""
    return float(np.sqrt(np.mean([value**2 for label, value in whole.items() if label.startswith("axis_")])))


def distance_evidence(
    by: ToolStamp, view: View, question: Question, whole: Mapping[str, float], cites: Sequence[str]
) -> Evidence:
    """``F1:forgery_distance``, by the question it guards; ``cites`` are the scores it bears on."""
    value = distance(whole)
    return Evidence(
        id=f"{view.subject}:{question}_distance",
        tool=by,
        question=question,
        subject=view.subject,
        score=Score(value=value, scale="ratio", calibration=CALIBRATION),
        cites=tuple(cites),
        statement=f"The face is {value:.2f} times as far from the middle of the training faces as these usually are.",
    )
