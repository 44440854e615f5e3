"""The recipe of a large vision-language model: base, adapter and stages, read from TOML."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from faceagent.errors import InputError
from faceagent.types import FrozenModel
from finetune.vlm.large.tiny_models import Family

StageKind = Literal["alignment", "instruction", "preference"]
ORDER: tuple[StageKind, ...] = ("alignment", "instruction", "preference")


class VlmLoraRecipe(FrozenModel):
    """LoRA in every linear layer of the language model; vLLM loads no other."""

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.05, ge=0, lt=1)


class TrainingStage(FrozenModel):
    """Alignment trains the projector, instruction the adapter, preference the same adapter further (DPO)."""

    kind: StageKind
    data: tuple[str, ...] = Field(min_length=1, description="files of samples, relative to the data folder")
    lr: float = Field(gt=0)
    epochs: float = Field(default=1.0, gt=0)
    batch: int = Field(default=1, ge=1, description="samples at once on the device")
    accumulate: int = Field(default=16, ge=1, description="batches per step of the optimiser")
    warmup: int = Field(default=30, ge=0, description="steps")
    beta: float = Field(default=0.1, gt=0, description="preference only: DPO's beta (Rafailov et al. 2023)")
    check_every: int = Field(default=100, ge=1, description="steps between looks at the validation side")
    shown: int = Field(default=4, ge=0, description="validation samples whose answers are written down at each look")
    longest_answer: int = Field(default=256, ge=1, description="tokens of such an answer")


class VlmRecipe(FrozenModel):
    """One adapter. ``quantise`` "nf4" is QLoRA (Dettmers et al. 2023): base in 4 bits, adapter in bfloat16."""

    name: str = Field(min_length=1)
    version: str
    family: Family
    base: str = Field(min_length=1, description="model id or folder")
    quantise: Literal["none", "nf4"] = "none"
    checkpointing: bool = Field(default=True, description="recompute activations: less memory, more time")
    seed: int = 0
    adapter: VlmLoraRecipe = VlmLoraRecipe()
    stages: tuple[TrainingStage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> "VlmRecipe":
        places = [ORDER.index(stage.kind) for stage in self.stages]
        if places != sorted(set(places)):
            raise ValueError(f"stages come once each, in the order {', '.join(ORDER)}")
        if any(stage.kind == "preference" for stage in self.stages) and "instruction" not in self.kinds:
            raise ValueError("preference goes on from instruction")
        return self

    @property
    def kinds(self) -> tuple[StageKind, ...]:
        """Kinds of the stages, in order."""
        return tuple(stage.kind for stage in self.stages)

    def stage(self, kind: StageKind) -> TrainingStage:
        """The stage of this kind. Raises InputError when the recipe has none."""
        for stage in self.stages:
            if stage.kind == kind:
                return stage
        raise InputError(f"The recipe {self.name!r} has no stage {kind!r}.", remedy=f"It has {', '.join(self.kinds)}.")


def load_vlm_recipe(path: Path) -> VlmRecipe:
    """Read a recipe. Raises InputError that names the wrong entry."""
    try:
        return VlmRecipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(f"{path.name}: {place}: {first['msg']}.") from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path.name} cannot be read: {error}.") from error
