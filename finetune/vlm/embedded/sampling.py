"""Sampling of training conversations and test questions: every answer of a topic equally often."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.data.visual_questions import Facts, VisualQuestion, build_questions
from finetune.vlm.embedded.tokenize import TrainingExample

WEIGHTS: Mapping[str, int] = {
    "side": 4,
    "smile": 3,
    "light": 3,
    "glasses": 4,
    "altered": 6,
    "mouth": 1,
    "eyes": 1,
    "colour": 1,
    "hat": 1,
    "beard": 1,
    "hair": 1,
    "age": 1,
    "gender": 1,
    "forged": 2,
}
"""Relative frequency of each topic. The five that the model is measured on come first."""


def sample_examples(
    seen: NDArray[Any],
    facts: Sequence[Facts],
    rows: Sequence[int] | NDArray[np.int64],
    count: int,
    seed: int,
    turns: int = 3,
    weights: Mapping[str, int] = WEIGHTS,
) -> list[TrainingExample]:
    """``count`` conversations of up to ``turns`` questions about the pictures ``rows``."""
    rng = np.random.default_rng((seed, 7))
    by_answer = _rows_by_answer(facts, rows)
    topics = [topic for topic in weights if topic in by_answer]
    odds = np.array([weights[topic] for topic in topics], dtype=float)
    made = []
    for _ in range(count):
        about = topics[int(rng.choice(len(topics), p=odds / odds.sum()))]
        answers = list(by_answer[about].values())
        row = int(rng.choice(answers[int(rng.integers(len(answers)))]))
        rest = [topics[place] for place in rng.choice(len(topics), len(topics), replace=False, p=odds / odds.sum())]
        asked = build_questions(facts[row], [about, *(topic for topic in rest if topic != about)], rng)[:turns]
        order = rng.permutation(len(asked))
        made.append(TrainingExample(seen[row], [(asked[place].question, asked[place].answer) for place in order]))
    return made


def sample_questions(
    facts: Sequence[Facts], rows: Sequence[int] | NDArray[np.int64], topic: str, count: int, seed: int
) -> list[tuple[int, VisualQuestion]]:
    """Up to ``count`` (picture, question) pairs on one topic, every answer equally often, in words never trained."""
    rng = np.random.default_rng((seed, 8))
    found: dict[str, list[tuple[int, VisualQuestion]]] = defaultdict(list)
    for row in rng.permutation(list(rows)):
        for one in build_questions(facts[int(row)], [topic], rng, held_out=True):
            found[one.answer].append((int(row), one))
    each = min([len(examples) for examples in found.values()] + [count // max(1, len(found))])
    return [example for examples in found.values() for example in examples[:each]]


def _rows_by_answer(facts: Sequence[Facts], rows: Sequence[int] | NDArray[np.int64]) -> dict[str, dict[str, list[int]]]:
    by_answer: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for topic, answer in facts[row].items():
            by_answer[topic][answer].append(row)
    return by_answer
