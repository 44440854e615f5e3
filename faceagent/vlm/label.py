"""The label question: which label does the model itself give the picture, alone or together with evidence?

The probability of each label as the whole answer is the model's own opinion; it is uncalibrated. Knows the questions
and their choices. Knows no tool and no backend.
"""

from collections.abc import Mapping, Sequence

from faceagent.prompts import prompt
from faceagent.types import Question

CHOICES: Mapping[Question, tuple[str, ...]] = {
    "expression": ("neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust", "other"),
    "forgery": ("real", "fake"),
}
"""Questions for which a model is asked for a label, with the possible answers."""


def question(topic: Question, hypothesis: str = "", lines: Sequence[Mapping[str, str]] = ()) -> str:
    """The prompt; ``hypothesis`` is the label that the model is to assume, only for forgery.

    ``lines``: ``id`` and ``text`` of evidence given together with the picture, only for expression. Such an answer is
    no second opinion: it repeats the evidence, corrected by the picture.
    """
    variables: dict[str, object] = {"choices": CHOICES[topic]}
    if topic == "forgery":
        variables["hypothesis"] = hypothesis
    if topic == "expression":
        variables["lines"] = lines
    return prompt(f"{topic}/vlm_label").render(variables).strip()
