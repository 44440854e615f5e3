"""Training examples are balanced and use no words of the test questions; the projector learns word embeddings."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from evals.data.visual_questions import PHRASES
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.settings import Settings
from faceagent.vlm.embedded_model import model_folder
from finetune.vlm.embedded import projector
from finetune.vlm.embedded.export import export_projector
from finetune.vlm.embedded.sampling import sample_examples, sample_questions
from finetune.vlm.embedded.tokenize import SILENT, TrainingExample, batch, encode
from finetune.vlm.embedded.train import AdapterPlan, _load_checkpoint, _save_checkpoint, plan_batches

FACTS = [
    {"side": side, "smile": smile, "light": light, "forged": "yes", "altered": part}
    for side, part in (("left", "eyes"), ("right", "nose"), ("front", "mouth"))
    for smile in ("yes", "no", "no", "no")
    for light in ("dark", "bright")
]
SEEN = np.zeros((len(FACTS), 64, 1536), np.float16)
ROWS = range(len(FACTS))


@pytest.fixture(scope="module")
def tokenizer(settings: Settings) -> object:
    declare_missing_operators()
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(model_folder(settings)))


def test_lessons_are_the_same_for_a_seed_and_answers_balanced() -> None:
    one, two = (sample_examples(SEEN, FACTS, list(ROWS), 400, 3) for _ in range(2))
    assert [example.turns for example in one] == [example.turns for example in two]
    weights = {"smile": 1, "side": 1}
    smiles = [
        a
        for example in sample_examples(SEEN, FACTS, list(ROWS), 400, 3, 1, weights)
        for q, a in example.turns
        if "smil" in q
    ]
    assert 0.35 < smiles.count("yes") / len(smiles) < 0.65


def test_the_exam_asks_in_words_that_lessons_never_use() -> None:
    taught = {question for example in sample_examples(SEEN, FACTS, list(ROWS), 600, 0) for question, _ in example.turns}
    for topic in ("side", "smile", "light"):
        asked = sample_questions(FACTS, list(ROWS), topic, 12, 0)
        assert asked
        assert {one.question for _, one in asked} == {PHRASES[topic][-1]}
        assert taught.isdisjoint(one.question for _, one in asked)
        answers = [one.answer for _, one in asked]
        assert len({answers.count(answer) for answer in answers}) == 1


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


def test_a_projector_learns_to_speak_the_true_words(tokenizer: object) -> None:
    rng = np.random.default_rng(0)
    codes = {"left": rng.normal(size=1536), "right": rng.normal(size=1536)}
    sides = ["left", "right"] * 64
    seen = np.stack([rng.normal(size=(64, 1536)) + codes[side] for side in sides]).astype(np.float16)
    torch.manual_seed(0)
    inner = torch.nn.Sequential()
    inner.layer_norm = torch.nn.LayerNorm(1536)  # type: ignore[assignment]
    inner.linear = torch.nn.Linear(1536, 576)
    projector.standardise(inner, seen)
    reading = projector.ProjectorReadout(inner, torch.randn(49216, 576) * 0.13, tokenizer)
    wanted = projector.target_answers([{"side": side} for side in sides])
    projector.train_projector(reading, seen[:96], wanted[:96], 12, 0, size=16)
    assert projector.accuracy(reading, seen[96:], wanted[96:])["side"] > 0.9


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    one = {"w": torch.nn.Parameter(torch.ones(3))}
    optimiser = torch.optim.AdamW(one.values(), lr=0.1)
    one["w"].sum().backward()
    optimiser.step()
    _save_checkpoint(tmp_path, one, optimiser, 7, 12.5)
    two = {"w": torch.nn.Parameter(torch.zeros(3))}
    assert _load_checkpoint(tmp_path, two, torch.optim.AdamW(two.values(), lr=0.1)) == (7, 12.5)
    assert torch.equal(one["w"], two["w"])


def test_shipped_tensors_are_half_precision(tmp_path: Path) -> None:
    path = export_projector({"linear_1.weight": torch.randn(4, 4)}, tmp_path)
    assert {value.dtype for value in load_file(path).values()} == {torch.float16}
