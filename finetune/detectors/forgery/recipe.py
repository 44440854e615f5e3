"""The training recipe of the forgery branch, read from TOML."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from faceagent.errors import InputError
from faceagent.types import FrozenModel

LABELS = ("splice", "synthetic")
"""Meaning of the branch's picture logits; its patch logits have the first of them."""


class PairRecipe(FrozenModel):
    """Pairs per set, and how often each maker is used."""

    counts: dict[str, int]
    seed: int = 0
    spliced: float = Field(default=0.7, ge=0, le=1, description="share of forgeries that are splices; rest self-blends")
    spectrum: float = Field(default=0.5, ge=0, le=1, description="share of pairs with the other class's spectrum")


class LoraRecipe(FrozenModel):
    """rsLoRA of this rank in these linear layers of the last blocks (PEFT)."""

    last_blocks: int = Field(default=4, ge=1)
    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    modules: tuple[str, ...] = ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")


class OptimiserRecipe(FrozenModel):
    """AdamW; each cycle has a linear warm-up and a cosine decay to one percent (SGDR, Loshchilov and Hutter 2017)."""

    epochs: float = Field(default=2.0, gt=0, description="over all cycles")
    cycles: int = Field(default=1, ge=1)
    pairs: int = Field(default=8, ge=1, description="pairs per step")
    lr: float = 6e-4
    head_lr: float = 2e-3
    warmup: int = 40
    check_every: int = Field(default=150, ge=1, description="steps between looks at the validation side")
    patience: int = Field(default=4, ge=1, description="looks without gain before training ends")
    seed: int = 0


class ForgeryRecipe(FrozenModel):
    """Everything that determines one shipped adapter."""

    name: str
    version: str
    data: PairRecipe
    adapter: LoraRecipe = LoraRecipe()
    optimiser: OptimiserRecipe = OptimiserRecipe()


def load_recipe(path: Path) -> ForgeryRecipe:
    """Read a recipe. Raises InputError that names the wrong entry."""
    try:
        return ForgeryRecipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path.name} cannot be read: {error}.") from error
