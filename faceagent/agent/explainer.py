"""Which explainer a run gets: a vision-language model, or the template explainer alone.

Knows the settings and which backend they name. Knows no verdict and no picture.
"""

import logging
from typing import cast, get_args

from faceagent.errors import InputError, ModelUnavailable
from faceagent.explain import VlmExplainer
from faceagent.settings import Explain, Settings
from faceagent.vlm import choose

logger = logging.getLogger(__name__)

MOST_FACES = 3
"""Faces of a picture, largest first, that a model explains; the template explainer explains the others."""


def chosen_explainer(settings: Settings, explain: str | None = None) -> Explain:
    """What is to explain: ``explain``, or else the setting. Raises InputError for a value that does not exist."""
    wanted = settings.explain if explain is None else explain
    if wanted in get_args(Explain):
        return cast(Explain, wanted)
    raise InputError(f"Nothing can explain as {wanted!r}.", remedy=f"Choose one of: {', '.join(get_args(Explain))}.")


def build_explainer(settings: Settings, wanted: Explain, *, alone: bool) -> VlmExplainer | None:
    """The explainer that asks the vision-language model, or None where the template explains.

    "auto" is the model behind a configured endpoint for a single picture (``alone``), and else the template: the
    embedded model takes seconds a face on a processor and says less, so it runs only where it was asked for.
    """
    if wanted == "vlm" or (wanted == "auto" and alone and settings.vlm_url is not None):
        try:
            return VlmExplainer(
                choose.backend(settings),
                settings.explain_depth,
                needs_adapter=settings.vlm_url is None,
                wants_opinion=wanted == "vlm",
            )
        except ModelUnavailable as error:
            if wanted == "vlm":
                return VlmExplainer(None, unavailable=f"{error.code}: {error}")
            logger.debug("the ledger explains: %s", error)
    return None
