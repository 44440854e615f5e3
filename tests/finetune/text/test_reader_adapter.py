"""The encoder in torch, as it is trained, and in onnxruntime, as it is used."""

import numpy as np
import pytest
import torch

from faceagent.router.reader import Heads
from faceagent.router.sentence_encoder import GRAPH, SOURCE, SentenceEncoder, Tokenizer
from faceagent.settings import Settings
from faceagent.weights.e5 import read_vocabulary
from faceagent.weights.resolve import locate
from faceagent.weights.sessions import open_session
from finetune.text.reader.__main__ import classes_of
from finetune.text.reader.adapter import Lower, Upper, pad
from finetune.text.reader.examples import Example
from finetune.text.reader.train import train


def test_torch_and_the_graph_give_the_same_vectors_with_the_same_adapters(settings: Settings) -> None:
    path = locate(SOURCE, settings)
    tokenizer, lower = Tokenizer(read_vocabulary(path)), Lower(path)
    torch.manual_seed(0)
    upper = Upper(lower, dropout=0.5).eval()
    texts = ["is it real?", "how old does the woman on the left look"]

    def vectors() -> torch.Tensor:
        with torch.no_grad():
            return upper(*pad(lower.states([tokenizer.tokenize(text) for text in texts])))

    plain = vectors()
    for value in upper.parameters():
        torch.nn.init.normal_(value, std=0.02)
    made = vectors().numpy()
    encoder = SentenceEncoder(tokenizer, open_session(GRAPH, settings), upper.matrices())
    for text, vector, before in zip(texts, made, plain.numpy(), strict=True):
        # The graph rounds activations to eight bits.
        assert vector @ encoder.encode(text) == pytest.approx(1.0, abs=2e-3)
        assert np.linalg.norm(vector - before) > 0.01


def test_training_gives_what_the_reader_reads_and_can_be_continued(settings: Settings) -> None:
    path = locate(SOURCE, settings)
    tokenizer, lower = Tokenizer(read_vocabulary(path)), Lower(path)
    found = [
        Example("is it real?", "analyse", ("forgery",), language="en", details=()),
        Example("why?", "why", language="en", details=()),
        Example("the man on the left?", "follow", language="en", details=("word:man", "side:left")),
    ]
    classes = classes_of(found)
    ids = [tokenizer.tokenize(one.text) for one in found]
    first = train(lower, ids, found, classes)
    again = train(lower, ids, found, classes, first.tensors)
    assert again.final_loss < first.final_loss
    reading = Heads(again.tensors, classes).read(np.ones(384, np.float32) / 384**0.5)
    assert set(reading.kind) == {"analyse", "follow", "why"} and "side:left" in reading.details
