"""Glasses, hats, beards, hair: traits that no tool measures, told by a vision-language model from the crop of a face.

Only to find the face that somebody describes. Nothing seen here is evidence, and nothing is recorded.
"""

import logging
from collections.abc import Callable

from faceagent import prompts
from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.router.resolve_face import TraitScorer
from faceagent.types import Face
from faceagent.vlm.protocol import Backend, GenerationRequest, Message

logger = logging.getLogger(__name__)

ADAPTER = "vqa"
"""The adapter that answers questions about a picture, where the backend has it."""
YES = ("yes", "no")
HAIR = ("black", "blond", "red", "grey", "blue", "green", "pink")
ASKED: dict[str, tuple[tuple[str, ...], str]] = {
    "glasses": (YES, "yes"), "hat": (YES, "yes"), "beard": (YES, "yes"),
    "dark_hair": (HAIR, "black"), "blond": (HAIR, "blond"), "red_hair": (HAIR, "red"), "grey_hair": (HAIR, "grey"),
}  # fmt: skip
"""Trait → the answers that the model chooses among, and the one that means the trait is there."""


def look_of(backend: Backend, crop: Callable[[Face], bytes]) -> TraitScorer:
    """How likely a face shows a trait, by the model's share of the answer that says so; uncalibrated.

    Once the model is gone it is not asked again.

    Args:
        backend: asked once per face and trait.
        crop: the face as the model sees it, PNG.
    """
    gone = False

    def look(face: Face, trait: str) -> float | None:
        nonlocal gone
        if gone or trait not in ASKED:
            return None
        choices, there = ASKED[trait]
        text = prompts.prompt("any/trait").render({"trait": trait}).strip()
        adapter = ADAPTER if ADAPTER in backend.adapters() else None
        try:
            return backend.score(
                GenerationRequest(turns=(Message(text=text, images=(crop(face),)),), adapter=adapter), choices
            )[there]
        except (ModelUnavailable, VlmAnswerInvalid) as error:
            gone = isinstance(error, ModelUnavailable)
            logger.warning("nobody could look for %s on %s: %s", trait, face.id, error)
            return None

    return look
