"""Only answers have labels, and similar lengths share a batch."""

import numpy as np
import pytest

from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.settings import Settings
from faceagent.vlm.embedded_model import model_folder
from finetune.vlm.embedded.tokenize import SILENT, TrainingExample, batch, encode
from finetune.vlm.embedded.train import AdapterPlan, plan_batches

SEEN = np.zeros((1, 64, 1536), np.float16)


@pytest.fixture(scope="module")
def tokenizer(settings: Settings) -> object:
    declare_missing_operators()
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(model_folder(settings)))


def test_only_answers_are_said(tokenizer: object) -> None:
    example = TrainingExample(SEEN[0], [("Is there a smile?", "yes"), ("Hat?", "no")])
    ids, labels = encode(example, tokenizer)
    said = [token for token, label in zip(ids, labels, strict=True) if label != SILENT]
    assert tokenizer.decode(said) == "yes<|im_end|>no<|im_end|>"  # type: ignore[attr-defined]
    made = batch([example, TrainingExample(None, [("Hi", "Hello there")])], tokenizer)
    assert made["seen"].shape == (1, 64, 1536)
    assert made["input_ids"].shape == made["labels"].shape


def test_near_lengths_share_a_batch_and_every_lesson_comes(tokenizer: object) -> None:
    taught = [TrainingExample(None, [("Hi", "word " * (1 + number % 9))]) for number in range(40)]
    batches = plan_batches(taught, tokenizer, AdapterPlan("x", steps=10, batch=4))
    assert sorted(row for rows in batches for row in rows) == list(range(40))
    spreads = [max(row % 9 for row in rows) - min(row % 9 for row in rows) for rows in batches]
    assert np.mean(spreads) < 3
