"""``python -m finetune.vlm.large.train RECIPE STAGE --data DIR``: alignment and instruction of a large model.

trl's SFTTrainer with PEFT, LoRA or QLoRA in NF4; loss on the answer alone. Alignment trains the projector and saves a
whole base, because vLLM takes a projector only as part of a base. Instruction trains the adapter on that base, or on
the recipe's base without alignment. An interrupted run continues from its last checkpoint.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.errors import InputError
from finetune.data.samples import TrainingSample
from finetune.vlm.large.data import OpenPicture, gather_samples, picture_opener, trl_dataset
from finetune.vlm.large.model import load_model, load_processor, new_adapter, open_projector, save_adapter
from finetune.vlm.large.recipe import StageKind, TrainingStage, VlmRecipe, load_vlm_recipe

ALIGNED = "base"
ADAPTER = "adapter"


def base_of(recipe: VlmRecipe, run: Path) -> str | Path:
    """The base of the recipe's adapters: the recipe's own, or the one that its alignment saved in ``run``.

    Raises InputError when the recipe has an alignment that was not run.
    """
    if "alignment" not in recipe.kinds:
        return recipe.base
    folder = run / "alignment" / ALIGNED
    if not (folder / "config.json").is_file():
        raise InputError("The projector is not aligned yet.", remedy="Run the stage alignment first.")
    return folder


def sft(recipe: VlmRecipe, kind: StageKind, data: Path, run: Path) -> Path:
    """Run one stage in ``run``/stage; returns the folder of the aligned base or of the adapter."""
    stage, out = recipe.stage(kind), run / kind
    train, held = gather_samples(data, stage.data)
    out.mkdir(parents=True, exist_ok=True)
    if kind == "alignment":
        processor = load_processor(recipe.base)
        model = load_model(recipe.base, recipe, quantised=False)
        open_projector(model, recipe.family)
        model = _run_trainer(recipe, stage, model, processor, (train, held), picture_opener(data), out)
        model.config.use_cache = True
        model.save_pretrained(str(out / ALIGNED))
        processor.save_pretrained(str(out / ALIGNED))
        return out / ALIGNED
    base = base_of(recipe, run)
    processor = load_processor(base)
    model = new_adapter(load_model(base, recipe, quantised=recipe.quantise == "nf4"), recipe)
    model = _run_trainer(recipe, stage, model, processor, (train, held), picture_opener(data), out)
    save_adapter(model, out / ADAPTER)
    write_training_card(recipe, stage, base, (train, held), out / ADAPTER / "training.json")
    return out / ADAPTER


def _run_trainer(
    recipe: VlmRecipe,
    stage: TrainingStage,
    model: Any,
    processor: Any,
    sides: tuple[Sequence[TrainingSample], Sequence[TrainingSample]],
    opened: OpenPicture,
    out: Path,
) -> Any:
    declare_missing_operators()
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from finetune.vlm.large.evaluate import EvaluationCallback

    train, held = sides
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**trainer_arguments(recipe, stage, out), completion_only_loss=True),
        train_dataset=trl_dataset(train, opened, preference=False),
        eval_dataset=trl_dataset(held, opened, preference=False),
        processing_class=processor,
        callbacks=[EvaluationCallback(out, processor, held[: stage.shown], opened, stage.longest_answer)],
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(out))
    return trainer.model


def trainer_arguments(recipe: VlmRecipe, stage: TrainingStage, out: Path) -> dict[str, Any]:
    """Keyword arguments that SFT and DPO configurations share."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(out),
        "num_train_epochs": stage.epochs,
        "per_device_train_batch_size": stage.batch,
        "per_device_eval_batch_size": stage.batch,
        "gradient_accumulation_steps": stage.accumulate,
        "learning_rate": stage.lr,
        "lr_scheduler_type": "cosine",
        "warmup_steps": stage.warmup,
        "bf16": gpu,
        "use_cpu": not gpu,
        "gradient_checkpointing": recipe.checkpointing,
        "eval_strategy": "steps",
        "eval_steps": stage.check_every,
        "save_steps": stage.check_every,
        "save_total_limit": 1,
        "logging_steps": min(10, stage.check_every),
        "report_to": [],
        "remove_unused_columns": False,
        # Cutting a conversation would cut image tokens away from their picture.
        "max_length": None,
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "dataloader_pin_memory": gpu,
    }


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint of a stage, or None."""
    from transformers.trainer_utils import get_last_checkpoint

    found: str | None = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    return found


def write_training_card(
    recipe: VlmRecipe,
    stage: TrainingStage,
    base: str | Path,
    sides: tuple[Sequence[TrainingSample], Sequence[TrainingSample]],
    target: Path,
) -> None:
    """Write the training data and settings of an adapter as JSON."""
    record = {
        "recipe": recipe.model_dump(mode="json"),
        "stage": stage.kind,
        "base": str(base),
        "samples": {"train": len(sides[0]), "validation": len(sides[1])},
        "sources": {
            name: len({one.source for one in side}) for name, side in zip(("train", "validation"), sides, strict=True)
        },
        "questions": sorted({one.question for side in sides for one in side}),
    }
    target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.vlm.large.train", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("stage", choices=("alignment", "instruction"))
    parser.add_argument("--data", type=Path, required=True, help="folder of the sample files and their pictures")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="checkpoints, logs, adapters")
    options = parser.parse_args(arguments)
    recipe = load_vlm_recipe(options.recipe)
    print(sft(recipe, options.stage, options.data, options.runs / recipe.name))


if __name__ == "__main__":
    main()
