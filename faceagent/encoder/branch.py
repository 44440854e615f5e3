"""A branch: the last blocks of the tower with a LoRA adapter in them, and a head.

Knows the adapter folder (PEFT's own two files, ``head.safetensors``, ``branch.json``) and refuses what does not fit
the tower, by name. The adapter is merged into a private copy of the last blocks, so that branches share nothing that
could be switched between threads and cost no more than plain blocks.
"""

import copy
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import Field, ValidationError
from torch import Tensor, nn

from faceagent.encoder.head import Head, head_from
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.encoder.tower import Tower
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.types import Noun, WeightStamp
from faceagent.weights.store import sha256_of

HEAD, CARD, ADAPTER = "head.safetensors", "branch.json", "adapter_model.safetensors"


class BranchCard(Noun):
    """``branch.json``: what the branch is and what it was trained on top of."""

    name: str
    version: str
    base: WeightStamp
    last_blocks: int = Field(ge=1)
    rank: int = Field(ge=1)
    labels: tuple[str, ...] = Field(description="one per logit of the picture")
    patch_labels: tuple[str, ...] = Field(default=(), description="one per logit of a patch")
    margin: float = Field(gt=0, description="crop side / box side it was trained with")
    files: dict[str, str] = Field(description="sha256 of the adapter and the head")


@dataclass(frozen=True)
class Branch:
    """``blocks`` continue from the trunk's tokens; ``norm`` and ``head`` end it."""

    card: BranchCard
    blocks: nn.ModuleList
    tower: Tower
    head: Head

    @property
    def stamp(self) -> WeightStamp:
        """Id and sha256 of the adapter, for reports."""
        return WeightStamp(id=f"adapter:{self.card.name}", sha256=self.card.files[ADAPTER])

    def __call__(self, tokens: Tensor) -> tuple[Tensor, Tensor | None]:
        """Trunk tokens to logits per picture and per patch."""
        for block in self.blocks:
            tokens = block(tokens)
        result: tuple[Tensor, Tensor | None] = self.head(self.tower.walk.finish(tokens))
        return result


def shipped(name: str) -> Path:
    """Folder of an adapter that comes with the package. Raises ModelUnavailable when there is none of that name."""
    folder = Path(str(resources.files("faceagent.encoder").joinpath("adapters", name)))
    if not (folder / CARD).is_file():
        raise ModelUnavailable(f"This build of faceagent ships no adapter called {name!r}.")
    return folder


def load_branch(folder: Path, tower: Tower) -> Branch:
    """Check the folder against its card and the tower, and build the branch.

    Raises WeightsCorrupt when a file is not the one the card names, ModelUnavailable when something is missing or
    was made for another tower, depth or rank.
    """
    declare_missing_operators()
    from peft import PeftConfig, PeftModel
    from safetensors.torch import load_file

    card = _card(folder)
    if card.base != tower.stamp:
        raise _misfit(folder, f"was trained on {card.base.id} ({card.base.sha256[:12]}), not on {tower.stamp.id}")
    if card.last_blocks > tower.depth:
        raise _misfit(folder, f"changes {card.last_blocks} blocks of a tower that has {tower.depth}")
    config = PeftConfig.from_pretrained(str(folder))
    if getattr(config, "r", None) != card.rank:
        raise _misfit(folder, f"has rank {getattr(config, 'r', None)}, its card says {card.rank}")
    model = PeftModel.from_pretrained(copy.deepcopy(tower.walk.model), str(folder))
    first = tower.depth - card.last_blocks
    state = load_file(folder / ADAPTER)
    if stray := [key for key in state if _block(key) is None or (_block(key) or 0) < first]:
        raise _misfit(folder, f"changes {stray[0]}, outside the last {card.last_blocks} blocks")
    merged = model.merge_and_unload().eval().requires_grad_(False)
    try:
        head = head_from(load_file(folder / HEAD))
    except (KeyError, RuntimeError) as error:
        raise _misfit(folder, f"has a head that cannot be used ({error})") from error
    if head.pooled.out_features != len(card.labels) or head.pooled.in_features != 3 * tower.width:
        raise _misfit(folder, "has a head of another shape than its card and the tower say")
    blocks = nn.ModuleList(type(tower.walk)(merged).blocks[first:])  # type: ignore[call-arg]
    return Branch(card, blocks, tower, head.eval().requires_grad_(False).to(tower.device))


def _card(folder: Path) -> BranchCard:
    try:
        card = BranchCard.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelUnavailable(f"The adapter in {folder} has no {CARD}.") from None
    except ValidationError as error:
        raise _misfit(folder, f"has a {CARD} that cannot be read: {error.errors()[0]['msg']}") from error
    for name in (ADAPTER, HEAD):
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
