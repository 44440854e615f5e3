"""Who explains: the vision-language model or the deterministic ledger, for one run.

Knows the settings and which backend they name. Knows no verdict and no picture.
"""

import logging
from typing import get_args

from faceagent.errors import InputError, ModelUnavailable
from faceagent.explain import Narrator
from faceagent.settings import Explain, Settings
from faceagent.vlm import choose

logger = logging.getLogger(__name__)

VOICED = 3
"""Faces of a picture, largest first, that a model explains; the ledger explains the rest of a crowd."""


def narrator(settings: Settings, explain: str | None = None, *, alone: bool) -> Narrator | None:
    """The model's voice, or None where the ledger explains.

    ``explain`` is what was asked for, default the setting. "auto" is the model behind a configured
    endpoint for a single picture (``alone``), and else the ledger: the embedded model takes half a minute a face on a
    processor and says less, so it speaks when it is asked to. Raises InputError for anything that cannot be asked for.
    """
    wanted = settings.explain if explain is None else explain
    if wanted not in get_args(Explain):
        raise InputError(
            f"Nothing can explain as {wanted!r}.", remedy=f"Choose one of: {', '.join(get_args(Explain))}."
        )
    if wanted == "vlm" or (wanted == "auto" and alone and settings.vlm_url is not None):
        try:
            return Narrator(
                choose.backend(settings),
                settings.explain_depth,
                adapted=settings.vlm_url is None,
                opinionated=wanted == "vlm",
            )
        except ModelUnavailable as error:
            if wanted == "vlm":
                return Narrator(None, gone=f"{error.code}: {error}")
            logger.debug("the ledger explains: %s", error)
    return None
