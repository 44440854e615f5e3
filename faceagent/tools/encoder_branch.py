"""What the tools that read a branch of the shared encoder have in common: its crops and its stamp.

Knows how a branch wants its faces cut out. Knows no question and no statement.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceagent.encoder.crop import Crop, crop_face
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View, stamped
from faceagent.types import Face, ToolStamp

if TYPE_CHECKING:
    from faceagent.encoder.encoder import Encoder

logger = logging.getLogger(__name__)


def branch_crops(encoder: "Encoder", branch: str, faces: Sequence[tuple[View, Face]]) -> list[Crop]:
    """One square, upright crop per face, with the margin that the branch was trained with."""
    margin = encoder.branches[branch].config.margin
    return [crop_face(view.pixels(), face, scale=margin) for view, face in faces]


def encoder_stamp(spec: ToolSpec, encoder: "Encoder") -> ToolStamp:
    """Name, version, tower and adapters, and the device they run on."""
    return stamped(spec, encoder.tower.device.type, encoder.stamps)


def full_encoder(settings: Settings, branch: str, fast: str) -> "Encoder | None":
    """The encoder with a branch of the larger tower; None with ``detectors=fast`` and without that tower.

    ``fast`` names what takes its place, for the log. Raises WeightsCorrupt when a file is not the right one.
    """
    from faceagent.encoder.encoder import load_encoder

    if settings.detectors != "full":
        return None
    try:
        return load_encoder(settings, (branch,))
    except WeightsCorrupt:
        raise
    except ModelUnavailable as error:
        logger.warning("%s takes the place of %s, which is unavailable: %s", fast, branch, error)
        return None


def full_or_fast(settings: Settings, full: str, fast: str) -> "tuple[Encoder, str]":
    """The encoder with the branch ``full``, and that name; ``fast`` where there is no ``full_encoder``.

    Raises ModelUnavailable when neither is available, and WeightsCorrupt when a file is not the right one.
    """
    from faceagent.encoder.encoder import load_encoder

    encoder = full_encoder(settings, full, fast)
    return (load_encoder(settings, (fast,)), fast) if encoder is None else (encoder, full)
