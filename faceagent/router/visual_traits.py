"""Scores traits that no tool measures (glasses, hats, beards, hair) with a vision-language model on a face crop.

Used only to find the face that somebody describes. The scores are no evidence and are not recorded. A trait whose part
of the face cannot be seen has no score: the model would guess.
"""

import logging
from collections.abc import Callable

from faceagent import prompts
from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.faces.needs import lacking, table
from faceagent.router.resolve_face import TraitScorer
from faceagent.types import Face
from faceagent.vlm.protocol import Backend, GenerationRequest, Message

logger = logging.getLogger(__name__)

ADAPTER = "vqa"
"""The adapter that answers questions about a picture, where the backend has it."""
YES = ("yes", "no")
HAIR = ("black", "blond", "red", "grey", "blue", "green", "pink")
TRAIT_ANSWERS: dict[str, tuple[tuple[str, ...], str]] = {
    "glasses": (YES, "yes"),
    "hat": (YES, "yes"),
    "beard": (YES, "yes"),
    "dark_hair": (HAIR, "black"),
    "blond": (HAIR, "blond"),
    "red_hair": (HAIR, "red"),
    "grey_hair": (HAIR, "grey"),
}
"""Trait → the answers that the model chooses among, and the one that means the trait is there."""


def visual_trait_scorer(backend: Backend, crop: Callable[[Face], bytes]) -> TraitScorer:
    """A function that gives the probability, 0 to 1, that a face shows a trait; uncalibrated.

    It returns None for a trait that is not in ``TRAIT_ANSWERS``, for one whose parts of the face are hidden
    (``faces.needs``), and when the model fails. Once the model is unavailable it is not asked again.

    Args:
        backend: asked once for each face and trait.
        crop: returns the crop of a face for the model, as PNG.
    """
    unavailable = False

    def score_visual_trait(face: Face, trait: str) -> float | None:
        nonlocal unavailable
        if unavailable or trait not in TRAIT_ANSWERS or lacking(face, table().trait[trait]):
            return None
        choices, positive = TRAIT_ANSWERS[trait]
        text = prompts.prompt("any/trait").render({"trait": trait}).strip()
        adapter = ADAPTER if ADAPTER in backend.adapters() else None
        request = GenerationRequest(turns=(Message(text=text, images=(crop(face),)),), adapter=adapter)
        try:
            return backend.score(request, choices)[positive]
        except (ModelUnavailable, VlmAnswerInvalid) as error:
            unavailable = isinstance(error, ModelUnavailable)
            logger.warning("the trait %s of %s could not be scored: %s", trait, face.id, error)
            return None

    return score_visual_trait
