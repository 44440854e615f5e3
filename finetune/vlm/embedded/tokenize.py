"""Conversations as token ids and labels.

The ids are those of the assembled model's chat template; a test compares the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from faceagent.vlm.chat_template import END, format_message, generation_prompt

SILENT = -100
"""Label of tokens without loss."""


@dataclass(frozen=True)
class TrainingExample:
    """One picture and a conversation about it: (question, answer) pairs, an optional system text.

    ``seen``: the picture as the vision tower gives it, 64×1536 (``feature_bank``); None without a picture.
    """

    seen: NDArray[Any] | None
    turns: Sequence[tuple[str, str]]
    system: str | None = None


def encode(example: TrainingExample, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Token ids and labels; only answers, each with its end mark, have labels."""
    ids: list[int] = []
    labels: list[int] = []

    def read(text: str) -> None:
        found = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids.extend(found)
        labels.extend([SILENT] * len(found))

    if example.system is not None:
        read(format_message("system", example.system))
    for place, (question, answer) in enumerate(example.turns):
        read(format_message("user", question, int(place == 0 and example.seen is not None)) + generation_prompt())
        said = tokenizer(f"{answer}{END}", add_special_tokens=False)["input_ids"]
        ids.extend(said)
        labels.extend(said)
        if place + 1 < len(example.turns):
            read("\n")
    return ids, labels


def batch(examples: Sequence[TrainingExample], tokenizer: Any, longest: int = 1024) -> dict[str, Tensor]:
    """Examples as one right-padded batch: ``input_ids``, ``labels``, and ``seen`` of those with a picture.

    No attention mask: in a causal model no token attends to the padding behind it, and attention is faster without one.
    Sequences are cut at ``longest`` tokens.
    """
    rows = [encode(example, tokenizer) for example in examples]
    width = min(longest, max(len(ids) for ids, _ in rows))
    ids = torch.full((len(rows), width), tokenizer.pad_token_id, dtype=torch.long)
    labels = torch.full((len(rows), width), SILENT, dtype=torch.long)
    for place, (tokens, wanted) in enumerate(rows):
        count = min(width, len(tokens))
        ids[place, :count] = torch.tensor(tokens[:count])
        labels[place, :count] = torch.tensor(wanted[:count])
    made = {"input_ids": ids, "labels": labels}
    shown = [torch.from_numpy(example.seen) for example in examples if example.seen is not None]
    if shown:
        made["seen"] = torch.stack(shown).float()
    return made
