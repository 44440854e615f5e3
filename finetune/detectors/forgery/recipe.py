"""The training recipe of the forgery branch, read from TOML."""

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from faceagent.encoder.tower import CLIP
from faceagent.errors import InputError
from faceagent.types import FrozenModel
from finetune.detectors.forgery.data import MAKERS

LABELS = ("splice",)
"""Meaning of the branch's logits, of the picture and of its patches."""


class PairRecipe(FrozenModel):
    """Pairs per set, pictures of it that are looked at (default: all), and the share of every maker."""

    counts: dict[str, int]
    pictures: dict[str, int] = {}
    makers: dict[str, float] = Field(default_factory=lambda: dict.fromkeys(MAKERS, 1.0))
    seed: int = 0

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := sorted(set(self.makers) - set(MAKERS)):
            raise ValueError(f"unknown maker {unknown[0]!r}; there are {', '.join(MAKERS)}")
        return self


class TuningRecipe(FrozenModel):
    """What is trained inside the last blocks that the branch passes.

    ``lora``: rsLoRA of this rank in these linear layers; ``layernorm``: the LayerNorms' scales and shifts, as in GenD
    (Yermakov et al. 2025).
    """

    mode: Literal["lora", "layernorm"] = "lora"
    stop: int | None = Field(default=None, ge=1, description="block after which the branch ends; None: the last")
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
    patch_dropout: float = Field(default=0.0, ge=0, lt=1, description="share of the patches left out of most steps")
    check_every: int = Field(default=150, ge=1, description="steps between looks at the validation side")
    patience: int = Field(default=4, ge=1, description="looks without gain before training ends")
    seed: int = 0


class ForgeryRecipe(FrozenModel):
    """Everything that determines one shipped adapter."""

    name: str
    version: str
    tower: str = CLIP
    data: PairRecipe
    adapter: TuningRecipe = TuningRecipe()
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
