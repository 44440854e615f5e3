"""A second opinion: the vision-language model classifies the face without seeing any evidence.

The probability of each label as the model's whole answer (over ``label.CHOICES``) is evidence like that of any other
tool. It has no calibration yet and is therefore reported, not fused. With hypotheses, as in FFAA, the question is asked
three times, plainly and assuming the face to be real and to be fake, and the median counts, so that an answer which
only repeats the assumption is outvoted. Runs only with ``--explain vlm``, because it takes seconds.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import ClassVar

from faceagent.errors import ModelUnavailable
from faceagent.faces.needs import hidden_for
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View, hidden_evidence, not_measured
from faceagent.types import Evidence, Question, Score, ToolStamp
from faceagent.vlm import choose
from faceagent.vlm.face_image import encode_upright_face
from faceagent.vlm.label import CHOICES, question
from faceagent.vlm.protocol import Backend, GenerationRequest, Message

LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1, so that logits stay finite."""


class Opinion:
    """One short question per topic and face, by the configured backend."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="opinion",
        version="1.0.0",
        title="The model's own reading",
        summary="What the vision-language model itself reads from a face, by the probability of its answers; "
        "uncalibrated, reported and not weighed. Runs with --explain vlm.",
        questions=("expression", "forgery"),
        scope="face",
        needs=("model",),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name and version; the device is the name of the backend."""
        return ToolStamp(name=self.spec.name, version=self.spec.version, device=choose.backend(self._settings).name)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Per face ``F1:opinion_expression`` (a logit per label) and ``F1:opinion_forgery`` (the logit of fake)."""
        backend, by = choose.backend(self._settings), self.stamp()
        return [tuple(self._opinion(backend, by, view, topic) for topic in CHOICES) for view in batch]

    def _opinion(self, backend: Backend, by: ToolStamp, view: View, topic: Question) -> Evidence:
        large = self._settings.vlm_url is not None
        if not large and topic not in backend.adapters():
            words = f"{self.spec.title}: not asked, the embedded model has no adapter for {topic}."
            return not_measured(self.spec, view, "unavailable", "weights_missing", words).model_copy(
                update={"question": topic, "id": f"{view.subject}:opinion_{topic}"}
            )
        if view.face is not None and (missing := hidden_for(view.face, topic)):
            words = f"The {topic} by the model's own reading"
            return hidden_evidence(
                by, view, name=f"opinion_{topic}", question=topic, subject_words=words, missing=missing
            )
        if view.face is None:
            raise ModelUnavailable("The model reads faces, not whole pictures.")
        picture = encode_upright_face(view.pixels(), view.face, large=large)
        suppositions = ("", *CHOICES[topic]) if topic == "forgery" and self._settings.vlm_hypotheses else ("",)
        rounds = [_shares(backend, topic, picture, one) for one in suppositions]
        return _evidence(by, view, topic, rounds)


def _shares(backend: Backend, topic: Question, picture: bytes, hypothesis: str) -> Mapping[str, float]:
    adapter = topic if topic in backend.adapters() else None
    request = GenerationRequest(
        turns=(Message(text=question(topic, hypothesis), images=(picture,)),), adapter=adapter, max_tokens=4
    )
    return backend.score(request, CHOICES[topic])


def _evidence(by: ToolStamp, view: View, topic: Question, rounds: Sequence[Mapping[str, float]]) -> Evidence:
    shares = {choice: statistics.median(one[choice] for one in rounds) for choice in CHOICES[topic]}
    total = sum(shares.values()) or 1.0
    logits = {choice: math.log(max(share / total, LEAST)) for choice, share in shares.items()}
    best = max(shares, key=lambda choice: shares[choice])
    value = logits["fake"] - logits["real"] if topic == "forgery" else logits[best]
    facts: dict[str, float | str] = {choice: share / total for choice, share in shares.items()}
    if len(rounds) > 1:
        plain, real, fake = (one["fake"] for one in rounds)
        facts |= {"fake_plainly": plain, "fake_supposing_real": real, "fake_supposing_fake": fake}
    return Evidence(
        id=f"{view.subject}:opinion_{topic}",
        tool=by,
        question=topic,
        subject=view.subject,
        score=Score(value=value, scale="logit"),
        facts=facts,
        statement=f"The vision-language model's own reading is {best} ({100 * shares[best] / total:.0f} % of its "
        "answers' probability, uncalibrated).",
    )
