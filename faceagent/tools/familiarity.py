"""How far a face lies from the faces that the encoder's branches learnt from: drawings, for one, lie far.

The whitened axes of the branch ``forgery_generated`` are read from blocks that are passed anyway, for what covers the
face and for other branches, so the distance costs next to nothing. Beyond the calibrated distance no score of any
detector is trusted and its question stays open. It costs about one photograph in twenty-five its verdicts, and catches
drawings, paintings by filter and most colour negatives.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.encoder_branch import branch_crops
from faceagent.types import Evidence, Face, Question, Score, ToolStamp

if TYPE_CHECKING:
    from faceagent.encoder.encoder import Encoder, Output

logger = logging.getLogger(__name__)

BRANCH = "forgery_generated"
CALIBRATION = "forgery/familiar-1"


def axes_of(encoder: "Encoder", output: "Output") -> list[dict[str, float]]:
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


def guard(
    by: ToolStamp,
    faces: Sequence[tuple[View, Face]],
    questions: Sequence[Question],
    cites: Sequence[Sequence[str]],
    settings: Settings,
) -> list[tuple[Evidence, ...]]:
    """``distance_evidence`` for every face and question, for a tool that does not read the encoder otherwise.

    ``cites`` are the ids of each question's scores, without the subject. Without the encoder's weights there is no
    distance and no guard, which is logged.
    """
    if not faces:
        return []
    try:
        from faceagent.encoder.encoder import load_encoder

        encoder = load_encoder(settings, (BRANCH,))
        output = encoder.run([crop.pixels for crop in branch_crops(encoder, BRANCH, faces)], [BRANCH])[BRANCH]
    except ModelUnavailable as error:
        logger.warning("how unlike the training faces a face is, is not measured: %s", error)
        return [()] * len(faces)
    with_encoder = by.model_copy(update={"weights": tuple(dict.fromkeys((*by.weights, *encoder.stamps)))})
    return [
        tuple(
            distance_evidence(with_encoder, view, question, whole, [f"{view.subject}:{name}" for name in names])
            for question, names in zip(questions, cites, strict=True)
        )
        for (view, _), whole in zip(faces, axes_of(encoder, output), strict=True)
    ]
