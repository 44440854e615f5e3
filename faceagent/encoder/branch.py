"""A branch: the last blocks of the tower with an adapter in them, taps of frozen blocks, or both; and a head.

Knows the adapter folder (PEFT's own two files, ``head.safetensors``, ``branch.json``) and refuses what does not fit
the tower, by name. A branch without blocks of its own has no PEFT files: it is a head on frozen features. The adapter
is merged into a private copy of the last blocks, so that branches share nothing that could be switched between
threads and cost no more than plain blocks.
"""

import copy
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from torch import Tensor, nn

from faceagent.encoder.head import PARTS, Head, head_from
from faceagent.encoder.quiet import quiet_import
from faceagent.encoder.taps import side_by_side
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.tower import Tower
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.types import FrozenModel, WeightStamp
from faceagent.weights.store import sha256_of

Tuning = Literal["lora", "layernorm", "none"]
PEFT_TYPES: Mapping[Tuning, str] = {"lora": "LORA", "layernorm": "LN_TUNING"}

HEAD, CARD, ADAPTER = "head.safetensors", "branch.json", "adapter_model.safetensors"


class BranchCard(FrozenModel):
    """``branch.json``: what the branch is and what it was trained on top of."""

    name: str
    version: str
    base: WeightStamp
    tuning: Tuning = Field(default="lora", description="what was trained inside the last blocks")
    last_blocks: int = Field(ge=0)
    rank: int = Field(default=0, ge=0, description="of the LoRA; 0 for every other tuning")
    taps: tuple[int, ...] = Field(default=(), description="frozen blocks, counted from 1, whose features are read")
    labels: tuple[str, ...] = Field(description="one per logit of the picture")
    patch_labels: tuple[str, ...] = Field(default=(), description="one per logit of a patch")
    margin: float = Field(gt=0, description="crop side / box side it was trained with")
    files: dict[str, str] = Field(description="sha256 of the head, and of the adapter where there is one")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.tuning == "none") != (self.last_blocks == 0):
            raise ValueError("last_blocks is 0 exactly where nothing is tuned")
        if (self.tuning == "lora") != (self.rank > 0):
            raise ValueError("rank belongs to lora, and only to it")
        if not self.last_blocks and (self.patch_labels or not self.taps):
            raise ValueError("without blocks of its own a branch needs taps and has no patch labels")
        if any(tap < 1 for tap in self.taps) or len(set(self.taps)) != len(self.taps):
            raise ValueError("taps are different numbers from 1 up")
        return self


@dataclass(frozen=True)
class Branch:
    """``blocks`` continue from the trunk's tokens; ``norm`` and ``head`` end it."""

    card: BranchCard
    blocks: nn.ModuleList
    tower: Tower
    head: Head

    @property
    def stamp(self) -> WeightStamp:
        """Id and sha256 of the adapter, or of the head where nothing is tuned; for reports."""
        return WeightStamp(id=f"adapter:{self.card.name}", sha256=self.card.files[_files(self.card)[0]])

    @property
    def start(self) -> int:
        """Number of frozen blocks before the branch's own."""
        return self.tower.depth - self.card.last_blocks

    def __call__(
        self, tokens: Tensor | None, pooled: Mapping[int, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens of the trunk at ``start`` and pooled features by tap to logits per picture and per patch.

        A branch without own blocks reads no tokens, one without taps nothing pooled.
        """
        for block in self.blocks:
            tokens = block(tokens)
        own = self.tower.walk.finish(tokens) if self.blocks and tokens is not None else None
        taps = side_by_side(pooled, self.card.taps) if pooled and self.card.taps else None
        result: tuple[Tensor, Tensor | None] = self.head(own, taps)
        return result


def shipped(name: str) -> Path:
    """Folder of an adapter that comes with the package. Raises ModelUnavailable when there is none of that name."""
    folder = Path(str(resources.files("faceagent.encoder").joinpath("adapters", name)))
    if not (folder / CARD).is_file():
        raise ModelUnavailable(f"This build of faceagent ships no adapter called {name!r}.")
    return folder


def shipped_cards(tower: Tower) -> list[BranchCard]:
    """Cards of the adapters that come with the package and were made for this tower; unreadable ones left out."""
    cards = []
    for folder in sorted(Path(str(resources.files("faceagent.encoder").joinpath("adapters"))).iterdir()):
        with suppress(ModelUnavailable, WeightsCorrupt):
            cards.append(_card(folder))
    return [card for card in cards if card.base == tower.stamp]


def load_branch(folder: Path, tower: Tower) -> Branch:
    """Check the folder against its card and the tower, and build the branch.

    Raises WeightsCorrupt when a file is not the one the card names, ModelUnavailable when something is missing or
    was made for another tower, depth or rank.
    """
    from safetensors.torch import load_file

    card = _card(folder)
    if card.base != tower.stamp:
        raise _misfit(folder, f"was trained on {card.base.id} ({card.base.sha256[:12]}), not on {tower.stamp.id}")
    if card.last_blocks > tower.depth:
        raise _misfit(folder, f"changes {card.last_blocks} blocks of a tower that has {tower.depth}")
    if card.taps and max(card.taps) > tower.depth:
        raise _misfit(folder, f"taps block {max(card.taps)} of a tower that has {tower.depth}")
    try:
        head = head_from(load_file(folder / HEAD))
    except (KeyError, RuntimeError) as error:
        raise _misfit(folder, f"has a head that cannot be used ({error})") from error
    if _shape(head) != _shape(_expected(card, tower)):
        raise _misfit(folder, "has a head of another shape than its card and the tower say")
    blocks = nn.ModuleList() if card.tuning == "none" else _tuned(folder, card, tower)
    return Branch(card, blocks, tower, head.eval().requires_grad_(False).to(tower.device))


def _tuned(folder: Path, card: BranchCard, tower: Tower) -> nn.ModuleList:
    """The last blocks of a copy of the tower with the adapter merged into them."""
    declare_missing_operators()
    with quiet_import():
        from peft import PeftConfig, PeftModel
    from safetensors.torch import load_file

    config: Any = PeftConfig.from_pretrained(str(folder))
    if config.peft_type != PEFT_TYPES[card.tuning]:
        raise _misfit(folder, f"holds {config.peft_type}, its card says {card.tuning}")
    if card.rank and config.r != card.rank:
        raise _misfit(folder, f"has rank {config.r}, its card says {card.rank}")
    with warnings.catch_warnings():
        # PEFT asks every layer for its matrix shape, and LayerNorm has none.
        warnings.filterwarnings("ignore", message="Unsupported layer type")
        model = PeftModel.from_pretrained(copy.deepcopy(tower.walk.model), str(folder))
    first = tower.depth - card.last_blocks
    if stray := [key for key in load_file(folder / ADAPTER) if (_block(key) or 0) < first or _block(key) is None]:
        raise _misfit(folder, f"changes {stray[0]}, outside the last {card.last_blocks} blocks")
    merged = model.merge_and_unload().eval().requires_grad_(False)
    return nn.ModuleList(type(tower.walk)(merged).blocks[first:])  # type: ignore[call-arg]


def _expected(card: BranchCard, tower: Tower) -> Head:
    """A head of the shape that card and tower ask for."""
    features = PARTS * tower.width * len(card.taps)
    own = bool(card.last_blocks)
    return Head(tower.width, len(card.labels), len(card.patch_labels), own=own, tap_features=features)


def _shape(head: Head) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in head.state_dict().items()}


def _files(card: BranchCard) -> tuple[str, ...]:
    """Names of the weight files, the one that stands for the branch first."""
    return (HEAD,) if card.tuning == "none" else (ADAPTER, HEAD)


def _card(folder: Path) -> BranchCard:
    try:
        card = BranchCard.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelUnavailable(f"The adapter in {folder} has no {CARD}.") from None
    except ValidationError as error:
        raise _misfit(folder, f"has a {CARD} that cannot be read: {error.errors()[0]['msg']}") from error
    for name in _files(card):
        path = folder / name
        if not path.is_file():
            raise _misfit(folder, f"has no {name}")
        if sha256_of(path) != card.files.get(name):
            raise WeightsCorrupt(
                f"{name} of the adapter {card.name!r} is not the file its card names.",
                remedy="Install faceagent again, or train the adapter again.",
            )
    return card


def _misfit(folder: Path, words: str) -> ModelUnavailable:
    return ModelUnavailable(f"The adapter {folder.name!r} {words}.", remedy="Use an adapter made for this tower.")


def _block(key: str) -> int | None:
    """Index of the block that an adapter tensor belongs to."""
    parts = key.split(".")
    for name, index in zip(parts, parts[1:], strict=False):
        if name in ("blocks", "resblocks") and index.isdigit():
            return int(index)
    return None
