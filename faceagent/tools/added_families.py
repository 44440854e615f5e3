"""Families of forgeries that were added after training (``finetune.add_family``), one linear branch each.

Reads frozen features that the other branches pass anyway. Every family has a calibration of its own and is an attack
type of its own: the judge takes the mean of their likelihood ratios. None is shipped.
"""

import logging
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.types import Evidence, Score, ToolStamp, WeightStamp

logger = logging.getLogger(__name__)

PREFIX = "added_"
"""Of the adapters' names."""


class Added(NamedTuple):
    """One family: its name, the N logits of N crops, and the weights that gave them."""

    family: str
    logits: NDArray[np.float32]
    stamps: tuple[WeightStamp, ...]


def added_names() -> tuple[str, ...]:
    """The adapters of added families."""
    folder = Path(str(resources.files("faceagent.encoder").joinpath("adapters")))
    return tuple(sorted(one.name for one in folder.glob(f"{PREFIX}*") if one.is_dir()))


def read_added(settings: Settings, crops: Sequence[NDArray[np.uint8]]) -> list[Added]:
    """Every added family's logits of size×size×3 uint8 RGB crops; a family whose tower is unavailable is left out.

    Raises WeightsCorrupt when a file is not the right one.
    """
    from faceagent.encoder.encoder import load_encoder

    found = []
    for name in added_names():
        try:
            encoder = load_encoder(settings, (name,))
        except WeightsCorrupt:
            raise
        except ModelUnavailable as error:
            logger.warning("%s is left out: %s", name, error)
            continue
        logits = encoder.run(crops, [name])[name].logits[:, 0]
        found.append(Added(name.removeprefix(PREFIX), logits, encoder.stamps))
    return found


def added_evidence(by: ToolStamp, view: View, added: Added, row: int) -> Evidence:
    """``F1:forgery_added_NAME``: the family's logit of one face, with the family's calibration."""
    value = float(added.logits[row])
    return Evidence(
        id=f"{view.subject}:forgery_{PREFIX}{added.family}",
        tool=by,
        question="forgery",
        subject=view.subject,
        score=Score(value=value, scale="logit", calibration=f"forgery/{PREFIX}{added.family}-1"),
        statement=f"The detector added for {added.family.replace('_', ' ')} gives {value:.2f}; its training faces lie "
        "near 1, photographs near -1.",
    )
