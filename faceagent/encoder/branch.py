"""A branch: the last blocks of the tower with an adapter, features of frozen blocks, or both; and a head.

Knows the adapter folder (PEFT's own two files, ``head.safetensors``, ``branch.json``) and rejects one that does not fit
the tower. A branch without blocks of its own has no PEFT files: it is a head on frozen features. The adapter is merged
into a private copy of the last blocks, so that branches share no state between threads and cost no more than plain
blocks.
"""

import copy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator
from torch import Tensor, nn

from faceagent.encoder.head import PARTS, Head, head_from
from faceagent.encoder.intermediate_features import concatenate_features
from faceagent.encoder.merge_adapter import ADAPTER, merge_adapter, read_peft_card
from faceagent.encoder.torch_state import loading
from faceagent.encoder.tower import Tower
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.types import FrozenModel, WeightStamp
from faceagent.weights.store import sha256_of

Tuning = Literal["lora", "layernorm", "none"]
PEFT_TYPES: Mapping[Tuning, str] = {"lora": "LORA", "layernorm": "LN_TUNING"}

HEAD, CONFIG_FILE = "head.safetensors", "branch.json"


class AdapterConfig(FrozenModel):
    """``branch.json``: the branch and the tower that it was trained on."""

    name: str
    version: str
    base: WeightStamp
    tuning: Tuning = Field(default="lora", description="what was trained inside the last blocks")
    last_blocks: int = Field(ge=0, description="blocks of its own, the last of those that it passes")
    stop: int | None = Field(default=None, ge=1, description="block after which it ends; None: the tower's last")
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
    """``blocks`` continue from the frozen tokens; the tower's final norm and ``head`` end it."""

    config: AdapterConfig
    blocks: nn.ModuleList
    tower: Tower
    head: Head

    @property
    def stamp(self) -> WeightStamp:
        """Id and sha256 of the adapter, or of the head where nothing is tuned; for reports."""
        return WeightStamp(id=f"adapter:{self.config.name}", sha256=self.config.files[_files(self.config)[0]])

    @property
    def start(self) -> int:
        """Number of frozen blocks before the branch's own."""
        return first_block(self.config, self.tower.depth)

    def __call__(
        self, tokens: Tensor | None, pooled: Mapping[int, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Frozen tokens at ``start`` and pooled features by block to logits per picture and per patch.

        A branch without own blocks reads no tokens; one without ``taps`` reads no pooled features.
        """
        for block in self.blocks:
            tokens = block(tokens)
        own = self.tower.backbone.finish(tokens) if self.blocks and tokens is not None else None
        taps = concatenate_features(pooled, self.config.taps) if pooled and self.config.taps else None
        result: tuple[Tensor, Tensor | None] = self.head(own, taps)
        return result


def shipped(name: str) -> Path:
    """Folder of an adapter that comes with the package. Raises ModelUnavailable when there is none of that name."""
    folder = Path(str(resources.files("faceagent.encoder").joinpath("adapters", name)))
    if not (folder / CONFIG_FILE).is_file():
        raise ModelUnavailable(f"This build of faceagent ships no adapter called {name!r}.")
    return folder


def shipped_configs(tower: Tower) -> list[AdapterConfig]:
    """Configurations of the shipped adapters that were made for this tower; unreadable ones are left out."""
    configs = []
    for folder in sorted(Path(str(resources.files("faceagent.encoder").joinpath("adapters"))).iterdir()):
        with suppress(ModelUnavailable, WeightsCorrupt):
            configs.append(read_config(folder))
    return [config for config in configs if config.base == tower.stamp]


def load_branch(folder: Path, tower: Tower) -> Branch:
    """Check the folder against its ``branch.json`` and the tower, and build the branch.

    Raises WeightsCorrupt when a file is not the one that ``branch.json`` names, ModelUnavailable when something is
    missing or was made for another tower, depth or rank.
    """
    config = read_config(folder)
    if config.base != tower.stamp:
        raise _misfit(folder, f"was trained on {config.base.id} ({config.base.sha256[:12]}), not on {tower.stamp.id}")
    if config.last_blocks > (config.stop or tower.depth):
        raise _misfit(folder, f"changes {config.last_blocks} blocks of a tower that has {config.stop or tower.depth}")
    if config.stop is not None and config.stop > tower.depth:
        raise _misfit(folder, f"ends after block {config.stop} of a tower that has {tower.depth}")
    if config.taps and max(config.taps) > tower.depth:
        raise _misfit(folder, f"taps block {max(config.taps)} of a tower that has {tower.depth}")
    with loading(tower.threads):
        return _built(folder, config, tower)


def _built(folder: Path, config: AdapterConfig, tower: Tower) -> Branch:
    """The branch from files that were checked. Raises ModelUnavailable when they do not fit the tower."""
    from safetensors.torch import load_file

    try:
        head = head_from(load_file(folder / HEAD))
    except (KeyError, RuntimeError) as error:
        raise _misfit(folder, f"has a head that cannot be used ({error})") from error
    if _shape(head) != _shape(_expected(config, tower)):
        raise _misfit(folder, "has a head of another shape than its branch.json and the tower say")
    blocks = nn.ModuleList() if config.tuning == "none" else _tuned(folder, config, tower)
    return Branch(config, blocks, tower, head.eval().requires_grad_(False).to(tower.device))


def _tuned(folder: Path, config: AdapterConfig, tower: Tower) -> nn.ModuleList:
    """The last blocks of the tower, copied, with the adapter merged into them."""
    card = read_peft_card(folder)
    if card.peft_type != PEFT_TYPES[config.tuning]:
        raise _misfit(folder, f"holds {card.peft_type}, its branch.json says {config.tuning}")
    if config.rank and card.r != config.rank:
        raise _misfit(folder, f"has rank {card.r}, its branch.json says {config.rank}")
    first, end = first_block(config, tower.depth), config.stop or tower.depth
    blocks = copy.deepcopy(tower.backbone.blocks[first:end])
    merge_adapter(folder, card, blocks, first)
    return blocks.eval().requires_grad_(False)


def first_block(config: AdapterConfig, depth: int) -> int:
    """Number of frozen blocks before the branch's own, in a tower of ``depth`` blocks."""
    return (config.stop or depth) - config.last_blocks


def _expected(config: AdapterConfig, tower: Tower) -> Head:
    """A head of the shape that configuration and tower require."""
    features = PARTS * tower.width * len(config.taps)
    own = bool(config.last_blocks)
    return Head(tower.width, len(config.labels), len(config.patch_labels), own=own, tap_features=features)


def _shape(head: Head) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in head.state_dict().items()}


def _files(config: AdapterConfig) -> tuple[str, ...]:
    """Names of the weight files, the one that stands for the branch first."""
    return (HEAD,) if config.tuning == "none" else (ADAPTER, HEAD)


def read_config(folder: Path) -> AdapterConfig:
    """The folder's ``branch.json``; its files are those that it names. Raises ModelUnavailable, WeightsCorrupt."""
    try:
        config = AdapterConfig.model_validate_json((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelUnavailable(f"The adapter in {folder} has no {CONFIG_FILE}.") from None
    except ValidationError as error:
        raise _misfit(folder, f"has a {CONFIG_FILE} that cannot be read: {error.errors()[0]['msg']}") from error
    for name in _files(config):
        path = folder / name
        if not path.is_file():
            raise _misfit(folder, f"has no {name}")
        if sha256_of(path) != config.files.get(name):
            raise WeightsCorrupt(
                f"{name} of the adapter {config.name!r} is not the file that its branch.json names.",
                remedy="Install faceagent again, or train the adapter again.",
            )
    return config


def _misfit(folder: Path, words: str) -> ModelUnavailable:
    return ModelUnavailable(f"The adapter {folder.name!r} {words}.", remedy="Use an adapter made for this tower.")
