"""Training of the projector alone: its tokens become the embeddings of words that are true of the picture.

This costs a hundredth of a step through the language model. Each of the 64 projected tokens has a topic (``PLAN``) and
is trained towards the embedding of the true word ("glasses", "smiling", "dark"). The language model reads words
already; it then has to learn the questions alone. Inputs are standardised by the layer norm at the start of InternVL's
projector.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WORDS: Mapping[str, Mapping[str, str]] = {
    "side": {"left": " left", "right": " right", "front": " front"},
    "smile": {"yes": " smiling", "no": " serious"},
    "mouth": {"open": " open", "closed": " closed"},
    "eyes": {"open": " awake", "closed": " asleep"},
    "light": {"dark": " dark", "bright": " bright"},
    "glasses": {"yes": " glasses", "no": " none"},
    "colour": {"colour": " colour", "grey": " grey"},
    "hat": {"yes": " hat", "no": " hair"},
    "beard": {"yes": " beard", "no": " smooth"},
    "age": {"child": " child", "adult": " adult", "old": " old"},
    "gender": {"man": " man", "woman": " woman"},
    "altered": {"eyes": " eyes", "nose": " nose", "mouth": " mouth"},
    "forged": {"yes": " fake", "no": " real"},
}
LETTERS = {
    "s": "side",
    "m": "smile",
    "o": "mouth",
    "e": "eyes",
    "l": "light",
    "g": "glasses",
    "c": "colour",
    "h": "hat",
    "b": "beard",
    "a": "age",
    "x": "gender",
    "A": "altered",
    "f": "forged",
}
PLAN = "lhachchlsxlhhlxssglxaxgssgegAegslsfAAfslambAAbmalxmomomccblmmbxl"
"""Topic of each token, row by row of the 8×8 grid, near the place where it is visible."""
WEIGHT = {"altered": 2.0, "forged": 1.0}
"""Of a token's loss, where it is not 1."""


class ProjectorReadout(nn.Module):
    """The projector, and the answer that each projected token gives on its topic."""

    def __init__(self, projector: nn.Module, embeddings: Tensor, tokenizer: Any) -> None:
        super().__init__()
        self.projector = projector
        self.sharpness = nn.Parameter(torch.zeros(len(WORDS)))
        self.words = [
            torch.stack(
                [embeddings[tokenizer(word, add_special_tokens=False)["input_ids"]].mean(0) for word in said.values()]
            )
            for said in WORDS.values()
        ]
        self.places = [
            torch.tensor([at for at, letter in enumerate(PLAN) if LETTERS[letter] == topic]) for topic in WORDS
        ]

    def forward(self, seen: Tensor) -> Tensor:
        """N×64×1536 to the projected tokens, N×64×576."""
        projected: Tensor = self.projector(seen)
        return projected

    def logits(self, tokens: Tensor, topic: int) -> Tensor:
        """N×places×answers: similarity of each token of a topic to each of its words."""
        words = self.words[topic]
        apart = words - words.mean(0)
        near = (tokens[:, self.places[topic]] - words.mean(0)) @ apart.T / apart.square().sum(1).mean()
        return near * 6 * self.sharpness[topic].exp()


def standardise(projector: Any, seen: NDArray[np.float16]) -> None:
    """Set the projector's layer norm so that every input has mean 0 and standard deviation 1 over ``seen``."""
    rows = torch.from_numpy(seen.reshape(-1, seen.shape[-1])).float()
    rows = nn.functional.layer_norm(rows, rows.shape[-1:])
    mean, spread = rows.mean(0), rows.std(0).clamp(min=1e-3)
    with torch.no_grad():
        projector.layer_norm.weight.copy_(1 / spread)
        projector.layer_norm.bias.copy_(-mean / spread)


def target_answers(facts: Sequence[Mapping[str, str]]) -> Tensor:
    """N×topics: index of the answer of each picture, -1 where it is unknown."""
    return torch.tensor(
        [
            [list(words).index(one[topic]) if one.get(topic) in words else -1 for topic, words in WORDS.items()]
            for one in facts
        ]
    )


def train_projector(
    reading: ProjectorReadout,
    seen: NDArray[np.float16],
    wanted: Tensor,
    epochs: int,
    seed: int,
    lr: float = 2e-3,
    size: int = 64,
) -> None:
    """Train the projector on pictures and answers; every answer of a topic has the same weight."""
    torch.manual_seed(seed)
    rng = np.random.default_rng((seed, 3))
    balance = [_balance(wanted[:, number], len(words)) for number, words in enumerate(WORDS.values())]
    optimiser = torch.optim.AdamW(reading.parameters(), lr=lr, weight_decay=0.02)
    steps = epochs * (len(seen) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps, pct_start=0.1)
    order = rng.permutation(len(seen))
    for step in range(steps):
        place = step % (len(seen) // size)
        if place == 0:
            order = rng.permutation(len(seen))
        rows = np.sort(order[place * size : (place + 1) * size])
        given = torch.from_numpy(seen[rows]).float()
        with torch.autocast("cpu", torch.bfloat16):
            tokens = reading(given + 0.1 * torch.randn_like(given)).float()
        loss = _loss(reading, tokens, wanted[rows], balance)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def _balance(right: Tensor, kinds: int) -> Tensor:
    counts = torch.bincount(right[right >= 0], minlength=kinds).float()
    return (counts.sum() / (counts.clamp(min=1) * kinds)).clamp(max=6.0)


def _loss(reading: ProjectorReadout, tokens: Tensor, wanted: Tensor, balance: Sequence[Tensor]) -> Tensor:
    """Cross-entropy over the words of a topic, and the distance to the true word."""
    loss = torch.zeros(())
    for number, topic in enumerate(WORDS):
        known = wanted[:, number] >= 0
        if not bool(known.any()):
            continue
        right = wanted[known, number]
        logits = reading.logits(tokens[known], number)
        places = logits.shape[1]
        entropy = nn.functional.cross_entropy(logits.flatten(0, 1), right.repeat_interleave(places), balance[number])
        target = reading.words[number][right].unsqueeze(1)
        gap = (tokens[known][:, reading.places[number]] - target).square().mean((1, 2)) / reading.words[
            number
        ].square().mean()
        loss = loss + WEIGHT.get(topic, 1.0) * (entropy + (gap * balance[number][right]).mean())
    return loss


def accuracy(reading: ProjectorReadout, seen: NDArray[np.float16], wanted: Tensor) -> dict[str, float]:
    """Balanced accuracy per topic; all tokens of a topic vote together."""
    with torch.inference_mode():
        tokens = torch.cat([reading(torch.from_numpy(seen[at : at + 64]).float()) for at in range(0, len(seen), 64)])
    found = {}
    for number, (topic, words) in enumerate(WORDS.items()):
        said = reading.logits(tokens, number).mean(1).argmax(1)
        right = wanted[:, number]
        kinds = [kind for kind in range(len(words)) if bool((right == kind).any())]
        if kinds:
            found[topic] = float(np.mean([float((said[right == kind] == kind).float().mean()) for kind in kinds]))
    return found
