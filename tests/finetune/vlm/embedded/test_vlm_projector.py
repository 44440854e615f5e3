"""The projector learns the embeddings of true words."""

import numpy as np
import pytest
import torch

from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.settings import Settings
from faceagent.vlm.embedded_model import model_folder
from finetune.vlm.embedded import projector


@pytest.fixture(scope="module")
def tokenizer(settings: Settings) -> object:
    declare_missing_operators()
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(model_folder(settings)))


INPUTS, WIDTH = 96, 48
"""Numbers per token before and after the projector; the model's own, 1536 and 576, learn nothing else."""


def test_a_projector_learns_to_speak_the_true_words(tokenizer: object) -> None:
    rng = np.random.default_rng(0)
    codes = {"left": rng.normal(size=INPUTS), "right": rng.normal(size=INPUTS)}
    sides = ["left", "right"] * 64
    seen = np.stack([rng.normal(size=(64, INPUTS)) + codes[side] for side in sides]).astype(np.float16)
    torch.manual_seed(0)
    inner = torch.nn.Sequential()
    inner.layer_norm = torch.nn.LayerNorm(INPUTS)  # type: ignore[assignment]
    inner.linear = torch.nn.Linear(INPUTS, WIDTH)
    projector.standardise(inner, seen)
    reading = projector.ProjectorReadout(inner, torch.randn(49216, WIDTH) * 0.13, tokenizer)
    wanted = projector.target_answers([{"side": side} for side in sides])
    before = projector.accuracy(reading, seen[96:], wanted[96:])["side"]
    projector.train_projector(reading, seen[:96], wanted[:96], 12, 0, size=16)
    assert before < 0.9 < projector.accuracy(reading, seen[96:], wanted[96:])["side"]
