"""Supervised training of the embedded model with trl: the projector with a first LoRA, or a LoRA on the finished base.

vLLM takes LoRA on the language model only, so the projector is trained once, together with the first adapter, and is
part of the base ever after; every further adapter trains on that base and all of them share one server.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from faceagent.encoder.torchvision_ops import declare_missing_operators
from finetune.features import mixed
from finetune.vlm.words import SILENT, Example, batch

TARGETS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj$"
"""Every linear layer of the language model's blocks, and nothing that vLLM could not load."""


@dataclass(frozen=True)
class Plan:
    """How one adapter is trained. ``projector_lr`` 0 leaves the projector as it is."""

    name: str
    steps: int
    batch: int = 16
    rank: int = 16
    alpha: int = 32
    lr: float = 4e-4
    projector_lr: float = 0.0
    warmup: int = 30
    check_every: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Lessons:
    """``count`` examples, each made when it is asked for; the same index is the same example for ever."""

    count: int
    make: Callable[[int], Example]


def load_base(folder: Path) -> tuple[Any, Any]:
    """Model (float32) and tokenizer of an assembled folder."""
    declare_missing_operators()
    from transformers import AutoTokenizer, InternVLForConditionalGeneration

    model = InternVLForConditionalGeneration.from_pretrained(str(folder), dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(str(folder))


def train(model: Any, tokenizer: Any, lessons: Lessons, checks: Sequence[Example], plan: Plan, out: Path) -> Any:
    """Train and return the PEFT model; checkpoints in ``out``, from which an interrupted run goes on."""
    declare_missing_operators()
    from peft import LoraConfig, get_peft_model
    from transformers import get_cosine_schedule_with_warmup
    from transformers.trainer_utils import get_last_checkpoint
    from trl import SFTConfig, SFTTrainer

    torch.manual_seed(plan.seed)
    config = LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules=TARGETS, lora_dropout=0.0)
    tuned = get_peft_model(model, config)
    groups = [{"params": [value for name, value in tuned.named_parameters() if "lora_" in name], "lr": plan.lr}]
    if plan.projector_lr:
        projector = [value for name, value in tuned.named_parameters() if "multi_modal_projector" in name]
        for value in projector:
            value.requires_grad_(True)
        groups.append({"params": projector, "lr": plan.projector_lr})
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    arguments = SFTConfig(
        output_dir=str(out),
        max_steps=plan.steps,
        per_device_train_batch_size=plan.batch,
        per_device_eval_batch_size=plan.batch,
        # Off: the trainer would wrap forward(), which the loss below goes past; it casts by itself.
        bf16=False,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps",
        eval_steps=plan.check_every,
        save_steps=plan.check_every,
        save_total_limit=1,
        logging_steps=10,
        report_to=[],
        gradient_checkpointing=False,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        seed=plan.seed,
    )

    def collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        return batch([(lessons.make if row["lesson"] else checks.__getitem__)(row["index"]) for row in rows], tokenizer)

    class AnswersOnly(SFTTrainer):  # type: ignore[misc]
        """Scores answer tokens alone: over a vocabulary of 49,000, logits of silent tokens cost half of a step."""

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            loss = answer_loss(model, inputs)
            return (loss, {}) if return_outputs else loss

        def prediction_step(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            with torch.no_grad(), self.compute_loss_context_manager():
                return answer_loss(model, self._prepare_inputs(inputs)).detach(), None, None

    trainer = AnswersOnly(
        model=tuned,
        args=arguments,
        train_dataset=_indices(lessons.count, lesson=True),
        eval_dataset=_indices(len(checks), lesson=False),
        processing_class=tokenizer,
        data_collator=collate,
        optimizers=(optimiser, get_cosine_schedule_with_warmup(optimiser, plan.warmup, plan.steps)),
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(out)) if out.is_dir() else None)
    return tuned


def answer_loss(model: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
    """Mean cross-entropy of the labelled tokens."""
    inner = model.get_base_model()
    given = {name: value for name, value in inputs.items() if name != "labels"}
    wanted = inputs["labels"][:, 1:]
    spoken = wanted != SILENT
    with mixed(wanted.device):
        hidden = inner.model(**given).last_hidden_state[:, :-1]
        logits = inner.lm_head(hidden[spoken])
    return torch.nn.functional.cross_entropy(logits.float(), wanted[spoken])


def _indices(count: int, *, lesson: bool) -> Any:
    """What trl calls a dataset: numbers only, since an example is made when its turn comes."""
    from datasets import Dataset

    return Dataset.from_dict({"index": list(range(count)), "lesson": [lesson] * count})
