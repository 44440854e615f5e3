"""The label question: what does the model itself read from the picture, alone or beside evidence?

The probability of each label as the whole answer is the model's own opinion; what it is worth is for a calibration to
say. Knows the questions and their choices, no tool and no backend's inside.
"""

from collections.abc import Mapping, Sequence

from faceagent.prompts import prompt
from faceagent.types import Question

CHOICES: Mapping[Question, tuple[str, ...]] = {
    "expression": ("neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust", "other"),
    "forgery": ("real", "fake"),
}
"""Questions that a model is asked for a label, with the labels as it says them."""


def question(topic: Question, hypothesis: str = "", lines: Sequence[Mapping[str, str]] = ()) -> str:
    """The prompt; ``hypothesis`` is what the model is told to suppose, only for forgery.

    ``lines``: ``id`` and ``text`` of evidence that stands beside the picture, only for expression. An answer to that
    is no second opinion: it repeats what the tools said, with the picture to correct them.
    """
    variables: dict[str, object] = {"choices": CHOICES[topic]}
    if topic == "forgery":
        variables["hypothesis"] = hypothesis
    if topic == "expression":
        variables["lines"] = lines
    return prompt(f"{topic}/vlm_label").render(variables).strip()
