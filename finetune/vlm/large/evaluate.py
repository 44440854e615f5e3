"""Logs of a training run: ``log.jsonl``, ``curves.png``, and answers in ``samples.jsonl``.

When a run continues from a checkpoint, what was logged after that checkpoint is removed, so that every step is logged
once.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceagent.encoder.torchvision_ops import declare_missing_operators
from finetune.calibration.curves import draw_curves
from finetune.data.samples import TrainingSample
from finetune.vlm.large.data import OpenPicture, conversation

declare_missing_operators()  # before transformers is first imported, or its vision classes are not there

from transformers import TrainerCallback  # noqa: E402


def greedy_answer(model: Any, processor: Any, sample: TrainingSample, opened: OpenPicture, longest: int) -> str:
    """The model's greedy answer to a sample, at most ``longest`` tokens."""
    import torch
    from trl.data_utils import prepare_multimodal_messages

    images = [opened(shot) for shot in sample.images]
    batch = processor.apply_chat_template(
        prepare_multimodal_messages(conversation(sample), images=images),
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        add_generation_prompt=True,
    ).to(model.device)
    if "pixel_values" in batch:
        batch["pixel_values"] = batch["pixel_values"].to(model.dtype)
    training = model.training
    model.eval()
    with torch.inference_mode():
        said = model.generate(**batch, max_new_tokens=longest, do_sample=False, use_cache=True)
    model.train(training)
    text: str = processor.tokenizer.decode(said[0, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return text


class EvaluationCallback(TrainerCallback):
    """Logs one line per validation, and the answers to its first samples."""

    def __init__(
        self, folder: Path, processor: Any, shown: Sequence[TrainingSample], opened: OpenPicture, longest: int
    ) -> None:
        self.log, self.said = folder / "log.jsonl", folder / "samples.jsonl"
        self.curves = folder / "curves.png"
        self.processor, self.shown, self.opened, self.longest = processor, shown, opened, longest
        self._losses: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Remove what was logged after the checkpoint."""
        for file in (self.log, self.said):
            kept = [line for line in _lines(file) if json.loads(line)["step"] <= state.global_step]
            file.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Collect training losses and write their mean with the next validation loss."""
        if "loss" in logs:
            self._losses.append(float(logs["loss"]))
        if "eval_loss" not in logs:
            return
        validation = {"loss": float(logs["eval_loss"])}
        if "eval_rewards/accuracies" in logs:
            validation["preferred"] = float(logs["eval_rewards/accuracies"])
        mean = sum(self._losses) / len(self._losses) if self._losses else validation["loss"]
        self._losses.clear()
        self._append(self.log, {"step": state.global_step, "loss": {"train": mean}, "validation": validation})
        draw_curves(self.log, self.curves)

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Write the current answers to the first validation samples."""
        for sample in self.shown:
            said = greedy_answer(model, self.processor, sample, self.opened, self.longest)
            line = {"step": state.global_step, "id": sample.id, "said": said, "wanted": sample.answer}
            self._append(self.said, line)

    def _append(self, file: Path, record: dict[str, Any]) -> None:
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").split("\n") if line] if file.is_file() else []
