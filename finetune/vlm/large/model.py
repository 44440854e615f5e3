"""Loading of the large models for each stage: quantised or not, with the right parameters trainable."""

from pathlib import Path
from typing import Any

from faceagent.encoder.torchvision_ops import declare_missing_operators
from finetune.vlm.large.recipe import VlmRecipe
from finetune.vlm.large.tiny_models import Family

TARGETS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj$"
"""Every linear layer of the language model's blocks: vLLM loads adapters of these only."""
PROJECTOR: dict[Family, tuple[str, ...]] = {
    "qwen3_vl": ("visual.merger.", "visual.deepstack_merger_list."),
    "internvl": ("multi_modal_projector.",),
}
FLOATING = ["lm_head", "visual", "vision_tower", "multi_modal_projector"]
"""Modules that are not quantised: vision tower and projector are small, and vLLM serves them in bfloat16."""


def load_model(base: str | Path, recipe: VlmRecipe, *, quantised: bool) -> Any:
    """The model of ``base``: in 4 bits with ``quantised``, in bfloat16 on a GPU, else in float32."""
    declare_missing_operators()
    import torch
    from transformers import (
        BitsAndBytesConfig,
        InternVLForConditionalGeneration,
        Qwen3VLForConditionalGeneration,
    )

    kind = Qwen3VLForConditionalGeneration if recipe.family == "qwen3_vl" else InternVLForConditionalGeneration
    config = None
    if quantised:
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            llm_int8_skip_modules=FLOATING,
        )
    gpu = torch.cuda.is_available()
    model = kind.from_pretrained(
        str(base),
        dtype=torch.bfloat16 if gpu or quantised else torch.float32,
        quantization_config=config,
        device_map={"": 0} if gpu else None,
    )
    model.config.use_cache = False
    return model


def load_processor(base: str | Path) -> Any:
    """Tokenizer, image processor and chat template of ``base``."""
    declare_missing_operators()
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(str(base))


def open_projector(model: Any, family: Family) -> list[str]:
    """Freeze all but the projector; returns the names of the trainable parameters, in order."""
    opened = []
    for name, value in model.named_parameters():
        value.requires_grad_(any(part in name for part in PROJECTOR[family]))
        if value.requires_grad:
            opened.append(name)
    return opened


def new_adapter(model: Any, recipe: VlmRecipe) -> Any:
    """``model`` with a new LoRA adapter initialised by the recipe's seed; nothing else is trainable."""
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import set_seed

    set_seed(recipe.seed)
    if recipe.quantise == "nf4":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=recipe.checkpointing)
    how = recipe.adapter
    config = LoraConfig(
        r=how.rank, lora_alpha=how.alpha, lora_dropout=how.dropout, target_modules=TARGETS, task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def load_adapter(model: Any, folder: Path, *, trained_on: bool = False) -> Any:
    """``model`` with the adapter saved in ``folder``; trainable with ``trained_on``."""
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(folder), is_trainable=trained_on)


def save_adapter(model: Any, folder: Path) -> None:
    """Save the trained adapter alone, as vLLM and ``load_adapter`` read it; never DPO's frozen copy."""
    model.save_pretrained(str(folder), selected_adapters=["default"])
