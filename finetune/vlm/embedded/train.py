"""Supervised training of the embedded model: LoRA on the language model, and the projector if wanted.

vLLM supports LoRA on the language model only, so the projector is trained once and is then part of the base; all
adapters share that base and one server. The loop is not trl's trainer because pictures come as cached tower features,
and because on a CPU only answer tokens may reach the vocabulary layer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from faceagent.encoder.torchvision_ops import declare_missing_operators
from finetune.data.precision import autocast
from finetune.vlm.embedded.tokenize import SILENT, TrainingExample, batch, encode

TARGETS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj$"
"""Every linear layer of the language model's blocks: vLLM loads adapters of these only."""
WINDOW = 16
"""Batches within which examples are sorted by length, to reduce padding."""
CLIP = 1.0


@dataclass(frozen=True)
class AdapterPlan:
    """Hyperparameters of one adapter. ``projector_lr`` 0 leaves the projector unchanged."""

    name: str
    steps: int
    batch: int = 16
    rank: int = 8
    alpha: int = 16
    lr: float = 1e-3
    projector_lr: float = 0.0
    warmup: int = 10
    check_every: int = 50
    seed: int = 0


def load_base(folder: Path) -> tuple[Any, Any]:
    """Model (float32) and tokenizer of an assembled folder."""
    declare_missing_operators()
    from transformers import AutoTokenizer, InternVLForConditionalGeneration

    model = InternVLForConditionalGeneration.from_pretrained(str(folder), dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(str(folder))


def with_adapter(model: Any, plan: AdapterPlan, start: Path | None = None) -> Any:
    """``model`` with a trainable LoRA, new or from the adapter folder ``start``, and its projector if wanted."""
    from peft import LoraConfig, PeftModel, get_peft_model

    torch.manual_seed(plan.seed)
    if start is None:
        tuned: Any = get_peft_model(model, LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules=TARGETS))
    else:
        tuned = PeftModel.from_pretrained(model, str(start), is_trainable=True)
    for name, value in tuned.named_parameters():
        if "multi_modal_projector" in name:
            value.requires_grad_(plan.projector_lr > 0)
    return tuned


def train_adapter(
    tuned: Any,
    tokenizer: Any,
    lessons: Sequence[TrainingExample],
    plan: AdapterPlan,
    out: Path,
    check: Callable[[int], str] = lambda step: "",
    minutes: float = 0.0,
) -> None:
    """Train in place. ``check`` is called at intervals and returns a status line.

    Checkpoints go to ``out``; an interrupted run continues with the same batches. ``minutes`` limits the run, and the
    learning rate decays by that time: for machines without a GPU.
    """
    trainable = {name: value for name, value in tuned.named_parameters() if value.requires_grad}
    groups = [
        {"params": [value for name, value in trainable.items() if ("projector" in name) == projector], "lr": rate}
        for projector, rate in ((False, plan.lr), (True, plan.projector_lr))
    ]
    optimiser = torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=0.0)
    peaks = [group["lr"] for group in optimiser.param_groups]
    step, spent = _load_checkpoint(out, trainable, optimiser)
    began = time.monotonic() - spent
    losses: list[float] = []
    for number, rows in enumerate(plan_batches(lessons, tokenizer, plan)):
        if number < step:
            continue
        done = step / plan.steps
        if minutes:
            done = max(done, (time.monotonic() - began) / (60 * minutes))
        if done >= 1:
            break
        for group, peak in zip(optimiser.param_groups, peaks, strict=True):
            group["lr"] = peak * min(1.0, (step + 1) / plan.warmup) * (0.5 + 0.5 * float(np.cos(np.pi * done)))
        loss = answer_loss(tuned, batch([lessons[row] for row in rows], tokenizer))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(trainable.values()), CLIP)
        optimiser.step()
        step += 1
        losses.append(float(loss.detach()))
        if step % 5 == 0:
            print(f"{plan.name} {step} loss {np.mean(losses[-5:]):.3f} {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
        if step % plan.check_every == 0:
            _save_checkpoint(out, trainable, optimiser, step, time.monotonic() - began)
            if words := check(step):
                print(words, flush=True)  # noqa: T201
    _save_checkpoint(out, trainable, optimiser, step, time.monotonic() - began)


def plan_batches(lessons: Sequence[TrainingExample], tokenizer: Any, plan: AdapterPlan) -> list[list[int]]:
    """Example indices of every step: shuffled, similar lengths together; deterministic by the plan."""
    rng = np.random.default_rng((plan.seed, 5))
    lengths = np.array([len(encode(one, tokenizer)[0]) for one in lessons])
    batches: list[list[int]] = []
    while len(batches) < plan.steps:
        order = rng.permutation(len(lessons))
        for start in range(0, len(order), WINDOW * plan.batch):
            window = order[start : start + WINDOW * plan.batch]
            window = window[np.argsort(lengths[window], kind="stable")]
            cut = [window[at : at + plan.batch].tolist() for at in range(0, len(window), plan.batch)]
            batches += [cut[place] for place in rng.permutation(len(cut))]
    return batches[: plan.steps]


def hidden_states(tuned: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
    """Last hidden states, N×L×576, of token ids with the tower's output ``seen`` at their picture marks."""
    inner = tuned.get_base_model() if hasattr(tuned, "get_base_model") else tuned
    ids = inputs["input_ids"]
    embedded = inner.model.language_model.embed_tokens(ids).detach().clone()
    if "seen" in inputs:
        pictures = inner.model.multi_modal_projector(inputs["seen"])
        marks = (ids == inner.config.image_token_id).unsqueeze(-1).expand_as(embedded)
        embedded = embedded.masked_scatter(marks, pictures.to(embedded.dtype))
    found: torch.Tensor = inner.model.language_model(inputs_embeds=embedded, use_cache=False).last_hidden_state
    return found


def answer_loss(tuned: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
    """Mean cross-entropy of the labelled tokens; no other token's logits are computed."""
    wanted = inputs["labels"][:, 1:]
    spoken = wanted != SILENT
    inner = tuned.get_base_model() if hasattr(tuned, "get_base_model") else tuned
    with autocast(wanted.device):
        logits = inner.lm_head(hidden_states(tuned, inputs)[:, :-1][spoken])
    return torch.nn.functional.cross_entropy(logits.float(), wanted[spoken])


def _save_checkpoint(out: Path, trainable: Mapping[str, Any], optimiser: Any, step: int, spent: float) -> None:
    out.mkdir(parents=True, exist_ok=True)
    draft = out / "draft"
    save_file({name: value.detach().contiguous() for name, value in trainable.items()}, draft)
    torch.save({"step": step, "spent": spent, "optimiser": optimiser.state_dict()}, out / "state.draft")
    draft.rename(out / "trained.safetensors")
    (out / "state.draft").rename(out / "state.pt")


def _load_checkpoint(out: Path, trainable: Mapping[str, Any], optimiser: Any) -> tuple[int, float]:
    if not (out / "state.pt").is_file():
        return 0, 0.0
    for name, value in load_file(out / "trained.safetensors").items():
        trainable[name].data.copy_(value)
    state = torch.load(out / "state.pt", weights_only=True)
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["spent"])
