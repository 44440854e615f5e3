"""Which picture is shown with which questions: every answer of every topic equally often, whatever the sets hold.

A lesson is a function of its number and the seed alone. Knows no model.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from finetune.vlm.crops import Crops, view
from finetune.vlm.questions import Facts, ask
from finetune.vlm.train import Lessons
from finetune.vlm.words import Example

WEIGHTS = {
    "side": 3, "smile": 3, "light": 3, "glasses": 3, "altered": 6, "mouth": 1, "eyes": 1, "colour": 1, "hat": 1,
    "beard": 1, "hair": 1, "age": 1, "gender": 1, "forged": 2,
}  # fmt: skip
"""How often a lesson is about a topic. The five that the model is measured on come first."""
CORE = ("side", "smile", "light", "glasses", "altered")
TURNS = 4


def lessons(data: Crops, known: Sequence[Facts], rows: Sequence[int], count: int, seed: int) -> Lessons:
    """``count`` conversations of up to ``TURNS`` questions about the faces ``rows``."""
    shelf: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for topic, answer in known[row].items():
            shelf[topic][answer].append(row)
    topics = list(WEIGHTS)
    odds = np.array([WEIGHTS[topic] for topic in topics]) / sum(WEIGHTS.values())

    def make(number: int) -> Example:
        rng = np.random.default_rng((seed, number))
        about = topics[int(rng.choice(len(topics), p=odds))]
        row = int(rng.choice(rows))
        if about in shelf:
            answers = list(shelf[about].values())
            row = int(rng.choice(answers[int(rng.integers(len(answers)))]))
        spliced = about == "altered" or bool(rng.random() < 0.3)
        pixels, now = view(data, row, known[row], rng, spliced=spliced, vary=True)
        rest = [topic for topic in rng.permutation(topics) if topic != about]
        asked = ask(now, [about, *rest], rng)[:TURNS]
        order = rng.permutation(len(asked))
        return Example(pixels, [(asked[place].question, asked[place].answer) for place in order])

    return Lessons(count, make)


def exam(data: Crops, known: Sequence[Facts], rows: Sequence[int], topic: str, count: int, seed: int) -> list[Example]:
    """Up to ``count`` single questions on one topic, every answer equally often, in phrasings training never used."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Example]] = defaultdict(list)
    for row in rng.permutation(list(rows)):
        # Light is varied, or FairFace would hold hardly a dark picture; everything else is shown as it is.
        pixels, now = view(data, int(row), known[int(row)], rng, spliced=topic == "altered", vary=topic == "light")
        for one in ask(now, [topic], rng, held_out=True):
            found[one.answer].append(Example(pixels, [(one.question, one.answer)]))
    each = min([len(examples) for examples in found.values()] + [count // max(1, len(found))])
    return [example for examples in found.values() for example in examples[:each]]
