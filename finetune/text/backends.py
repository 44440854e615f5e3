"""The product's vision-language backends as annotator and as picture model.

Backends decode greedily, so a seed does not change their answers.
"""

from collections.abc import Callable
from io import BytesIO

from PIL import Image

from faceagent.vlm.protocol import Backend, GenerationRequest, Message
from finetune.data.samples import SamplePicture
from finetune.text.annotators import AskText
from finetune.text.feature_assessment import AskModel

LONGEST = 512


def text_model(backend: Backend, adapter: str | None = None) -> AskText:
    """An ``AskText`` function for ``ModelAnnotator``."""

    def said(system: str, user: str, seed: int) -> str:
        ask = GenerationRequest(turns=(Message(text=user),), system=system, adapter=adapter, max_tokens=LONGEST)
        return backend.ask(ask).text

    return said


def picture_model(
    backend: Backend, opened: Callable[[SamplePicture], Image.Image], adapter: str | None = None
) -> AskModel:
    """An ``AskModel`` function for ``feature_assessment``; ``opened`` gives the pixels of a picture."""

    def said(shot: SamplePicture, question: str) -> str:
        encoded = BytesIO()
        opened(shot).save(encoded, "PNG")
        turn = Message(text=question, images=(encoded.getvalue(),))
        return backend.ask(GenerationRequest(turns=(turn,), adapter=adapter, max_tokens=8)).text

    return said
