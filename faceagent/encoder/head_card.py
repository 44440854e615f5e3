"""The card of a head on a tower's tokens (``card.json``), and the check of the file that it names."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.types import FrozenModel, WeightStamp
from faceagent.weights.store import sha256_of

HEAD, CARD = "head.safetensors", "card.json"
REMEDY = "Install faceagent again, or train the adapter again."


class HeadCard(FrozenModel):
    """What every ``card.json`` says; each head has more."""

    name: str
    version: str
    base: WeightStamp
    block: int = Field(ge=1, description="of the tower, whose tokens it reads")
    margin: float = Field(gt=0, description="crop side / box side it was trained with")
    files: Mapping[str, str] = Field(description="sha256 by name")


Card = TypeVar("Card", bound=HeadCard)


def read_card(folder: Path, kind: type[Card]) -> Card:
    """The card of the head in a folder, once it and the head are whole.

    Raises ModelUnavailable when one of them is missing, WeightsCorrupt when the card cannot be read or names another
    head than the one beside it.
    """
    if not (folder / CARD).is_file() or not (folder / HEAD).is_file():
        raise ModelUnavailable(
            f"This build of faceagent ships no head called {folder.name!r}.", remedy="Install faceagent again."
        )
    try:
        card = kind.model_validate_json((folder / CARD).read_bytes())
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise WeightsCorrupt(
            f"{CARD} of the adapter {folder.name!r} cannot be read: {reason}.", remedy=REMEDY
        ) from error
    if sha256_of(folder / HEAD) != card.files.get(HEAD):
        raise WeightsCorrupt(f"{HEAD} of the adapter {card.name!r} is not the file its card names.", remedy=REMEDY)
    return card
