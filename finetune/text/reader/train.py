"""Trains the adapters of the sentence encoder and the heads on its vector, together.

Deterministic on one machine and one thread. Every head is a network of one hidden layer on the sentence vector; the
heads share nothing else. A head whose label of a sentence is unknown does not learn from that sentence.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceagent.router.reader import HEADS, ONE_OF
from faceagent.weights.e5 import FIRST_ADAPTED, WIDTH
from finetune.text.reader.adapter import Lower, Upper, pad
from finetune.text.reader.examples import Example

logger = logging.getLogger(__name__)

HIDDEN = 128
BATCH, EPOCHS = 32, 2
RATE, HEAD_RATE, DECAY = 1e-3, 2e-3, 0.02
CONTINUED = 2.5
"""How much lower the rates are in a pass that continues from trained weights."""
DROPOUT, HIDDEN_DROPOUT = 0.05, 0.2
SMOOTHING = 0.03
"""Probability moved from the right class to the others, so that none is ever certain."""
SCALE = WIDTH**0.5
"""The heads see the vector of length 1 times this."""

Matrix = NDArray[np.float32]
Classes = dict[str, list[str]]


class Trained(NamedTuple):
    """``tensors``: heads and adapters by name, as ``reader.safetensors`` holds them."""

    tensors: dict[str, Matrix]
    final_loss: float


class _Heads(nn.Module):
    def __init__(self, classes: Classes) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {
                head: nn.Sequential(
                    nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Dropout(HIDDEN_DROPOUT), nn.Linear(HIDDEN, len(names))
                )
                for head, names in classes.items()
            }
        )

    def forward(self, vectors: Tensor) -> dict[str, Tensor]:
        return {head: part(vectors * SCALE) for head, part in self.parts.items()}


def train(
    lower: Lower,
    ids: Sequence[Sequence[int]],
    found: Sequence[Example],
    classes: Classes,
    begin: Mapping[str, Matrix] | None = None,
) -> Trained:
    """Adapters and heads fitted to labelled sentences.

    Args:
        lower: the encoder's own weights.
        ids: the tokens of each sentence.
        found: the sentences with their labels.
        classes: names of the classes of each head.
        begin: tensors to continue from, with the same classes: one pass at a lower rate. None: from the start.
    """
    torch.manual_seed(0)
    states = lower.states(ids)
    targets = {head: _targets(head, found, classes[head]) for head in HEADS}
    upper, heads = Upper(lower, DROPOUT), _Heads(classes)
    epochs, rates = (EPOCHS, [RATE, HEAD_RATE]) if begin is None else (1, [RATE / CONTINUED, HEAD_RATE / CONTINUED])
    if begin is not None:
        _load(upper, heads, begin)
    optimiser = torch.optim.AdamW(
        [{"params": upper.parameters()}, {"params": heads.parameters()}], lr=RATE, weight_decay=DECAY
    )
    order = np.random.default_rng(0)
    steps = epochs * -(-len(found) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, steps, pct_start=0.1)
    mean = 0.0
    for epoch in range(epochs):
        losses = []
        for rows in _batches(states, order):
            batch, mask = pad([states[row] for row in rows])
            logits = heads(upper(batch, mask))
            loss = torch.stack([_loss(head, logits[head], targets[head][rows]) for head in HEADS]).sum()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*upper.parameters(), *heads.parameters()], 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            if len(losses) % 100 == 0:
                logger.info("pass %d, batch %d: loss %.3f", epoch + 1, len(losses), float(np.mean(losses[-100:])))
        mean = float(np.mean(losses))
        logger.info("pass %d of %d: loss %.3f", epoch + 1, epochs, mean)
    upper.eval(), heads.eval()
    return Trained({**upper.matrices(), **_matrices(heads)}, mean)


def _batches(states: Sequence[Tensor], order: np.random.Generator) -> list[list[int]]:
    """Rows of each batch: sentences of similar length together, the batches in random order."""
    length = np.array([len(one) for one in states]) + order.uniform(0, 2, len(states))
    rows = np.argsort(length).tolist()
    cut = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    order.shuffle(cut)
    return cut


def _targets(head: str, found: Sequence[Example], names: list[str]) -> Tensor:
    """Labels of all sentences; -1 where a label is not known. (n,) for one of several classes, else (n, classes)."""
    if head in ONE_OF:
        return torch.tensor([names.index(value) if (value := getattr(one, head)) in names else -1 for one in found])
    rows = np.full((len(found), len(names)), -1.0, np.float32)
    for row, one in enumerate(found):
        value = getattr(one, head)
        if value is not None:
            rows[row] = [float(name in value) for name in names]
    return torch.from_numpy(rows)


def _loss(head: str, logits: Tensor, target: Tensor) -> Tensor:
    if head in ONE_OF:
        if (target < 0).all():
            return logits.sum() * 0.0
        return functional.cross_entropy(logits, target, ignore_index=-1, label_smoothing=SMOOTHING)
    known = (target >= 0).float()
    smooth = target.clamp(0) * (1 - SMOOTHING) + SMOOTHING / 4 * (1 - target.clamp(0))
    found = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    # Summed over the classes of a sentence: its few true classes would vanish in a mean over all.
    return (found * known).sum() / max(float(len(target)), 1.0)


@torch.no_grad()
def _load(upper: Upper, heads: _Heads, begin: Mapping[str, Matrix]) -> None:
    """Put tensors, named as ``_matrices`` and ``Upper.matrices`` name them, into the networks."""
    for number, adapter in enumerate(upper.adapters, FIRST_ADAPTED):
        for name, value in adapter.items():
            part, _, end = name.partition("_")
            value.copy_(torch.from_numpy(np.asarray(begin[f"l{number}.{part}.{end}"], np.float32)))
    for head, network in heads.parts.items():
        linears = [one for one in network.children() if isinstance(one, nn.Linear)]
        for layer, linear in enumerate(linears, 1):
            linear.weight.copy_(torch.from_numpy(begin[f"{head}.w{layer}"].T.copy()))
            linear.bias.copy_(torch.from_numpy(begin[f"{head}.b{layer}"]))


def _matrices(heads: _Heads) -> dict[str, Matrix]:
    found: dict[str, Matrix] = {}
    for head, part in heads.parts.items():
        linears = [one for one in part.children() if isinstance(one, nn.Linear)]
        for layer, linear in enumerate(linears, 1):
            found[f"{head}.w{layer}"] = linear.weight.detach().numpy().T
            found[f"{head}.b{layer}"] = linear.bias.detach().numpy()
    return found
