"""Accuracy on questions that only the picture answers, with the right picture and with another one.

An answer is right when its first token is the most likely of the whole vocabulary.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evals.data.visual_questions import Facts
from finetune.data.precision import autocast
from finetune.vlm.embedded.sampling import sample_questions
from finetune.vlm.embedded.tokenize import SILENT, TrainingExample, batch
from finetune.vlm.embedded.train import hidden_states

AT_A_TIME = 16


def grade_answers(
    tuned: Any,
    tokenizer: Any,
    seen: NDArray[Any],
    facts: Sequence[Facts],
    rows: Sequence[int] | NDArray[np.int64],
    topic: str,
    count: int,
    seed: int,
    *,
    swapped: bool = False,
) -> list[bool]:
    """Right or wrong per question; ``swapped`` shows another held-out picture with the same question."""
    asked = sample_questions(facts, rows, topic, count, seed)
    rng = np.random.default_rng((seed, 9))
    shown = [int(rng.choice([row for row in rows if row != one])) if swapped else one for one, _ in asked]
    examples = [
        TrainingExample(seen[row], [(one.question, one.answer)]) for row, (_, one) in zip(shown, asked, strict=True)
    ]
    return first_token_correct(tuned, tokenizer, examples)


def first_token_correct(tuned: Any, tokenizer: Any, examples: Sequence[TrainingExample]) -> list[bool]:
    """Whether the first token of each example's (single) answer is the most likely."""
    right: list[bool] = []
    inner = tuned.get_base_model()
    for start in range(0, len(examples), AT_A_TIME):
        inputs = batch(examples[start : start + AT_A_TIME], tokenizer)
        wanted = inputs["labels"][:, 1:]
        first = (wanted != SILENT).int().argmax(1)
        row = torch.arange(len(first))
        with torch.inference_mode(), autocast(wanted.device):
            logits = inner.lm_head(hidden_states(tuned, inputs)[row, first])
        right += (logits.argmax(-1) == wanted[row, first]).tolist()
    return right


def format_summary(found: Mapping[str, Sequence[bool]]) -> str:
    """Accuracy per topic on one line."""
    return " ".join(f"{topic} {np.mean(marks):.2f}" for topic, marks in found.items() if len(marks))
