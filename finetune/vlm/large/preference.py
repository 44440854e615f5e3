"""``python -m finetune.vlm.large.preference RECIPE --data DIR``: DPO from the instruction adapter.

Direct preference optimisation (Rafailov et al. 2023) on swapped evidence: the answer to this evidence is preferred to
the answer to another's, so that the text depends on the evidence. The reference is a frozen copy of the adapter. An
interrupted run continues from its last checkpoint.
"""

import argparse
from pathlib import Path

from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.errors import InputError
from finetune.vlm.large.data import gather_samples, picture_opener, trl_dataset
from finetune.vlm.large.model import load_adapter, load_model, load_processor, save_adapter
from finetune.vlm.large.recipe import VlmRecipe, load_vlm_recipe
from finetune.vlm.large.train import ADAPTER, base_of, last_checkpoint, trainer_arguments, write_training_card


def dpo(recipe: VlmRecipe, data: Path, run: Path) -> Path:
    """Run the preference stage in ``run``; returns the adapter folder.

    Raises InputError before the instruction stage was run.
    """
    stage, out = recipe.stage("preference"), run / "preference"
    start = run / "instruction" / ADAPTER
    if not (start / "adapter_config.json").is_file():
        raise InputError("There is no adapter to go on from.", remedy="Run the stage instruction first.")
    train, held = gather_samples(data, stage.data)
    opened = picture_opener(data)
    train_rows, held_rows = (trl_dataset(side, opened, preference=True) for side in (train, held))
    declare_missing_operators()
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    from finetune.vlm.large.evaluate import EvaluationCallback

    base = base_of(recipe, run)
    processor = load_processor(base)
    model = load_adapter(load_model(base, recipe, quantised=recipe.quantise == "nf4"), start, trained_on=True)
    out.mkdir(parents=True, exist_ok=True)
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(**trainer_arguments(recipe, stage, out), beta=stage.beta),
        train_dataset=train_rows,
        eval_dataset=held_rows,
        processing_class=processor,
        callbacks=[EvaluationCallback(out, processor, held[: stage.shown], opened, stage.longest_answer)],
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(out))
    save_adapter(trainer.model, out / ADAPTER)
    write_training_card(recipe, stage, base, (train, held), out / ADAPTER / "training.json")
    return out / ADAPTER


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.vlm.large.preference", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sample files and their pictures")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="checkpoints, logs, adapters")
    options = parser.parse_args(arguments)
    recipe = load_vlm_recipe(options.recipe)
    print(dpo(recipe, options.data, options.runs / recipe.name))


if __name__ == "__main__":
    main()
