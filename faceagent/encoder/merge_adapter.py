"""An adapter in PEFT's files, merged into the blocks that it was trained in, without PEFT.

PEFT imports transformers, which takes longer than all else that a picture is analysed with. Only what training here
writes is merged: LoRA (plain or rank-stabilised) of linear layers, and tuned LayerNorms; everything else is refused.
The tests compare the merged tensors with PEFT's.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn

from faceagent.errors import ModelUnavailable

ADAPTER, PEFT_CARD = "adapter_model.safetensors", "adapter_config.json"
_KEY = re.compile(
    r"base_model\.model\.(?:.+\.)?(?:res)?blocks\.(\d+)\.(.+)\.((?:lora_A|lora_B|ln_tuning_layers)\.(?:weight|bias))"
)
_LORA = {"lora_A.weight", "lora_B.weight"}
_NORM = {"ln_tuning_layers.weight", "ln_tuning_layers.bias"}


class PeftCard(BaseModel):
    """What ``adapter_config.json`` says of how an adapter is merged."""

    peft_type: str
    r: int = 0
    lora_alpha: float = 0
    use_rslora: bool = False
    fan_in_fan_out: bool = False
    alpha_pattern: dict[str, Any] = {}
    rank_pattern: dict[str, Any] = {}

    @property
    def scaling(self) -> float:
        """Factor of B·A."""
        return self.lora_alpha / (math.sqrt(self.r) if self.use_rslora else self.r)


def read_peft_card(folder: Path) -> PeftCard:
    """Raises ModelUnavailable when it is missing, or asks for more than is merged here."""
    try:
        card = PeftCard.model_validate_json((folder / PEFT_CARD).read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelUnavailable(f"The adapter {folder.name!r} has no {PEFT_CARD} that can be read: {error}") from error
    if card.fan_in_fan_out or card.alpha_pattern or card.rank_pattern:
        raise ModelUnavailable(f"The adapter {folder.name!r} has options of LoRA that are not merged here.")
    return card


def merge_adapter(folder: Path, card: PeftCard, blocks: nn.ModuleList, first: int) -> None:
    """Change ``blocks``, whose first one is block ``first`` of the tower (from 0), by the adapter in ``folder``.

    ``card``: that folder's own. Call without gradients. Raises ModelUnavailable when the adapter does not fit these
    blocks.
    """
    from safetensors.torch import load_file

    try:
        for (index, name), parts in _by_layer(load_file(folder / ADAPTER), first, first + len(blocks)).items():
            _merge(blocks[index - first].get_submodule(name), name, parts, card)
    except (AttributeError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The adapter {folder.name!r} {error}.", remedy="Use an adapter made for this tower."
        ) from error


def _by_layer(state: Mapping[str, Tensor], first: int, end: int) -> dict[tuple[int, str], dict[str, Tensor]]:
    """The tensors by block and layer. Raises ValueError for one that belongs to neither."""
    found: dict[tuple[int, str], dict[str, Tensor]] = {}
    for key, value in state.items():
        place = _KEY.fullmatch(key)
        if place is None or not first <= int(place[1]) < end:
            raise ValueError(f"changes {key}, outside the blocks {first + 1} to {end}")
        found.setdefault((int(place[1]), place[2]), {})[place[3]] = value
    return found


def _merge(layer: nn.Module, name: str, parts: Mapping[str, Tensor], card: PeftCard) -> None:
    # Exactly Linear: the output projection of torch's MultiheadAttention is a subclass that PEFT leaves alone.
    if parts.keys() == _LORA and type(layer) is nn.Linear:
        down, up = (parts[part].to(layer.weight) for part in ("lora_A.weight", "lora_B.weight"))
        change = (up @ down) * card.scaling
        if change.shape != layer.weight.shape:
            raise ValueError(f"has another shape at {name}")
        layer.weight.data += change
    elif parts.keys() == _NORM and isinstance(layer, nn.LayerNorm):
        layer.load_state_dict({part.partition(".")[2]: value for part, value in parts.items()})
    else:
        raise ValueError(f"changes {name} in a way that is not merged here")
